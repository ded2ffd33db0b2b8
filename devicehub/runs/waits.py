"""Why a run waits, in a sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.runs.schedule import is_warm
from devicehub.units import format_celsius

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOLD: Final = 3
"""So many phones are named one by one."""


@dataclass(frozen=True)
class PhoneSeen:
    """A phone that is meant, as it stands.

    Attributes:
        run: what it is busy with.
        problem: why it cannot be used, as a clause with the remedy: `S1 is quarantined (...)`.
        kept_for: the run that it is kept free for.
    """

    name: str
    run: str | None = None
    problem: str | None = None
    temp_mc: int | None = None
    kept_for: str | None = None


def waits_for(meant: Sequence[tuple[str, Sequence[PhoneSeen]]], *, limit_mc: int | None = None) -> str:
    """Why an entry has not begun.

    Args:
        meant: for each phone that it needs: the words that name it, and the phones that are meant.
        limit_mc: below which temperature its phone must be; None for no such limit.
    """
    said = [_place(words, phones, limit_mc) for words, phones in meant]
    reasons = list(dict.fromkeys(reason for reason, _free in said))
    blocking = list(dict.fromkeys(reason for reason, free in said if not free))
    return "; ".join(blocking or reasons)


def _place(words: str, phones: Sequence[PhoneSeen], limit_mc: int | None) -> tuple[str, bool]:
    """The reason, and whether a phone of this place is free."""
    if not phones:
        return f"no phone that is there is {words}: connect it, or see `devicehub devices`", False
    free = [phone for phone in phones if _is_free(phone, limit_mc)]
    if free:
        return f"{free[0].name} is free; it begins when its turn comes", True
    told = sorted((_phone(phone, limit_mc) for phone in phones), key=lambda each: each[0])
    clauses = [clause for _order, clause in told[:_TOLD]]
    if len(told) > _TOLD:
        clauses.append(f"{len(told) - _TOLD} more cannot take it now")
    return ", ".join(clauses), False


def _is_free(phone: PhoneSeen, limit_mc: int | None) -> bool:
    taken = phone.problem or phone.run or phone.kept_for
    return not taken and not is_warm(phone.temp_mc, limit_mc)


def _phone(phone: PhoneSeen, limit_mc: int | None) -> tuple[int, str]:
    """A clause about a phone that is not free; those that will be by themselves come first."""
    if phone.problem is not None:
        return 3, phone.problem
    if phone.run is not None:
        return 0, f"{phone.name} is busy with run {phone.run}"
    if phone.kept_for is not None:
        return 1, f"{phone.name} is kept free for run {phone.kept_for}, which needs two phones at once"
    return 2, f"{phone.name} is {format_celsius(phone.temp_mc)} warm, wanted below {format_celsius(limit_mc)}"
