"""Every error that DeviceHub raises on purpose.

::

    HubError
    ├── ConfigError                file, key, line
    ├── InputError                 a file or argument of the user's: where, what, remedy
    ├── AdbError                   serial, service
    │   ├── AdbServerUnavailable   transient
    │   │   └── AdbServerHung      it takes connections and does not answer
    │   ├── AdbProtocolError       the peer broke the wire format
    │   ├── AdbRefused             the server or the phone answered FAIL
    │   ├── AdbTimeout             transient: no answer, or no end, in time
    │   ├── DeviceGone             transient
    │   ├── DeviceUnauthorized     a person must press "allow"
    │   └── ShellFailed            argv, exit status, tail of stderr
    ├── AskError                   what is asked for does not go together: nothing was done
    ├── SelectionError             which phone: none, or more than one
    │   └── NoPhoneReady           those that are meant cannot be reached now
    ├── DeployError
    │   ├── NoSpace                needed, free
    │   ├── HashMismatch           transient
    │   └── InstallRefused         the phone does not take the app
    ├── RunnerError
    │   ├── AgentVersionMismatch   transient: push again
    │   ├── PhoneLocked            another run holds the phone
    │   └── RunLost                transient: last heartbeat
    ├── RunError
    │   ├── IllegalTransition
    │   ├── PhoneAway              the run goes on there
    │   ├── RunRefused             --strict, or a phone in quarantine
    │   └── UnlikeRuns             the two of a comparison, before they are made
    ├── ExportFailed               stage, reason, tail of the log: export/errors.py
    ├── StoreError                 the database of runs: file, what, remedy
    │   └── StoreDamaged           it is set aside when it is opened again
    ├── ApiError                   what the hub answered: code, kind of its own error
    ├── HubUnreachable             transient: no hub, or it went away
    ├── SourceUnreachable          transient: where models come from does not answer
    ├── ProgramError               a program of this host is missing, or failed
    └── SimError                   a virtual phone could not be started

The class says where, `transient` says whether to try again; only `dispatch/` reads `transient`.
Each error keeps its fields and builds its sentence from them, so that logs and code read the same object.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, ClassVar

from devicehub.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class HubError(Exception):
    """The root: one sentence that names the place, the problem and the remedy."""

    transient: ClassVar[bool] = False


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error within a group, however deep it lies."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class ConfigError(HubError):
    """A file that configures DeviceHub is wrong."""

    def __init__(
        self, problem: str, *, file: Path | str, key: str | None = None, line: int | None = None
    ) -> None:
        super().__init__(problem, file, key, line)
        self.problem = problem
        self.file = file
        self.key = key
        self.line = line

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        key = f" [{self.key}]" if self.key else ""
        return f"{self.file}{line}{key}: {self.problem}"


class InputError(HubError):
    """A file or an argument that the user gave cannot be used."""

    def __init__(self, place: Path | str, problem: str, *, remedy: str | None = None) -> None:
        super().__init__(place, problem, remedy)
        self.place = place
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" + (f"; {self.remedy}" if self.remedy else "")


class AdbError(HubError):
    """Something between this host and a phone failed."""

    def __init__(self, problem: str, *, serial: str | None = None, service: str | None = None) -> None:
        super().__init__(problem, serial, service)
        self.problem = problem
        self.serial = serial
        self.service = service

    def __str__(self) -> str:
        where = self.serial or "adb"
        service = f" during {self.service}" if self.service else ""
        return f"{where}: {self.problem}{service}"


class AdbServerUnavailable(AdbError):
    """No adb server answers."""

    transient = True


class AdbServerHung(AdbServerUnavailable):
    """The adb server takes connections and answers none in time."""


class AdbProtocolError(AdbError):
    """The peer broke the wire format.

    Attributes:
        received: the bytes that could not be read.
    """

    def __init__(
        self, problem: str, *, received: bytes = b"", serial: str | None = None, service: str | None = None
    ) -> None:
        super().__init__(problem, serial=serial, service=service)
        self.received = received

    def __str__(self) -> str:
        return super().__str__() + (f" (received {self.received[:32]!r})" if self.received else "")


class AdbRefused(AdbError):
    """The adb server or the phone answered FAIL; the problem is in its words."""


class AdbTimeout(AdbError):
    """The server or the phone took longer than it was given."""

    transient = True

    def __init__(self, *, waited_s: float, serial: str | None = None, service: str | None = None) -> None:
        super().__init__(f"no end within {waited_s:g} s", serial=serial, service=service)
        self.waited_s = waited_s


class DeviceGone(AdbError):
    """The phone vanished while something was under way, or was not there at all.

    Attributes:
        sent: bytes that had gone over, where that is known.
        size: bytes that should have gone over.
    """

    transient = True

    def __init__(
        self,
        *,
        serial: str,
        during: str,
        sent: int | None = None,
        size: int | None = None,
        problem: str = "vanished",
    ) -> None:
        super().__init__(problem, serial=serial, service=during)
        self.sent = sent
        self.size = size

    def __str__(self) -> str:
        progress = ""
        if self.sent is not None and self.size is not None:
            progress = f" after {format_bytes(self.sent)} of {format_bytes(self.size)}"
        return f"{self.serial} {self.problem} during {self.service}{progress}; plug it in again and repeat"


class DeviceUnauthorized(AdbError):
    """The phone has not accepted this host's key."""

    def __init__(self, serial: str) -> None:
        super().__init__("unauthorized", serial=serial)

    def __str__(self) -> str:
        return f'{self.serial}: this computer is not allowed yet; press "Allow USB debugging" on the phone'


