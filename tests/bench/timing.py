"""Times peers side by side: one after the other in every round, medians and ratios of pairs."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence


async def interleave(
    peers: Mapping[str, Callable[[], Awaitable[object]]], *, rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Seconds of every peer in every round; the first rounds are thrown away."""
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for round_number in range(warm_up + rounds):
        for name, call in peers.items():
            begun = time.perf_counter()
            await call()
            if round_number >= warm_up:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def ratio(seconds: Sequence[float], base: Sequence[float]) -> float:
    """The median of the ratios round by round, which drift of the machine does not move."""
    return statistics.median(own / other for own, other in zip(seconds, base, strict=True))


def report(title: str, seconds: Mapping[str, Sequence[float]], *, base: str) -> None:
    """Print each peer's median and its ratio to the base."""
    print(title)
    for name, values in seconds.items():
        print(
            f"  {name:<34} {statistics.median(values) * 1000:9.1f} ms   x {ratio(values, seconds[base]):.2f}"
        )


async def start(*argv: str, env: Mapping[str, str] | None = None) -> None:
    """Run a program to its end, its output thrown away.

    Raises:
        RuntimeError: it failed.
    """
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env=env
    )
    if await process.wait():
        raise RuntimeError(f"{argv[0]} ended with status {process.returncode}")
