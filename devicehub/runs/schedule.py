"""Which waiting run goes next, and to which phone. Pure.

A phone is shared fairly between clients: of those that wait for it, the one that it served longest ago goes
first, and its oldest entry. Nobody waits for a phone longer than the others' one turn each. What cannot go
now (its phone is in use, away or too warm) holds nothing else up, with one exception: an entry that needs
two phones keeps one of them free while it waits for the other, or runs of single phones would pass it over
for ever.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WARM_PATIENCE_S: Final = 600.0
"""So long an entry is held back because a phone is warm; then its own gate decides."""

Served: TypeAlias = "Mapping[tuple[str, str], float]"
"""By client and phone: when the phone last began a run of the client, as a number that grows."""
_NEVER: Final = float("-inf")


@dataclass(frozen=True)
class Waiting:
    """One entry of the queue: a run, or the two runs of a comparison, which begin together.

    Attributes:
        number: grows with each submission; no two entries share it.
        client: who asked.
        places: for each phone that it needs, the keys of those that will do: those that are there, in use or
            not. An empty place can be filled by nothing now.
        start_below_mc: of the phone's skin, where it asks for that.
        held_back_s: since when warm phones have been passed over for it, as `now` is told; None before.
    """

    id: str
    number: int
    client: str
    places: tuple[frozenset[str], ...]
    start_below_mc: int | None = None
    held_back_s: float | None = None


@dataclass(frozen=True)
class FreePhone:
    """A phone that could begin a run now; one whose temperature is not known is not warm."""

    key: str
    temp_mc: int | None = None


@dataclass(frozen=True)
class Assignment:
    """An entry that begins now, with a phone for each of its places."""

    id: str
    phones: tuple[str, ...]


@dataclass(frozen=True)
class _Turn:
    entry: Waiting
    phones: tuple[str, ...]
    begins: bool
    """False: the phones are kept free until the others are, too."""


def schedule(
    waiting: Sequence[Waiting], free: Sequence[FreePhone], *, now: float, served: Served
) -> list[Assignment]:
    """Which entries begin now, and where; the same whatever the order of the arguments' items.

    Args:
        waiting: all entries.
        free: the phones that no run is using.
        now: seconds on any clock.
        served: what was begun before.
    """
    return _Decision(waiting, free, now=now, served=served).decide()


def kept_free(
    waiting: Sequence[Waiting], free: Sequence[FreePhone], *, now: float, served: Served
) -> dict[str, str]:
    """The free phones that `schedule` would keep free, and for which entry."""
    decision = _Decision(waiting, free, now=now, served=served)
    decision.decide()
    return decision.kept


def held_back(waiting: Sequence[Waiting], free: Sequence[FreePhone], *, now: float) -> set[str]:
    """The ids of the entries that would find free phones now, were these not too warm."""
    phones = {phone.key: phone for phone in free}
    found = set()
    for entry in waiting:
        limit = limit_mc(entry, now)
        if limit is None or not all(place & phones.keys() for place in entry.places):
            continue
        cool = {key for key, phone in phones.items() if not is_warm(phone.temp_mc, limit)}
        if any(not place & cool for place in entry.places):
            found.add(entry.id)
    return found


def limit_mc(entry: Waiting, now: float) -> int | None:
    """Below which temperature an entry's phone must be now; None once it has been held back long enough."""
    if entry.held_back_s is not None and now - entry.held_back_s >= WARM_PATIENCE_S:
        return None
    return entry.start_below_mc


def is_warm(temp_mc: int | None, limit: int | None) -> bool:
    """Whether a phone is too warm for an entry's limit."""
    return limit is not None and temp_mc is not None and temp_mc >= limit


def in_order(waiting: Sequence[Waiting], served: Served) -> list[Waiting]:
    """All entries as they would go if one phone after the other became free for each of them.

    The clients take turns; the entries that no phone is there for come last.
    """
    latest = _latest(served)
    ordered: list[Waiting] = []
    for blocked in (False, True):
        rounds: list[tuple[int, float, int, Waiting]] = []
        turns: Counter[str] = Counter()
        for entry in sorted(waiting, key=lambda each: each.number):
            if (not all(entry.places)) is blocked:
                rounds.append((turns[entry.client], latest.get(entry.client, _NEVER), entry.number, entry))
                turns[entry.client] += 1
        ordered += [entry for *_, entry in sorted(rounds, key=lambda each: each[:3])]
    return ordered


