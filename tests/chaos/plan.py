"""What happens in a random run: drawn from a seed alone. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from tests.chaos.moments import MOMENTS

if TYPE_CHECKING:
    from tests.chaos.injuries import Fault
    from tests.chaos.moments import Moment

_FAULTS: Final[tuple[Fault, ...]] = (
    "cable", "frozen", "server", "reboot", "suspend", "clock", "supervisor", "agent", "disk",
)  # fmt: skip
_NEVER: Final = frozenset(
    (fault, moment) for fault in ("supervisor", "agent") for moment in ("deploying", "collecting")
)
_MOST_FAULTS: Final = 3
_LONGEST_S: Final = 3.0
_SHORTEST_SLEEP_S: Final = 2.0
"""Of a phone: a shorter one may pass between two samples."""
_TWO_PHONES: Final = 0.3
_HUB_KILLED: Final = 0.25


@dataclass(frozen=True)
class Injury:
    """One fault of one phone, at a moment of its run."""

    fault: Fault
    moment: Moment
    for_s: float


@dataclass(frozen=True)
class PhonePlan:
    """One phone, and what happens to it."""

    usb_mode: str
    injuries: tuple[Injury, ...] = field(default=())


@dataclass(frozen=True)
class Plan:
    """One test: a run on each phone.

    Attributes:
        build: where the engine's figures go.
        retries: attempts after the first.
        hub_dies: the moment of the first phone's run at which the command is killed; None lets it live.
    """

    seed: int
    build: Literal["stdout", "logcat"]
    retries: int
    hub_dies: Moment | None
    phones: tuple[PhonePlan, ...]

    @property
    def faults(self) -> frozenset[Fault]:
        """All that happens to any phone."""
        return frozenset(injury.fault for phone in self.phones for injury in phone.injuries)


def draw(seed: int) -> Plan:
    """The plan of a seed, always the same."""
    chance = random.Random(seed)
    phones = 2 if chance.random() < _TWO_PHONES else 1
    hub_dies = chance.choice(MOMENTS) if chance.random() < _HUB_KILLED else None
    fewest = 0 if hub_dies else 1
    injuries: list[list[Injury]] = [[] for _ in range(phones)]
    for _ in range(chance.randint(fewest, _MOST_FAULTS - (hub_dies is not None))):
        chance.choice(injuries).append(_draw_injury(chance))
    return Plan(
        seed=seed,
        build=chance.choice(("stdout", "logcat")),
        retries=chance.randint(0, 2),
        hub_dies=hub_dies,
        phones=tuple(
            PhonePlan(usb_mode=chance.choice(("charging", "mtp")), injuries=tuple(some)) for some in injuries
        ),
    )


def _draw_injury(chance: random.Random) -> Injury:
    fault = chance.choice(_FAULTS)
    moment = chance.choice([moment for moment in MOMENTS if (fault, moment) not in _NEVER])
    shortest_s = _SHORTEST_SLEEP_S if fault == "suspend" else 0.2
    return Injury(fault, moment, round(chance.uniform(shortest_s, _LONGEST_S), 1))
