"""The entry point `devicehub`: a group whose commands are imported only when they are used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from devicehub import __version__
from devicehub.cli.exit_codes import ExitCode, exit_code_for
from devicehub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = {
    "demo": ("devicehub.cli.demo", "Show it all without hardware: virtual phone, push, real inference."),
    "devices": ("devicehub.cli.devices", "List the phones that adb knows, identified."),
    "engines": ("devicehub.cli.engines", "Keep the catalogue of MNN engines."),
    "identify": (
        "devicehub.cli.identify",
        "Tell which phone and SoC this is, from adb or from a saved dump.",
    ),
    "models": ("devicehub.cli.models", "Keep the catalogue of MNN models."),
    "parse": ("devicehub.cli.parse", "Read counters and verdict from a saved log."),
    "profiles": ("devicehub.cli.profiles", "List, show and check profiles."),
    "push": ("devicehub.cli.push", "Bring a model, an engine or a file onto phones."),
    "run": ("devicehub.cli.run", "Run a model on a phone and read its counters."),
    "sim": ("devicehub.cli.sim", "Start virtual phones for any adb client."),
}
"""Name: (module, one-line help). The module holds a click command named `command`."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command; None for a name that is not there."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "--version", prog_name="devicehub", message="%(prog)s %(version)s")
def cli() -> None:
    """Deploy, run and measure MNN language models on Android phones."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; every error of ours becomes one sentence on stderr and an exit code."""
    try:
        status = cli.main(args=argv, prog_name="devicehub", standalone_mode=False)
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
        sys.stderr.close()
        sys.exit(ExitCode.OK)
    sys.exit(status if isinstance(status, int) else ExitCode.OK)


def _interrupted() -> ExitCode:
    click.echo("devicehub: interrupted", err=True)
    return ExitCode.INTERRUPTED
