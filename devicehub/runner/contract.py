"""What hub and agent agree on: names, exit statuses, a run's parts and its ends (agent/PROTOCOL.md).

Pure. `launch_file` writes what the phone is told, `exits` reads what it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Literal

from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTRACT: Final = "3"
"""Both sides refuse any other; a change of any file's form raises it."""
AGENT_FILES: Final = (
    "app.sh", "ctl.sh", "gate.sh", "lib.sh", "run.sh", "sample.sh", "steady.sh", "supervise.sh",
    "workload.sh",
)  # fmt: skip

StreamName = Literal["stdout", "stderr", "log", "samples"]
STREAMS: Final[tuple[StreamName, ...]] = ("stdout", "stderr", "log", "samples")
"""The files of a run that grow, in the order in which `ctl.sh follow` takes their positions."""

LOG_TAGS: Final = (
    "MNNJNI:V", "MNN_DEBUG:V", "DEBUG:V", "libc:V", "linker:V", "crash_dump64:V", "crash_dump32:V",
    "tombstoned:V", "lowmemorykiller:V", "lmkd:V", "adsprpc:V", "liblog:V", "chatty:V", "ActivityManager:I",
    "AndroidRuntime:E",
)  # fmt: skip
"""What the capture on the phone keeps beside the tag of the executable's own name; all else is silenced."""

_RUN_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_RESERVED: Final = frozenset(
    {
        *STREAMS,
        "launch",
        "claim",
        "capture",
        "supervisor",
        "status",
        "pid",
        "exit",
        "gate",
        "stop",
        "agent",
        "diagnosis",
        "part_of",
        "parts",
    }
)


MAX_LAUNCHES: Final = 250
SAMPLE_HZ: Final = (0.2, 10.0)
"""The slowest and the fastest rate of samples."""


class AgentExit(IntEnum):
    """Exit statuses of the agent's scripts."""

    OK = 0
    USAGE = 64
    CONTRACT = 65
    """The script speaks another version."""
    LOCKED = 66
    """A living run holds the phone; its id follows `holder=`."""
    ALREADY = 67
    """This run was claimed before: it is under way or has ended."""
    NO_RUN = 68
    SUPERVISOR = 69
    CONFIG = 70
    """The work folder's config.json is another one than the run's."""
    STOPPED = 71
    """The run was stopped before it began."""


@dataclass(frozen=True)
class Command:
    """One start of a process on a phone.

    Paths below the phone's root travel relative to the root that the agent finds for itself, and those of
    the launch's folder relative to the folder that it runs in.
    """

    argv: Sequence[str]
    """The program's absolute path, then its arguments: any characters but NUL."""
    cwd: str
    """Absolute. A folder of work/ is created by the agent and gets the run's config.json."""
    env: Mapping[str, str] = field(default_factory=dict)
    """For the workload alone, beside what the phone's shell has."""
    result_files: Sequence[str] = ()
    """Names of what it writes into the launch's folder."""
    run_id: str | None = None
    """Whose folder and config it is of; None for the list's own run."""
    config: str = "config.json"
    """What that run's folder calls the file which the folder of work/ gets as its config.json."""
    gated: bool = False
    """Waits for a phone as the list's gate wants it."""
    sampled: bool = True
    discards_cwd: bool = False
    """Its folder of work/ is removed when no next launch runs there."""


@dataclass(frozen=True)
class Limits:
    """Where the agent ends a run by itself; None is no limit."""

    wall_s: int | None = None
    """Since the run began, on the phone's boot clock."""
    temp_mc: int | None = None
    """Of the hottest of skin and battery, in milli-degrees Celsius."""
    battery_percent: int | None = None
    """The run ends below it."""
    free_mib: int | None = None
    """The run ends when less is free where its files lie."""


@dataclass(frozen=True)
class Gate:
    """What a phone must be before a gated launch; what it cannot tell holds nothing up.

    Nothing may throttle either: a thermal status of 2 or more, or a cap below that at the list's begin.
    """

    temp_mc: int
    """At most, in milli-degrees Celsius."""
    zone: str
    """skin, battery, cpu, gpu: the warmest of these; or the type of one thermal zone."""
    cap_s: int
    """The launch is made after that all the same."""


@dataclass(frozen=True)
class RunSpec:
    """What the agent carries by itself: launches one after the other, under one log, sampler and lock."""

    run_id: str
    """Letters, digits, `._-`; names the run's directory."""
    launches: Sequence[Command]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Put into the run's directory before the start: config.json, prompt.txt."""
    log_tags: Sequence[str] = LOG_TAGS
    """logcat filters, `TAG:PRIORITY`; the executables' own names are added."""
    limits: Limits = Limits()
    sample_hz: float = 1.0
    """How often the sampler reads what needs no fork: 0.2 to 10."""
    others: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    """Further runs of this list by their ids, and the files of their folders."""
    gate: Gate | None = None
    steady: bool = False
    """Hold Android's fixed-performance mode meanwhile."""


@dataclass(frozen=True)
class RunHandle:
    """A started run, as far as the phone told it; enough to find the run again from another process."""

    run_id: str
    root: str
    """The phone's folder for everything of ours."""
    agent_dir: str
    supervisor: Mapping[str, str] = field(default_factory=dict)
    """The fields of the run's `supervisor` file: pid, start, boot_id, adbd, usb_state, ..."""

    @property
    def run_dir(self) -> str:
        """Where the run's files lie on the phone."""
        return f"{self.root}/runs/{self.run_id}"


@dataclass(frozen=True)
class Piece:
    """A piece of one of a run's files, in order and without gaps per file."""

    stream: StreamName
    offset: int
    """Of the piece's first byte in the file."""
    data: bytes
    launch: int
    """Whose stdout or stderr it is, from 1; 0 for log and samples, which are the run's."""


