"""`devicehub shell`: commands on a phone, and its shell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import run_async

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.cli.at_hub import Place


@click.command("shell", context_settings={"allow_interspersed_args": False})
@click.argument("serial")
@click.argument("words", metavar="[-- CMD...]", nargs=-1, type=click.UNPROCESSED)
@click.option("-t", "--terminal", is_flag=True, help="Give CMD a terminal, as `top` wants one.")
@at_hub
def command(serial: str, words: tuple[str, ...], *, terminal: bool, place: Place) -> None:
    """Run a command on a phone, or without one its shell.

    One word is a line for the phone's shell (`-- 'ls /sdcard | wc -l'`); several are a program and exactly
    its arguments. stdin, stdout, stderr and the exit status are the command's. In a terminal, Enter ~ .
    leaves.
    """
    if words[:1] == ("--",):  # click leaves it where options end at the first argument
        words = words[1:]
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if terminal and not on_terminal:
        raise click.UsageError("--terminal needs one on stdin and stdout")
    terminal = terminal or (on_terminal and not words)

    async def run() -> int:
        from devicehub.cli.shell_session import run_session

        async with place.client() as client:
            argv = phone_argv(words, terminal=terminal)
            return await run_session(client, serial, argv, terminal=terminal)

    sys.stdout.flush()
    sys.exit(run_async(run()))


def phone_argv(words: Sequence[str], *, terminal: bool) -> list[str]:
    """The command that words ask for; none is an interactive shell, or one that reads our stdin."""
    if not words:
        return [] if terminal else ["sh"]
    return ["sh", "-c", words[0]] if len(words) == 1 else list(words)
