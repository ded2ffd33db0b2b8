"""What the exit status of `devicehub` means."""

from __future__ import annotations

from enum import IntEnum

from devicehub.errors import (
    AdbError,
    AdbRefused,
    ConfigError,
    DeployError,
    HubError,
    InputError,
    NoPhoneReady,
    PhoneAway,
    RunnerError,
    SelectionError,
    ShellFailed,
)


class ExitCode(IntEnum):
    """The process's answer to scripts."""

    OK = 0
    FAILED = 1
    """It ran to its end and the answer is no."""
    USAGE = 2
    """The command line is wrong; nothing was done."""
    UNREACHABLE = 3
    """No hub, no adb server or no phone. Worth trying again."""
    BAD_INPUT = 4
    """A file that the user gave cannot be used."""
    NOT_JUDGED = 5
    """It ended without a verdict."""
    INTERRUPTED = 130
    """Ctrl-C."""


def exit_code_for(error: HubError) -> ExitCode:
    """The exit status that an error ends the process with."""
    match error:
        case InputError() | ConfigError():
            return ExitCode.BAD_INPUT
        case AdbRefused() | ShellFailed():
            return ExitCode.FAILED  # the phone was reached, and its answer is no
        case NoPhoneReady() | AdbError() | PhoneAway():
            return ExitCode.UNREACHABLE
        case SelectionError():
            return ExitCode.USAGE
        case DeployError() | RunnerError():
            return ExitCode.FAILED
        case _:
            return ExitCode.FAILED