@dataclass(frozen=True)
class LaunchExit:
    """How one launch ended, from its `exit` file; what is absent there is None."""

    number: int
    status: int | None
    """The workload's exit status, 128 + n when signal n killed it."""
    cause: str | None
    """Why the agent ended it, `stopped` among them; None when it ended by itself."""
    started_s: float | None
    """On the phone's boot clock, which counts suspension."""
    ended_s: float | None
    workload_pid: int | None
    """The workload's process, as the phone's log names it."""
    byte_counts: Mapping[str, int]
    """Of stdout, stderr and the run's log, when it had ended and the log had settled."""
    free_kib: int | None = None
    """What the disk had left then."""
    oom_score_adj: int | None = None
    cgroups: tuple[str, ...] = ()
    """Lines of /proc/PID/cgroup."""
    cpus_allowed: str | None = None
    kernel: tuple[str, ...] = ()
    """What the kernel said of a killed process, where the phone lets its shell user read that."""
    gate_waited_s: float | None = None
    """None for a launch without a gate; so are the others."""
    gate_timed_out: bool | None = None
    gate_temp_mc: int | None = None
    """When it was passed; None where the phone has no such zone."""
    gate_zone: str | None = None
    """The zone that was the warmest."""
    gate_throttled: bool | None = None
    """None where the phone does not tell."""
    caches_before: int | None = None
    """How many cache files its folder of work/ had before; None outside work/."""
    caches_after: int | None = None

    @property
    def duration_s(self) -> float | None:
        """From its start to its end."""
        return duration(self.started_s, self.ended_s)


@dataclass(frozen=True)
class LaunchEnded:
    """A follower has given all of a launch's stdout and stderr, and the log up to its end."""

    exit: LaunchExit


@dataclass(frozen=True)
class Exit:
    """How a run ended, from its `exit` file and those of its launches."""

    cause: str | None
    """Why the agent ended it, `stopped` among them; None when all launches were made."""
    launches: tuple[LaunchExit, ...]
    """Those that were begun."""
    byte_counts: Mapping[str, int]
    """Sizes of log and samples when everything had ended."""
    log_captured: bool
    """Whether the phone's logcat ran to the end of the run."""
    log_wrapped: bool
    """Whether the capture outgrew its bound, so that the log lacks what came after."""
    started_s: float | None
    """On the phone's boot clock."""
    ended_s: float | None
    boot_id: str = ""
    """Of the boot that it ran under."""

    @property
    def duration_s(self) -> float | None:
        """From the supervisor's start to its end."""
        return duration(self.started_s, self.ended_s)


@dataclass(frozen=True)
class Positions:
    """How far a run's files were read: what a follower, also one of another process, goes on from."""

    launch: int = 1
    """The launch whose stdout and stderr come next."""
    stdout: int = 0
    stderr: int = 0
    log: int = 0
    samples: int = 0

    def after(self, item: Piece | LaunchEnded) -> Positions:
        """Where one stands when this was taken as well."""
        if isinstance(item, LaunchEnded):
            return replace(self, launch=item.exit.number + 1, stdout=0, stderr=0)
        end = item.offset + len(item.data)
        match item.stream:
            case "stdout":
                return replace(self, stdout=end)
            case "stderr":
                return replace(self, stderr=end)
            case "log":
                return replace(self, log=end)
            case "samples":
                return replace(self, samples=end)


RunPhase = Literal["none", "running", "ended", "lost"]


@dataclass(frozen=True)
class RunStatus:
    """What a phone says about a run now."""

    state: RunPhase
    """none: never begun. lost: begun, and its supervisor vanished without an end."""
    cause: str | None
    """Of an ended or lost run: why."""
    fields: Mapping[str, str]
    """All that the agent told: beat, launch, boot_id, adbd, usb_state, screen, plugged, ..."""


def duration(started_s: float | None, ended_s: float | None) -> float | None:
    """The time between two stamps, None where one is missing."""
    return None if started_s is None or ended_s is None else ended_s - started_s


def launch_dir(run_dir: str, number: int) -> str:
    """The folder of a launch on the phone."""
    return f"{run_dir}/{number}"


def engine_env(engine_dir: str) -> dict[str, str]:
    """The library paths that an MNN engine needs.

    Never /vendor/lib64: the linker finds OpenCL and cdsprpc by itself there, and that folder before its own
    breaks Hexagon sessions. fastrpc separates by semicolons.
    """
    dsp = ("/vendor/dsp/cdsp", "/vendor/lib/rfsa/adsp", "/vendor/dsp")
    return {"LD_LIBRARY_PATH": engine_dir, "ADSP_LIBRARY_PATH": ";".join((engine_dir, *dsp))}


def check_run_id(run_id: str) -> str:
    """The run id itself.

    Raises:
        InputError: it cannot name a directory on the phone.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise InputError(f"run id {run_id!r}", "is not made of letters, digits and ._- alone")
    return run_id


def check_file_names(files: Mapping[str, bytes]) -> None:
    """Refuse files that would leave the run's directory or stand where the agent writes.

    Raises:
        InputError: names the file.
    """
    for name in files:
        if not _FILE_NAME.fullmatch(name) or name in _RESERVED or name.isdigit():
            raise InputError(f"launch file {name!r}", "cannot be put into a run's directory")


def check_result_name(name: str) -> str:
    """The name itself.

    Raises:
        InputError: it names nothing that a launch may have written into its folder.
    """
    if not _FILE_NAME.fullmatch(name) or name in _RESERVED:
        raise InputError(f"result file {name!r}", "cannot be one of a launch's folder")
    return name
