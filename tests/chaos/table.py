"""What must come of each fault at each moment of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.chaos.injuries import Fault
    from tests.chaos.moments import Moment


@dataclass(frozen=True)
class Case:
    """One fault at one moment.

    Attributes:
        usb_mode: charging keeps adbd alive without its cable, mtp does not.
        retries: attempts after the first.
        for_s: how long the fault lasts.
    """

    fault: Fault
    moment: Moment
    usb_mode: str = "charging"
    retries: int = 1
    for_s: float = 1.0

    def __str__(self) -> str:
        flavour = f"-{self.usb_mode}" if self.fault == "cable" else ""
        return f"{self.fault}{flavour}-{self.moment}-retries{self.retries}"


@dataclass(frozen=True)
class End:
    """How a run must end.

    Attributes:
        attempts: how many it may have taken: where a fault races the start, the phone has begun or not.
        first_cause: why the first of several attempts ended.
        trusted: whether its figures are; None where that depends on how the race went.
        detached: the run must have been seen without its phone.
    """

    verdict: str
    cause: str | None = None
    attempts: tuple[int, ...] = (1,)
    first_cause: str | None = None
    trusted: bool | None = None
    detached: bool = False


@dataclass(frozen=True)
class Never:
    """A fault that cannot occur at a moment."""

    reason: str


SUCCEEDED: Final = End("succeeded", trusted=True)

MATRIX: Final[dict[Case, End | Never]] = {
    Case("cable", "decoding"): End("succeeded", trusted=True, detached=True),
    Case("cable", "decoding", "mtp", retries=0): End("failed", "adbd_restarted", trusted=False),
    Case("cable", "decoding", "mtp"): End(
        "succeeded", attempts=(2,), first_cause="adbd_restarted", trusted=True
    ),
    Case("cable", "deploying"): End("succeeded", attempts=(2,), trusted=True),
    Case("reboot", "decoding"): End("succeeded", attempts=(2,), first_cause="rebooted", trusted=True),
    Case("suspend", "decoding", for_s=3.0): End("failed", "suspended", trusted=False),
    Case("agent", "decoding", retries=0): End("failed", "agent_killed", trusted=False),
}
