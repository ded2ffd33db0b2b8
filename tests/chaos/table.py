"""What must come of each fault at each moment of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

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

    fault: Fault | Literal["hub"]
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
        figures: a failed run keeps what it measured.
        otherwise: the other end, where a fault races what the phone does.
    """

    verdict: str
    cause: str | None = None
    attempts: tuple[int, ...] = (1,)
    first_cause: str | None = None
    trusted: bool | None = None
    detached: bool = False
    figures: bool = False
    otherwise: End | None = None


@dataclass(frozen=True)
class Never:
    """A fault that cannot occur at a moment."""

    reason: str


_UNHARMED: Final = End("succeeded", trusted=True)
_AGAIN: Final = End("succeeded", attempts=(2,), trusted=True)
_PERHAPS_AGAIN: Final = End("succeeded", attempts=(1, 2), trusted=True)
_NO_AGENT: Final = Never("nothing of the agent runs before the start")
_AGENT_DONE: Final = Never("publishing the end is the agent's last act")

MATRIX: Final[dict[Case, End | Never]] = {
    Case("cable", "deploying"): _AGAIN,
    Case("cable", "starting"): _PERHAPS_AGAIN,
    Case("cable", "decoding"): End("succeeded", trusted=True, detached=True),
    Case("cable", "collecting"): _UNHARMED,
    Case("cable", "deploying", "mtp"): _AGAIN,
    Case("cable", "starting", "mtp"): _AGAIN,
    Case("cable", "decoding", "mtp"): End(
        "succeeded", attempts=(2,), first_cause="adbd_restarted", trusted=True
    ),
    Case("cable", "decoding", "mtp", retries=0): End("failed", "adbd_restarted", trusted=False),
    Case("cable", "collecting", "mtp"): _UNHARMED,
    Case("frozen", "deploying", for_s=2.0): _UNHARMED,
    Case("frozen", "starting", for_s=2.0): _UNHARMED,
    Case("frozen", "decoding", for_s=2.0): _UNHARMED,
    Case("frozen", "collecting", for_s=2.0): _UNHARMED,
    Case("server", "deploying"): _AGAIN,
    Case("server", "starting"): _PERHAPS_AGAIN,
    Case("server", "decoding"): End("succeeded", trusted=True, detached=True),
    Case("server", "collecting"): _UNHARMED,
    Case("hub", "deploying"): End("failed", "hub_killed"),
    Case("hub", "starting"): End("failed", "hub_killed"),
    Case("hub", "decoding"): _UNHARMED,
    Case("hub", "collecting"): _UNHARMED,
    Case("reboot", "deploying"): _AGAIN,
    Case("reboot", "starting"): _AGAIN,
    Case("reboot", "decoding"): End("succeeded", attempts=(2,), first_cause="rebooted", trusted=True),
    Case("reboot", "decoding", retries=0): End("failed", "rebooted", trusted=False),
    Case("reboot", "collecting"): _UNHARMED,
    Case("suspend", "deploying", for_s=3.0): _UNHARMED,
    Case("suspend", "starting", for_s=3.0): _UNHARMED,
    Case("suspend", "decoding", for_s=3.0): End("failed", "suspended", trusted=False, figures=True),
    Case("suspend", "collecting", for_s=3.0): _UNHARMED,
    Case("clock", "deploying"): _UNHARMED,
    Case("clock", "starting"): _UNHARMED,
    Case("clock", "decoding"): End("failed", "clock_step", trusted=False, figures=True),
    Case("clock", "collecting"): _UNHARMED,
    Case("supervisor", "deploying"): _NO_AGENT,
    Case("supervisor", "starting"): _PERHAPS_AGAIN,
    Case("supervisor", "decoding"): End("succeeded", attempts=(2,), first_cause="agent_killed", trusted=True),
    Case("supervisor", "decoding", retries=0): End("failed", "agent_killed", trusted=False),
    Case("supervisor", "collecting"): _AGENT_DONE,
    Case("agent", "deploying"): _NO_AGENT,
    Case("agent", "starting"): _PERHAPS_AGAIN,
    Case("agent", "decoding"): End("succeeded", attempts=(2,), first_cause="agent_killed", trusted=True),
    Case("agent", "decoding", retries=0): End("failed", "agent_killed", trusted=False),
    Case("agent", "collecting"): _AGENT_DONE,
    Case("disk", "deploying", for_s=0.0): End("failed", "no_space", trusted=False),
    Case("disk", "starting", for_s=0.0): End("failed", "no_space", trusted=False),
    # The last blocks of files that are open take a little more, on a real phone as well.
    Case("disk", "decoding", for_s=0.0): End("succeeded", otherwise=End("failed", "no_space", trusted=False)),
    Case("disk", "collecting", for_s=0.0): _UNHARMED,
}