def _latest(served: Served) -> dict[str, float]:
    latest: dict[str, float] = {}
    for (client, _phone), moment in served.items():
        latest[client] = max(moment, latest.get(client, _NEVER))
    return latest


class _Decision:
    """One decision; each turn takes phones out of those that are left."""

    def __init__(
        self, waiting: Sequence[Waiting], free: Sequence[FreePhone], *, now: float, served: Served
    ) -> None:
        self._left = {phone.key: phone for phone in free}
        self._now = now
        self._served = served
        self._latest = _latest(served)
        self._turns: Counter[str] = Counter()
        self._keeping: set[str] = set()
        self.kept: dict[str, str] = {}
        # How many entries can have that phone only: others take another one where they can.
        self._wanted = Counter(
            key for entry in waiting for place in entry.places if len(place) == 1 for key in place
        )
        self._lines = self._line_up(waiting)

    def _line_up(self, waiting: Sequence[Waiting]) -> list[list[Waiting]]:
        """Entries that the same phones suit, oldest last: only that one can be the next of its line."""
        lines: dict[tuple[str, tuple[frozenset[str], ...], int | None], list[Waiting]] = {}
        for entry in sorted(waiting, key=lambda each: -each.number):
            if entry.places and any(place & self._left.keys() for place in entry.places):
                key = (entry.client, entry.places, limit_mc(entry, self._now))
                lines.setdefault(key, []).append(entry)
        return list(lines.values())

    def decide(self) -> list[Assignment]:
        chosen = []
        while turns := [(turn, line) for line in self._lines if line for turn in self._turn(line[-1])]:
            turn, line = min(turns, key=lambda each: self._rank(each[0]))
            for key in turn.phones:
                del self._left[key]
            if not turn.begins:
                self._keeping.add(turn.entry.client)
                self.kept |= dict.fromkeys(turn.phones, turn.entry.id)
                continue
            line.pop()
            self._turns[turn.entry.client] += 1
            chosen.append(Assignment(turn.entry.id, turn.phones))
        return chosen

    def _rank(self, turn: _Turn) -> tuple[float, int, float, int]:
        client = turn.entry.client
        return (
            min(self._served.get((client, key), _NEVER) for key in turn.phones),
            self._turns[client],
            self._latest.get(client, _NEVER),
            turn.entry.number,
        )

    def _turn(self, entry: Waiting) -> Iterator[_Turn]:
        """What the entry would do with the phones that are left: nothing, or one thing."""
        fitting = [self._fitting(entry, place) for place in entry.places]
        if phones := _distinct(fitting):
            yield _Turn(entry, phones, begins=True)
        elif len(fitting) > 1 and entry.client not in self._keeping and (kept := self._kept(entry, fitting)):
            yield _Turn(entry, (kept,), begins=False)

    def _fitting(self, entry: Waiting, place: frozenset[str]) -> list[str]:
        """The phones that will do now, the best first: one that few others need, then the coolest."""
        limit = limit_mc(entry, self._now)
        phones = [self._left[key] for key in place & self._left.keys()]
        cool = [phone for phone in phones if not is_warm(phone.temp_mc, limit)]
        return [phone.key for phone in sorted(cool, key=self._preference)]

    def _preference(self, phone: FreePhone) -> tuple[int, float, str]:
        temp_mc = float("inf") if phone.temp_mc is None else phone.temp_mc
        return self._wanted[phone.key], temp_mc, phone.key

    def _kept(self, entry: Waiting, fitting: Sequence[Sequence[str]]) -> str | None:
        """The phone to keep free while the phone of another place is in use."""
        for number, phones in enumerate(fitting):
            for key in phones:
                others = [place - {key} for other, place in enumerate(entry.places) if other != number]
                if all(others) and not any(place & self._left.keys() for place in others):
                    return key
        return None


def _distinct(fitting: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """One phone for each place, none twice; empty where there are not enough."""
    if not fitting:
        return ()
    first, *others = fitting
    if not others:
        return tuple(first[:1])
    for key in first:
        rest = _distinct([[other for other in place if other != key] for place in others])
        if rest:
            return (key, *rest)
    return ()
