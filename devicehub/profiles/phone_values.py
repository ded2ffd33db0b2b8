"""What of a run profile depends on the phone, settled for one phone. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from devicehub.profiles.layers import merge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.profiles.run_file import Fact, RunFile

_MOST_THREADS: Final = 4
"""More of MNN's threads gain nothing where memory sets the pace; one that is kept waiting holds all up."""
_TITLES: Final[Mapping[Fact, str]] = {
    "big_cores": "its big cores, 4 at most",
    "cores": "its cores",
    "ram": "its memory in GiB",
}


@dataclass(frozen=True)
class PhoneValues:
    """What a profile may ask of a phone; None is what the phone does not tell, and nobody knows.

    Attributes:
        gpu: the family: adreno, mali, xclipse, powervr, other.
        ram: GiB, as the phone is sold: 7.4 GiB that the system sees are 8.
    """

    vendor: str | None = None
    soc: str | None = None
    gpu: str | None = None
    htp: str | None = None
    android: str | None = None
    ram: int | None = None
    cores: int | None = None
    big_cores: int | None = None


@dataclass(frozen=True)
class Settled:
    """A profile's values for one phone.

    Attributes:
        origins: where each comes from: `profile`, or what of the phone decided.
        left: the keys that were left to the model, and why.
        why: reasons, by key.
    """

    config: dict[str, Any]
    origins: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


def settle(file: RunFile, phone: PhoneValues) -> Settled:
    """Settle what depends on the phone; later values win, what the phone does not tell sets nothing."""
    config = dict(file.config)
    origins = dict.fromkeys(config, "profile")
    left: dict[str, str] = {}
    why: dict[str, str] = dict(file.why)
    for key, fact in file.from_phone.items():
        value: int | None = getattr(phone, fact)
        if value is None:
            left[key] = f"this phone does not tell {_TITLES[fact]}"
            why.pop(key, None)
            continue
        config[key] = min(value, _MOST_THREADS) if fact == "big_cores" else value
        origins[key] = f"phone: {_TITLES[fact]}"
    for when in file.when:
        if not all(term is not None and term.holds(getattr(phone, term.key)) for term in when.terms()):
            continue
        config = merge(config, when.config)
        for key in when.config:
            origins[key] = f"phone: {when.phone}"
            for stale in (left, why):
                stale.pop(key, None)
            if when.why:
                why[key] = when.why
    return Settled(config, origins, left, why)
