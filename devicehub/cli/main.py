"""The entry point `devicehub`: a group whose commands are imported only when they are used."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import click

from devicehub import __version__
from devicehub.cli.exit_codes import ExitCode, exit_code_for
from devicehub.cli.lazy import Lazy, LazyGroup
from devicehub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = {
    "api": Lazy("devicehub.cli.api", "Describe the API that the hub serves."),
    "app": Lazy("devicehub.cli.app", "Install MnnLlmChat on phones."),
    "campaign": Lazy("devicehub.cli.campaign", "Test engines, models and settings on all phones, and judge."),
    "compare": Lazy(
        "devicehub.cli.compare",
        "Compare two engines, models, profiles or phones, launch by launch.",
    ),
    "demo": Lazy("devicehub.cli.demo", "Show it all without hardware: virtual phone, push, real inference."),
    "devices": Lazy("devicehub.cli.devices", "List the phones that adb knows, identified."),
    "doctor": Lazy("devicehub.cli.doctor", "Tell what stands in the way of a run, and the remedy."),
    "engines": Lazy("devicehub.cli.engines", "Keep the catalogue of MNN engines."),
    "export": Lazy("devicehub.cli.export", "Make models of MNN from a checkpoint."),
    "identify": Lazy(
        "devicehub.cli.identify",
        "Tell which phone and SoC this is, from adb or from a saved dump.",
    ),
    "logs": Lazy("devicehub.cli.logs", "Follow phones' logs, merged."),
    "mirror": Lazy("devicehub.cli.mirror", "Show a phone's screen in a window, by scrcpy."),
    "models": Lazy("devicehub.cli.models", "Keep the catalogue of MNN models."),
    "pair": Lazy("devicehub.cli.pair", "Pair with a phone over Wi-Fi."),
    "parse": Lazy("devicehub.cli.parse", "Read counters and verdict from a saved log."),
    "profiles": Lazy("devicehub.cli.profiles", "List, show and check profiles."),
    "prune": Lazy("devicehub.cli.prune", "Make weights of a checkpoint zero."),
    "push": Lazy("devicehub.cli.push", "Bring a model, an engine or a file onto phones."),
    "run": Lazy("devicehub.cli.run", "Run a model on a phone and read its counters."),
    "runs": Lazy("devicehub.cli.runs", "List, show, watch, stop and export runs."),
    "serve": Lazy(
        "devicehub.cli.serve", "Run the hub: watch the phones, carry runs, answer the other commands."
    ),
    "settings": Lazy("devicehub.cli.settings", "Show each setting with its value and where that comes from."),
    "shell": Lazy("devicehub.cli.shell", "Run a command on a phone, or its shell."),
    "sim": Lazy("devicehub.cli.sim", "Start virtual phones for any adb client."),
    "status": Lazy("devicehub.cli.status", "Tell what the hub is and has to do."),
    "stop": Lazy("devicehub.cli.stop", "End the hub; runs go on on their phones."),
    "tui": Lazy("devicehub.cli.tui", "Show the fleet in this terminal, or in a browser."),
}


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", prog_name="devicehub", message="%(prog)s %(version)s")
def cli() -> None:
    """Deploy, run and measure MNN language models on Android phones."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; every error of ours becomes one sentence on stderr and an exit code."""
    _prepare_output()
    _end_by_signal_as_by_ctrl_c()
    try:
        status = _run(argv)
    except click.exceptions.Abort:
        sys.exit(_interrupted())
    except KeyboardInterrupt:
        sys.exit(_interrupted())
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except HubError as error:
        click.echo(f"devicehub: {error}", err=True)
        sys.exit(exit_code_for(error))
    except BrokenPipeError:
        # The reader of our stdout has gone (`devicehub parse ... | head`); Python would complain at exit.
        _drop_output()
        sys.exit(ExitCode.OK)
    except OSError as error:
        _drop_output()
        click.echo(f"devicehub: {error.filename or 'output'}: {error.strerror or error}", err=True)
        sys.exit(ExitCode.FAILED)
    sys.exit(status)


def _run(argv: Sequence[str] | None) -> int:
    stdout = sys.stdout
    try:
        status = cli.main(args=argv, prog_name="devicehub", standalone_mode=False)
    except SystemExit as end:
        if sys.stdout is not stdout:  # click met a closed pipe, and its own answer to that is status 1
            sys.stdout = stdout
            raise BrokenPipeError from None
        status = end.code
    sys.stdout.flush()  # here, where what goes wrong still gets its sentence
    return status if isinstance(status, int) else ExitCode.OK


def _prepare_output() -> None:
    """Let what the terminal's encoding lacks become a question mark, not an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _drop_output() -> None:
    """Send what is still buffered nowhere: its reader has gone, or the disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_by_signal_as_by_ctrl_c() -> None:
    """Clean up at SIGTERM and SIGHUP, too, unless whoever started us has them ignored (nohup)."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)


def _interrupted() -> ExitCode:
    click.echo("devicehub: interrupted", err=True)
    return ExitCode.INTERRUPTED
