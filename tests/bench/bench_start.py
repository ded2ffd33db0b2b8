"""How long `devicehub --help` takes beside a bare click group with as many commands, and bare Python."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from devicehub.cli.main import COMMANDS
from tests.bench.results import Result
from tests.bench.timing import interleave, ratio, report, start

_MOST = 1.3
_BARE_GROUP = """
import click

@click.group()
def cli():
    "A bare group."

for name in {names!r}:
    cli.command(name, help="One line of help for this command.")(lambda: None)

cli()
"""


async def bench(rounds: int = 25) -> list[Result]:
    """Print the three medians."""
    bare_name, own_name = "bare click group --help", "devicehub --help"
    devicehub = Path(sys.executable).parent / "devicehub"
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(_BARE_GROUP.format(names=sorted(COMMANDS)))
        seconds = await interleave(
            {
                bare_name: partial(start, sys.executable, str(bare), "--help"),
                own_name: partial(start, str(devicehub), "--help"),
                "python -c pass": partial(start, sys.executable, "-c", "pass"),
            },
            rounds=rounds,
        )
    report(f"start-up, {rounds} rounds", seconds, base=bare_name)
    found = ratio(seconds[own_name], seconds[bare_name])
    return [Result("start-up", "devicehub --help / bare click group", found, "x", most=_MOST)]