class ShellFailed(AdbError):
    """A command on the phone ended with a status other than 0.

    Attributes:
        argv: the command.
        status: its exit status.
        stderr: the last of what it said.
    """

    def __init__(self, argv: Sequence[str], status: int, stderr: str, *, serial: str | None = None) -> None:
        super().__init__("command failed", serial=serial, service="shell")
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr

    def __str__(self) -> str:
        tail = self.stderr.strip()[-200:]
        said = f": {tail}" if tail else ""
        return (
            f"{self.serial or 'phone'}: `{shlex.join(self.argv)[:120]}` ended with status {self.status}{said}"
        )


class AskError(HubError):
    """What is asked for does not go together; nothing was done."""


class SelectionError(HubError):
    """The words after --on name no phone, or more than the command takes."""

    def __init__(self, problem: str, *, serials: Sequence[str] = ()) -> None:
        super().__init__(problem, tuple(serials))
        self.problem = problem
        self.serials = tuple(serials)

    def __str__(self) -> str:
        known = ", ".join(self.serials)
        return self.problem + (f"; phones: {known}" if known else "")


class NoPhoneReady(SelectionError):
    """The phones that are meant cannot be used now: none is connected, allowed and awake."""


class DeployError(HubError):
    """Files could not be brought onto the phone."""


class NoSpace(DeployError):
    """The phone has too little free space."""

    def __init__(self, *, serial: str, path: str, needed: int, free: int | None = None) -> None:
        super().__init__(serial, path, needed, free)
        self.serial = serial
        self.path = path
        self.needed = needed
        self.free = free

    def __str__(self) -> str:
        free = "too little is free" if self.free is None else f"{format_bytes(self.free)} are free"
        return (
            f"{self.serial}: {self.path} needs {format_bytes(self.needed)} and {free}; "
            "remove models from the phone or free space on it"
        )


class HashMismatch(DeployError):
    """A file on the phone does not hold what was sent."""

    transient = True

    def __init__(self, *, serial: str, path: str, expected: str, found: str | None) -> None:
        super().__init__(serial, path, expected, found)
        self.serial = serial
        self.path = path
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        found = self.found[:12] if self.found else "nothing"
        return f"{self.serial}: {self.path} arrived as {found}, not as {self.expected[:12]}; push again"


class InstallRefused(DeployError):
    """The phone did not install the app.

    Attributes:
        reason: the phone's words.
        remedy: what a person can do.
        cause: a slug of `workloads.failures` where the reason has one.
    """

    def __init__(self, *, serial: str, reason: str, remedy: str, cause: str | None = None) -> None:
        super().__init__(serial, reason, remedy, cause)
        self.serial = serial
        self.reason = reason
        self.remedy = remedy
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.serial}: the app was not installed: {self.reason}; {self.remedy}"


class RunnerError(HubError):
    """The agent on the phone could not do its part."""


class AgentVersionMismatch(RunnerError):
    """The agent on the phone speaks another version of the contract."""

    transient = True

    def __init__(self, *, serial: str, expected: str, found: str) -> None:
        super().__init__(serial, expected, found)
        self.serial = serial
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return (
            f"{self.serial}: the agent speaks version {self.found}, this hub {self.expected}; push it again"
        )


