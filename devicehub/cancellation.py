"""A cancellation that a task group lost."""

from __future__ import annotations

import asyncio


def heed_cancellation() -> None:
    """Be cancelled, if this task was asked to: for where an error of a task group is caught and work goes on.

    Until Python 3.13 a group of which a task fails while it is being cancelled raises that error alone.

    Raises:
        CancelledError: it was asked to.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
