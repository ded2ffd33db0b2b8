"""How commands speak: data on stdout, narration on stderr."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from devicehub.columns import text_width, wrap_text
from devicehub.errors import HubError, first_of
from devicehub.units import format_bytes, format_left

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

T = TypeVar("T")
_BAR_WIDTH: Final = 30
_NARROWEST: Final = 12
"""No column is made narrower than this to save room."""


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
    return first_of(group.subgroup(HubError) or group)


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


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, room: int | None = None) -> None:
    """Print an aligned table on stdout; None shows as `-`, figures are right-aligned.

    Args:
        headers: all empty for a table without a head.
        rows: a cell for each header; one with line ends takes several lines.
        room: so many columns the table may take; where it is wider, its widest texts are broken.
    """
    texts = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [
        max(text_width(header), *(_widest(row[column]) for row in texts), 0)
        for column, header in enumerate(headers)
    ]
    right = [
        bool(rows) and all(isinstance(row[column], int | float) or row[column] is None for row in rows)
        for column in range(len(headers))
    ]
    if room is not None:
        widths = _fit(widths, room, fixed=[is_right or column == 0 for column, is_right in enumerate(right)])
    for line in ([list(headers)] if any(headers) else []) + texts:
        cells = [wrap_text(cell, width) for cell, width in zip(line, widths, strict=True)]
        for part in itertools.zip_longest(*cells, fillvalue=""):
            padded = (
                _pad(text, width, right=is_right)
                for text, width, is_right in zip(part, widths, right, strict=True)
            )
            print("  ".join(padded).rstrip())


def _fit(widths: Sequence[int], room: int, *, fixed: Sequence[bool]) -> list[int]:
    """The widths with the widest of those that are not fixed made narrower, as far as that may go."""
    found = list(widths)
    excess = sum(found) + 2 * (len(found) - 1) - room
    while excess > 0:
        free = [column for column, width in enumerate(found) if not fixed[column] and width > _NARROWEST]
        if not free:
            break
        found[max(free, key=lambda column: found[column])] -= 1
        excess -= 1
    return found


def _widest(text: str) -> int:
    return max(map(text_width, text.split("\n")))


def terminal_width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size().columns


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
        amount = f"{format_bytes(self._done)} of {format_bytes(self._total)}"
        if self._terminal:
            _draw_bar(self._label, step / steps, amount)
        else:
            say(f"{self._label}: {step / steps:.0%} ({amount})")

    def close(self) -> None:
        """End the line of the bar."""
        if self._terminal and self._shown >= 0:
            print(file=sys.stderr, flush=True)


class StageBar:
    """How far a stage of an export is: a bar for the whole on a terminal, one line elsewhere; on stderr."""

    def __init__(self, label: str, *, alone: bool = True) -> None:
        self._label = label
        self._terminal = alone and sys.stderr.isatty()
        if not self._terminal:
            say(label)

    def reach(self, share: float, left_s: float | None) -> None:
        """The whole is done to this share; `left_s` is how long it will take still."""
        if self._terminal:
            _draw_bar(self._label, share, "" if left_s is None else f"about {format_left(left_s)} left")

    def close(self) -> None:
        """End the line of the bar."""
        if self._terminal:
            print(file=sys.stderr, flush=True)


def _draw_bar(label: str, share: float, amount: str) -> None:
    filled = round(share * _BAR_WIDTH)
    full, empty = "█░" if sys.stderr.encoding.lower().startswith("utf") else "#."
    bar = full * filled + empty * (_BAR_WIDTH - filled)
    print(f"\r{label} {bar} {share:4.0%}  {amount}\x1b[K", end="", file=sys.stderr, flush=True)