class PhoneLocked(RunnerError):
    """Another run holds the phone's lock."""

    def __init__(self, *, serial: str, holder: str) -> None:
        super().__init__(serial, holder)
        self.serial = serial
        self.holder = holder

    def __str__(self) -> str:
        return f"{self.serial}: run {self.holder} is under way on this phone; wait for its end or stop it"


class RunLost(RunnerError):
    """The run's supervisor vanished without publishing an exit status.

    Attributes:
        cause: a slug of `workloads.failures`: adbd_restarted, rebooted or agent_killed.
    """

    transient = True

    def __init__(self, *, serial: str, run_id: str, cause: str, last_heartbeat: str | None = None) -> None:
        super().__init__(serial, run_id, cause, last_heartbeat)
        self.serial = serial
        self.run_id = run_id
        self.cause = cause
        self.last_heartbeat = last_heartbeat

    def __str__(self) -> str:
        seen = f", last sign of life {self.last_heartbeat}" if self.last_heartbeat else ""
        return f"{self.serial}: run {self.run_id} ended without a result ({self.cause}{seen})"


class RunError(HubError):
    """A run was handled against its own rules."""


class IllegalTransition(RunError):
    """An event that the state's table does not hold: a programming error."""

    def __init__(self, state: object, event: object) -> None:
        super().__init__(state, event)
        self.state = state
        self.event = event

    def __str__(self) -> str:
        return f"no transition from {self.state} on {self.event}"


class PhoneAway(RunError):
    """The phone of a run that has started is out of reach; the run goes on there."""

    transient = True

    def __init__(self, *, serial: str, run_id: str, waited_s: float) -> None:
        super().__init__(serial, run_id, waited_s)
        self.serial = serial
        self.run_id = run_id
        self.waited_s = waited_s

    def __str__(self) -> str:
        waited = f" for {self.waited_s:.0f} s" if self.waited_s else ""
        return (
            f"{self.serial}: out of reach{waited}; run {self.run_id} goes on there, and "
            f"`devicehub runs watch {self.run_id}` takes it up when the phone is back"
        )


class RunRefused(RunError):
    """A run was not begun."""

    def __init__(self, serial: str, problem: str, *, remedy: str) -> None:
        super().__init__(serial, problem, remedy)
        self.serial = serial
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.serial}: {self.problem}; {self.remedy}"


class UnlikeRuns(RunError):
    """Two runs that were to be compared differ in more than the factor that was named; nothing was run.

    Attributes:
        unlike: what, and how it is in each of the two.
    """

    def __init__(self, by: str, unlike: Sequence[tuple[str, str, str]]) -> None:
        super().__init__(by, unlike)
        self.by = by
        self.unlike = list(unlike)

    def __str__(self) -> str:
        found = "; ".join(f"{what} is {a} in A and {b} in B" for what, a, b in self.unlike)
        text = f"A and B are unlike, so nothing was run: {found}; only the {self.by} may differ"
        by_config = any(what.startswith("config ") for what, _, _ in self.unlike)
        return f"{text}; give both the same with --set KEY=VALUE" if by_config else text


class StoreError(HubError):
    """The database of runs cannot be used."""

    def __init__(self, file: Path | str, problem: str, *, remedy: str) -> None:
        super().__init__(file, problem, remedy)
        self.file = file
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}; {self.remedy}"


class StoreDamaged(StoreError):
    """The file is no whole database any more."""

    def __init__(self, file: Path | str, found: str) -> None:
        super().__init__(
            file,
            f"the database of runs is damaged ({found})",
            remedy="repeat the command: the file is then set aside and a new one begun",
        )


class ApiError(HubError):
    """What the hub answered in place of a result.

    Attributes:
        code: of `api.rpc`.
        kind: the class name of the hub's own error; empty where the API itself refused.
        text: its sentence.
        again: whether to try again.
    """

    def __init__(self, text: str, *, code: int, kind: str = "", again: bool = False) -> None:
        super().__init__(text, code, kind, again)
        self.text = text
        self.code = code
        self.kind = kind
        self.again = again

    def __str__(self) -> str:
        return self.text


class HubUnreachable(HubError):
    """No hub answers, or it went away."""

    transient = True


class SourceUnreachable(HubError):
    """Where a model comes from does not answer, or this host is offline."""

    transient = True


class ProgramError(HubError):
    """A program of this host that DeviceHub starts is missing, or failed."""

    def __init__(self, program: str, problem: str, *, remedy: str) -> None:
        super().__init__(program, problem, remedy)
        self.program = program
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.program}: {self.problem}; {self.remedy}"


class SimError(HubError):
    """A virtual phone could not be started."""
