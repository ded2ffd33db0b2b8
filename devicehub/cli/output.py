"""How commands speak: data on stdout, narration on stderr."""

from __future__ import annotations

import json
import os
import signal
import sys
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from devicehub.errors import HubError
from devicehub.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

T = TypeVar("T")


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine; Ctrl-C cancels it, lets it clean up, and raises KeyboardInterrupt.

    So do SIGTERM and SIGHUP.

    Raises:
        HubError: of a task group's errors the first that is one of ours.
    """
    import asyncio  # 40 ms, which commands that stay on this host need not wait for

    async def heed_signals() -> T:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await coroutine

    try:
        return asyncio.run(heed_signals())
    except* (HubError, OSError) as group:
        raise _first(group) from None
    except* asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _first(group: BaseExceptionGroup[HubError | OSError]) -> BaseException:
    """The first error of ours, else the first of the system's, such as a closed pipe."""
    error: BaseException = group.subgroup(HubError) or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def print_json(value: Any) -> None:
    """Print one JSON document on stdout; msgspec structs and dataclasses become objects."""
    import msgspec

    plain = msgspec.to_builtins(value)
    text = json.dumps(plain, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # another encoding than UTF-8, or a file name that is no text
        text = json.dumps(plain)
    print(text)


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print an aligned table on stdout; None shows as `-`, figures are right-aligned."""
    texts = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [
        max(text_width(header), *(text_width(row[column]) for row in texts), 0)
        for column, header in enumerate(headers)
    ]
    right = [
        bool(rows) and all(isinstance(row[column], int | float) or row[column] is None for row in rows)
        for column in range(len(headers))
    ]
    for line in ([list(headers)] if any(headers) else []) + texts:
        cells = [
            _pad(cell, width, right=is_right)
            for cell, width, is_right in zip(line, widths, right, strict=True)
        ]
        print("  ".join(cells).rstrip())


def text_width(text: str) -> int:
    """Columns that a text takes on a terminal: wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - text_width(text))
    return space + text if right else text + space


def format_time(wall_s: float | None) -> str | None:
    """Show a moment in local time, `2026-01-31 18:05:09`; None where there is none.

    Args:
        wall_s: seconds since the epoch.
    """
    if wall_s is None:
        return None
    return f"{datetime.fromtimestamp(wall_s, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def say(text: str) -> None:
    """Tell the person at the terminal something, on stderr."""
    print(text, file=sys.stderr, flush=True)


def emphasize(text: str) -> str:
    """Bold on a terminal, unless NO_COLOR is set."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return f"\x1b[1m{text}\x1b[0m"


class Progress:
    """How far a transfer is: a bar on a terminal, a line per quarter elsewhere; on stderr."""

    _BAR_WIDTH = 30

    def __init__(self, label: str, total: int, *, alone: bool = True) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._shown = -1
        # Several bars at a time would write over each other.
        self._terminal = alone and sys.stderr.isatty()

    def advance(self, size: int) -> None:
        """Count `size` more bytes as done."""
        self._done += size
        steps = 200 if self._terminal else 4
        step = steps if self._total <= 0 else min(steps, self._done * steps // self._total)
        if step == self._shown or (not self._terminal and step == 0):
            return
        self._shown = step
        self._show(step / steps)

    def close(self) -> None:
        """End the line of the bar."""
        if self._terminal and self._shown >= 0:
            print(file=sys.stderr, flush=True)

    def _show(self, share: float) -> None:
        amount = f"{format_bytes(self._done)} of {format_bytes(self._total)}"
        if not self._terminal:
            say(f"{self._label}: {share:.0%} ({amount})")
            return
        filled = round(share * self._BAR_WIDTH)
        full, empty = "█░" if sys.stderr.encoding.lower().startswith("utf") else "#."
        bar = full * filled + empty * (self._BAR_WIDTH - filled)
        print(f"\r{self._label} {bar} {share:4.0%}  {amount}\x1b[K", end="", file=sys.stderr, flush=True)
