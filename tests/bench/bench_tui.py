"""The screen over the API in a terminal: what it costs, how soon a key is seen, how old a shown value is.

Textual's own DataTable stands beside it, with the same state, cells and link.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import re
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from tests.bench.eye import Eye
from tests.bench.results import Result, table
from tests.bench.tui_hub import TICKS, TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

_HZ: Final = 10.0
_KEYS: Final = 500
_SHOWN_S: Final = 60.0
_ROWS: Final = 5_000
_SIZE, _TALL = (160, 60), (160, 160)
_MOST_CORE: Final = 20.0
_MOST_KEY_MS: Final = 60.0
_MOST_AGE_MS: Final = 250.0
_MOST_OPEN_S: Final = 1.0
_MOST_PAINT_MS: Final = 100.0
_UP, _DOWN, _PAGE_DOWN = b"\x1b[A", b"\x1b[B", b"\x1b[6~"


async def bench(*, seconds: float = 20.0, keys: int = _KEYS) -> list[Result]:
    """The figures of both tables, and of 5,000 rows."""
    print("150 phones, 4 cells of each row change ten times a second")
    results: list[Result] = []
    async with _hub(150, _HZ) as (url, begun):
        for size in (_SIZE, _TALL):
            results += await asyncio.to_thread(_measure, "own", size, url, begun, seconds, keys)
        plain = await asyncio.to_thread(_measure, "plain", _SIZE, url, begun, seconds, min(keys, 100))
    async with _hub(_ROWS, 0) as (url, _):
        results += plain + await asyncio.to_thread(_scroll, url)
    return results


@contextlib.asynccontextmanager
async def _hub(phones: int, hz: float) -> AsyncIterator[tuple[str, float]]:
    argv = [sys.executable, "-m", "tests.bench.tui_hub", str(phones), str(hz)]
    async with procs.child(argv) as process:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        begun = (await process.stdout.readline()).decode().strip()
        if not begun:
            raise RuntimeError("the server did not start")
        yield url, float(begun)


def _start(program: str, size: tuple[int, int], url: str, folder: str) -> Eye:
    token = Path(folder, "token")
    token.write_text(TOKEN + "\n", encoding="ascii")
    token.chmod(0o600)
    env = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
    }
    return Eye([sys.executable, "-m", f"tests.bench.tui_{program}", url, folder, str(token)], *size, env)


class _Look:
    """Where things stand on the screen of one of the programs."""

    def __init__(self, program: str, eye: Eye) -> None:
        self._eye = eye
        self._own = program == "own"
        self.first = 2 if self._own else 1
        """The line of the first row: above it are the bar and the titles, or the titles alone."""

    def has_row(self) -> bool:
        """Whether the first row is there, with a reading in it."""
        return "Phone 0000" in self._eye.line(self.first) and self.tick() is not None

    def at_cursor(self, line: int) -> bool:
        """Whether the cursor is on a line."""
        if self._own:
            return self._eye.char(0, line) == "▌"
        # DataTable colours the row of its cursor, and nothing else.
        return self._eye.behind(2, line) != self._eye.behind(2, line + 1 if line == self.first else line - 1)

    def tick(self) -> int | None:
        """The number that the first row shows as its load."""
        place = self._eye.line(self.first - 1).find("cpu")
        found = re.search(r"(\d+)%", self._eye.line(self.first)[place - 2 : place + 4]) if place > 0 else None
        return int(found[1]) if found else None


class _Ages:
    """How old the shown value is, looked at again and again."""

    def __init__(self, look: _Look, begun: float) -> None:
        self._look = look
        self._begun = begun
        self.seconds: list[float] = []

    def take(self, now_s: float) -> None:
        """Look now."""
        shown = self._look.tick()
        if shown is None:
            return
        newest = int((now_s - self._begun) * _HZ)
        tick = newest - (newest - shown) % TICKS
        self.seconds.append(now_s - self._begun - tick / _HZ)


def _measure(
    program: str, size: tuple[int, int], url: str, begun: float, seconds: float, keys: int
) -> list[Result]:
    with tempfile.TemporaryDirectory() as folder, _start(program, size, url, folder) as eye:
        look = _Look(program, eye)
        eye.wait_for(look.has_row, _SHOWN_S)
        ages = _Ages(look, begun)
        _watch(eye, 3.0)  # the opening is over
        cpu_s, waited_s, at = eye.cpu_s(), eye.waited_s(), time.monotonic()
        _watch(eye, seconds, ages.take)
        passed = time.monotonic() - at
        share = (eye.cpu_s() - cpu_s) / passed
        latencies = _press(eye, look, keys)
        waited = (eye.waited_s() - waited_s) / (time.monotonic() - at)
    name = "DataTable" if program == "plain" else "fleet"
    held = program == "own" and size == _SIZE
    case = f"{name} {size[0]}x{size[1]}"
    return [
        Result(case, "CPU", share * 100, "% of a core", most=_MOST_CORE if held else None),
        Result(case, "waited for a core", waited * 100, "% of the time"),
        Result(case, "key to cursor, median", statistics.median(latencies) * 1000, "ms"),
        Result(case, "key to cursor, p99", _p99(latencies) * 1000, "ms", most=_MOST_KEY_MS if held else None),
        Result(
            case, "age of a value, p99", _p99(ages.seconds) * 1000, "ms", most=_MOST_AGE_MS if held else None
        ),
    ]


def _watch(eye: Eye, seconds: float, each: Callable[[float], None] = lambda _now_s: None) -> None:
    """Look for so long; `each` is told the time at which the screen looked as it does now."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        each(eye.seen_s if eye.look(0.01) else time.monotonic())


