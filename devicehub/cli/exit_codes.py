"""What the exit status of `devicehub` means."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from devicehub import errors
from devicehub.errors import (
    AdbError,
    AdbRefused,
    ApiError,
    AskError,
    ConfigError,
    HubError,
    HubUnreachable,
    InputError,
    NoPhoneReady,
    PhoneAway,
    SelectionError,
    ShellFailed,
    SourceUnreachable,
)


class ExitCode(IntEnum):
    """The process's answer to scripts."""

    OK = 0
    FAILED = 1
    """It ran to its end and the answer is no."""
    USAGE = 2
    """The command line is wrong; nothing was done."""
    UNREACHABLE = 3
    """No hub, no adb server, no phone or no network. Worth trying again."""
    BAD_INPUT = 4
    """A file that the user gave cannot be used."""
    NOT_JUDGED = 5
    """It ended without a verdict."""
    INTERRUPTED = 130
    """Ctrl-C."""


_CODES: Final[tuple[tuple[tuple[type[HubError], ...], ExitCode], ...]] = (
    ((InputError, ConfigError), ExitCode.BAD_INPUT),
    ((AskError,), ExitCode.USAGE),
    ((AdbRefused, ShellFailed), ExitCode.FAILED),  # the phone was reached, and its answer is no
    ((NoPhoneReady, AdbError, PhoneAway, HubUnreachable, SourceUnreachable), ExitCode.UNREACHABLE),
    ((SelectionError,), ExitCode.USAGE),
)
"""The first line that holds an error's class, or one that it derives from, decides."""


def exit_code_for(error: HubError) -> ExitCode:
    """The exit status that an error ends the process with; what the hub answered counts as its own error."""
    kind: object = type(error)
    if isinstance(error, ApiError):
        kind = getattr(errors, error.kind, HubError)
    if isinstance(kind, type):
        for classes, code in _CODES:
            if issubclass(kind, classes):
                return code
    return ExitCode.FAILED
