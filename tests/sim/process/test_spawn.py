"""Processes that are started while whoever wants them goes away."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import TYPE_CHECKING

from devicehub.sim.process.processes import start_processes

if TYPE_CHECKING:
    from pathlib import Path


async def test_start_that_is_cut_off_at_any_moment_leaves_no_connection(tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    with (tmp_path / "file").open("wb") as file, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with start_processes(tmp_path / "phone", view=None) as processes:
            for moment in range(24):
                files = [file.fileno()] * 3
                task = asyncio.ensure_future(processes.spawn(["/bin/true"], env={}, cwd="/", files=files))
                for _ in range(moment % 8):
                    await asyncio.wait([task], timeout=0)
                task.cancel()
                [started] = await asyncio.gather(task, return_exceptions=True)
                if not isinstance(started, BaseException):
                    started.release()
                del started, task
                gc.collect()
    assert not [each for each in caught if issubclass(each.category, ResourceWarning)]
