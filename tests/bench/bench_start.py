"""How long `devicehub --help` takes beside a bare click group with as many commands, and bare Python."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from devicehub.cli.main import COMMANDS
from tests.bench.timing import interleave, report, start

_BARE_GROUP = """
import click

@click.group()
def cli():
    "A bare group."

for name in {names!r}:
    cli.command(name, help="One line of help for this command.")(lambda: None)

cli()
"""


async def bench(rounds: int = 25) -> None:
    """Print the three medians."""
    devicehub = Path(sys.executable).parent / "devicehub"
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(_BARE_GROUP.format(names=sorted(COMMANDS)))
        seconds = await interleave(
            {
                "bare click group --help": partial(start, sys.executable, str(bare), "--help"),
                "devicehub --help": partial(start, str(devicehub), "--help"),
                "python -c pass": partial(start, sys.executable, "-c", "pass"),
            },
            rounds=rounds,
        )
    report(
        f"start-up, {rounds} rounds (devicehub --help: at most 1.3)", seconds, base="bare click group --help"
    )