def _press(eye: Eye, look: _Look, keys: int) -> list[float]:
    """Seconds from each key to the moved cursor, the cursor going down and up thirty rows."""
    pauses = random.Random(1)
    latencies = []
    line, step = look.first, 1
    for _ in range(keys):
        _watch(eye, pauses.uniform(0.02, 0.12))
        if not look.first < line + step < look.first + 30:
            step = -step if line > look.first else 1
        line += step
        at = eye.press(_DOWN if step > 0 else _UP)
        latencies.append(eye.wait_for(partial(look.at_cursor, line), 10) - at)
    return latencies


def _scroll(url: str) -> list[Result]:
    """5,000 rows: how soon they are there, and each page and key on the way to the end."""
    with tempfile.TemporaryDirectory() as folder:
        at = time.monotonic()
        with _start("own", _SIZE, url, folder) as eye:
            look = _Look("own", eye)
            opened = eye.wait_for(look.has_row, _SHOWN_S) - at
            _watch(eye, 1.0)
            latencies = []
            place = _cursor_place(eye)
            while place < _ROWS - 1:
                pressed = eye.press(_PAGE_DOWN)
                shown = eye.wait_for(partial(_is_below, eye, place), 10)
                latencies.append(shown - pressed)
                place = _cursor_place(eye)
            for _ in range(200):
                pressed = eye.press(_UP)
                shown = eye.wait_for(partial(_is_at, eye, place - 1), 10)
                latencies.append(shown - pressed)
                place -= 1
    case = f"{_ROWS:,} rows"
    return [
        Result(case, "start of the program to rows", opened, "s", most=_MOST_OPEN_S),
        Result(case, f"key to paint, median of {len(latencies)}", statistics.median(latencies) * 1000, "ms"),
        Result(case, "key to paint, worst", max(latencies) * 1000, "ms", most=_MOST_PAINT_MS),
    ]


def _is_below(eye: Eye, place: int) -> bool:
    return _cursor_place(eye) > place


def _is_at(eye: Eye, place: int) -> bool:
    return _cursor_place(eye) == place


def _cursor_place(eye: Eye) -> int:
    """The number of the phone that the cursor is on; -1 where it is not shown."""
    for line in range(2, 60):
        if eye.char(0, line) == "▌" and (found := re.search(r"Phone (\d{4})", eye.line(line))):
            return int(found[1])
    return -1


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def main() -> None:
    """Take the numbers of keys and seconds from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--keys", type=int, default=_KEYS)
    arguments = parser.parse_args()
    print(table(asyncio.run(bench(seconds=arguments.seconds, keys=arguments.keys))))


if __name__ == "__main__":
    main()
