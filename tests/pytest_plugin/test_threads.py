"""What waits for a coroutine in another thread: errors, interruptions."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from devicehub.errors import HubUnreachable
from devicehub.testing.threads import wait_for


async def test_a_coroutine_is_waited_for_where_a_loop_is_busy() -> None:
    async def work() -> str:
        return threading.current_thread().name

    assert wait_for(work()) == "devicehub"


def test_the_first_error_of_a_group_is_raised() -> None:
    async def fail() -> None:
        raise HubUnreachable("no hub runs")

    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    with pytest.raises(HubUnreachable, match="no hub runs"):
        wait_for(work())


def test_ctrl_c_lets_the_coroutine_clean_up_first() -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            main = threading.main_thread().ident
            assert main is not None
            signal.pthread_kill(main, signal.SIGINT)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise
        finally:
            await asyncio.to_thread(told.append, "cleaning up")
            told.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        wait_for(work())
    assert told == ["cancelled", "cleaning up", "cleaned up"]
    assert not [thread for thread in threading.enumerate() if thread.name == "devicehub"]
