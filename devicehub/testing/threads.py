"""Coroutines for callers that have no loop, or one that is busy: a test may itself be a coroutine."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from devicehub.errors import first_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_BEGIN_S: Final = 5.0
_CLEAN_UP_S: Final = 45.0
"""How long what was interrupted may take to stop what it began."""


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own and wait for it.

    What interrupts the waiting (Ctrl-C, a time limit that raises) cancels the coroutine, lets it clean up,
    and is raised again. Of a task group's errors the first is raised.
    """
    outcome: Future[T] = Future()
    begun = threading.Event()
    at: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def carry() -> T:
        task = asyncio.current_task()
        assert task is not None
        at.append((asyncio.get_running_loop(), task))
        begun.set()
        return await coroutine

    def work() -> None:
        try:
            outcome.set_result(asyncio.run(carry()))
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
            outcome.set_exception(first_of(error) if isinstance(error, BaseExceptionGroup) else error)
        finally:
            begun.set()

    thread = threading.Thread(target=work, name="devicehub", daemon=True)
    try:
        thread.start()  # Ctrl-C may come in here as well
        return outcome.result()
    finally:
        with contextlib.suppress(RuntimeError):  # its loop has ended this moment, or it never began
            if not outcome.done() and begun.wait(_BEGIN_S) and at:
                loop, task = at[0]
                loop.call_soon_threadsafe(task.cancel)
        with contextlib.suppress(RuntimeError):
            thread.join(_CLEAN_UP_S)
