"""The one thread that drives the engine, for an event loop that must not wait."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class Worker:
    """Runs calls one after another, in the order in which they came."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pool-1")

    async def do(self, call: Callable[[], _T]) -> _T:
        """What the call returns."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)
