"""What hub and agent agree on: names, exit statuses, and the text of each file (agent/PROTOCOL.md).

Pure. Encoding refuses what the phone could not be told; decoding takes whatever a phone says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Literal

from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTRACT: Final = "1"
"""Both sides refuse any other; a change of any file's form raises it."""
AGENT_FILES: Final = ("ctl.sh", "lib.sh", "run.sh", "sample.sh", "supervise.sh", "workload.sh")

StreamName = Literal["stdout", "stderr", "log", "samples"]
STREAMS: Final[tuple[StreamName, ...]] = ("stdout", "stderr", "log", "samples")
"""The files of a run that grow, in the order in which `ctl.sh follow` takes their positions."""

LOG_TAGS: Final = (
    "MNNJNI:V", "MNN_DEBUG:V", "DEBUG:V", "libc:V", "linker:V", "crash_dump64:V", "crash_dump32:V",
    "tombstoned:V", "lowmemorykiller:V", "lmkd:V", "adsprpc:V", "liblog:V", "chatty:V", "ActivityManager:I",
)  # fmt: skip
"""What the capture on the phone keeps beside the tag of the executable's own name; all else is silenced."""

_RUN_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAG: Final = re.compile(r"[A-Za-z0-9_.+-]+")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_RESERVED: Final = frozenset(
    {*STREAMS, "launch", "claim", "capture", "supervisor", "status", "pid", "exit", "stop", "agent"}
)


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


@dataclass(frozen=True)
class LaunchSpec:
    """One start of a process on a phone.

    Paths below the phone's root travel relative to the root that the agent finds for itself.
    """

    run_id: str
    """Letters, digits, `._-`; names the run's directory."""
    argv: Sequence[str]
    """The program's absolute path, then its arguments: any characters but NUL."""
    cwd: str
    """Absolute. A folder of work/ is created by the agent and gets the run's config.json."""
    env: Mapping[str, str] = field(default_factory=dict)
    """For the workload alone, beside what the phone's shell has."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Put into the run's directory before the start: config.json, prompt.txt."""
    log_tags: Sequence[str] = LOG_TAGS
    """logcat filters, `TAG:PRIORITY`; the executable's own name is added."""


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
    """A piece of one of a run's files, in order and without gaps per stream."""

    stream: StreamName
    offset: int
    """Of the piece's first byte in the file."""
    data: bytes


@dataclass(frozen=True)
class Exit:
    """How a run ended, from its `exit` file."""

    status: int | None
    """The workload's exit status, 128 + n when signal n killed it; None where it was never started."""
    cause: str | None
    """Why the agent ended it, `stopped` among them; None when it ended by itself."""
    byte_counts: Mapping[str, int]
    """Size of each stream's file when everything had ended."""
    log_captured: bool
    """Whether the phone's logcat ran to the end of the run."""
    log_wrapped: bool
    """Whether the capture outgrew its bound, so that `log` lacks its beginning."""
    duration_s: float | None
    """From the start of the workload to its end, on the phone's boot clock, which counts suspension."""
    workload_pid: int | None = None
    """The workload's process, as the phone's log names it."""


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
        if not _FILE_NAME.fullmatch(name) or name in _RESERVED:
            raise InputError(f"launch file {name!r}", "cannot be put into a run's directory")


def encode_launch(spec: LaunchSpec, root: str) -> bytes:
    """The `launch` file: definitions that the agent's sh sources.

    Every foreign text stands in single quotes; the phone's root stands as $root wherever it occurs, so that
    an agent under another root is told its own paths.

    Raises:
        InputError: a text holds NUL, or a name is not one of an environment variable.
    """
    check_run_id(spec.run_id)
    if not spec.argv:
        raise InputError("launch", "has no command")
    lines = [f"launch_contract={CONTRACT}", f"launch_cwd={_quote(spec.cwd, root)}"]
    lines.append(_function("launch_tags", '"$@"', (*_tags(spec), "*:S"), root))
    lines.append("launch_env() {")
    for name, value in spec.env.items():
        if not _ENV_NAME.fullmatch(name):
            raise InputError(f"environment variable {name!r}", "has a name that no shell takes")
        lines.append(f"  export {name}={_quote(value, root)}")
    lines += ["  :", "}", _function("launch_argv", '"$@"', spec.argv, root)]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _tags(spec: LaunchSpec) -> list[str]:
    # fastrpc and QNN log under the name of the process.
    own = spec.argv[0].rpartition("/")[2]
    named = [f"{own}:V"] if _TAG.fullmatch(own) else []
    return list(dict.fromkeys([*named, *spec.log_tags]))


def _function(name: str, command: str, words: Sequence[str], root: str) -> str:
    return f"{name}() {{ {command} {' '.join(_quote(word, root) for word in words)}; }}"


def _quote(text: str, root: str) -> str:
    if "\0" in text:
        raise InputError(f"launch text {text[:40]!r}", "holds a NUL, which no command line can")
    return '"$root"'.join(_single_quote(part) for part in text.split(root))


def _single_quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def parse_fields(text: bytes) -> dict[str, str]:
    """The key=value lines of an agent's file or answer; of a repeated key the last counts."""
    fields: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").split("\n"):
        key, separator, value = line.rstrip("\r").partition("=")
        if separator and key:
            fields[key] = value
    return fields


def parse_exit(text: bytes) -> Exit | None:
    """The `exit` file; None where it is not whole (its last line is `end=exit`) or not of this contract."""
    fields = parse_fields(text)
    if fields.get("end") != "exit" or fields.get("contract") != CONTRACT:
        return None
    started = _decimal(fields.get("started"))
    ended = _decimal(fields.get("ended"))
    counts = {name: _whole(fields.get(name)) for name in STREAMS}
    return Exit(
        status=_whole(fields.get("status")),
        cause=fields.get("cause") or None,
        byte_counts={name: count for name, count in counts.items() if count is not None},
        # 143: ended by the supervisor, as it should be; 0: Android's logcat may end so on SIGTERM.
        log_captured=fields.get("logcat") in ("0", "143"),
        log_wrapped=fields.get("log_wrapped") == "1",
        duration_s=None if started is None or ended is None else ended - started,
        workload_pid=_whole(fields.get("workload")),
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None


def _decimal(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"[0-9]{1,18}(\.[0-9]{0,9})?", text, re.ASCII) else None
