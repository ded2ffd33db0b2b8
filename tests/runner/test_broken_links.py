"""Cables, frozen links, restarts and bursts of log lines while a run is followed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from devicehub.clock import SystemClock
from devicehub.errors import DeviceGone, HubError, RunLost
from devicehub.runner.contract import LaunchEnded, Positions
from devicehub.sim.phone import PhoneSpec
from tests.runner.desk import Desk, desk_with, spec, take

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_T = TypeVar("_T")
pytestmark = pytest.mark.skipif(
    shutil.which("mksh") is None or shutil.which("toybox") is None, reason="mksh or toybox is not installed"
)
COUNT = "for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.5; done"
LINES = b"".join(b"line %d\n" % number for number in range(1, 9))
BURST = 50_000


async def reconnect(desk: Desk) -> None:
    """As the hub does for a TCP phone; a USB phone comes by itself."""
    while True:
        with contextlib.suppress(HubError):
            await desk.client.disconnect(desk.address)
        try:
            await desk.client.connect(desk.address)
            await desk.transport.features()
        except HubError:
            await SystemClock().sleep(0.2)
        else:
            return


async def persist(desk: Desk, ask: Callable[[], Awaitable[_T]]) -> _T:
    """What a phone answers that came back: adb may take the new connection away together with the old one."""
    while True:
        try:
            return await ask()
        except DeviceGone:
            await reconnect(desk)


async def test_a_frozen_link_is_noticed_and_nothing_is_lost_or_repeated(desk: Desk) -> None:
    handle = await desk.runner.start(spec(COUNT))
    data: dict[str, bytes] = {}
    links: list[bool] = []
    frozen = False
    async with asyncio.TaskGroup() as tasks:

        def on_link(up: bool) -> None:
            links.append(up)
            if not up:
                desk.phone.faults.thaw()
                tasks.create_task(reconnect(desk))

        follower = desk.new_runner(silence_s=3).follow(handle, on_link=on_link)
        async for item in follower:
            if isinstance(item, LaunchEnded):
                continue
            take(data, item)
            if not frozen and item.stream == "stdout":
                frozen = True
                desk.phone.faults.freeze()
    assert links == [False, True]
    assert data["stdout"] == LINES
    assert (await desk.runner.result(handle)).launches[0].status == 0


async def test_a_cable_that_comes_back_goes_on_where_it_was_pulled(desk: Desk) -> None:
    handle = await desk.runner.start(spec(COUNT))
    data: dict[str, bytes] = {}
    links: list[bool] = []
    async with asyncio.TaskGroup() as tasks:

        async def replug() -> None:
            await desk.phone.faults.cable_out()
            await desk.phone.faults.cable_in()
            await reconnect(desk)

        async for item in desk.runner.follow(handle, on_link=links.append):
            if isinstance(item, LaunchEnded):
                continue
            take(data, item)
            if item.stream == "stdout" and item.offset == 0:
                tasks.create_task(replug())
    assert (links, data["stdout"]) == ([False, True], LINES)


async def test_a_phone_that_stays_away_is_gone_and_its_run_is_found_later(desk: Desk) -> None:
    handle = await desk.runner.start(spec("echo before; sleep 2; echo after", launches=2))
    place = Positions()
    text = b""

    async def follow_and_pull() -> None:
        nonlocal place, text
        async for item in desk.runner.follow(handle, patience_s=1, positions=place):
            place = place.after(item)
            if not isinstance(item, LaunchEnded) and item.stream == "stdout":
                text += item.data
                await desk.phone.faults.cable_out()

    with pytest.raises(HubError):
        await follow_and_pull()
    await desk.phone.faults.cable_in()
    await reconnect(desk)
    # Another process of the hub: all that it has is the run's id and how far the first one read.
    runner = desk.new_runner()
    found = await runner.find("r1")
    async for item in runner.follow(found, positions=place):
        place = place.after(item)
        if not isinstance(item, LaunchEnded) and item.stream == "stdout":
            text += item.data
    assert text == b"before\nafter\n" * 2
    assert place.launch == 3
    assert (await runner.list_runs()) == {"r1": "ended"}


async def test_a_restart_of_adbd_takes_the_run_along() -> None:
    async with desk_with(PhoneSpec(mode="confined")) as desk:
        handle = await desk.runner.start(spec("echo said; sleep 300"))
        restarted: list[bool] = []

        async def follow() -> None:
            async for item in desk.runner.follow(handle):
                if not isinstance(item, LaunchEnded) and item.stream == "stdout" and not restarted:
                    restarted.append(True)
                    await desk.phone.faults.restart_adbd()
                    await reconnect(desk)

        with pytest.raises(RunLost) as lost:
            await persist(desk, follow)
        assert lost.value.cause == "adbd_restarted"
        status = await persist(desk, lambda: desk.runner.status("r1"))
        assert (status.state, status.cause) == ("lost", "adbd_restarted")


@pytest.mark.parametrize("lose", [None, "devicehub/runs/r1/exit", "devicehub/runs/r1/1/*"])
async def test_after_a_reboot_an_end_counts_only_with_whole_files(desk: Desk, lose: str | None) -> None:
    handle = await desk.runner.start(spec("echo said; exit 3"))
    await desk.runner.result(handle)
    await desk.phone.faults.reboot(lose=lose)
    await reconnect(desk)

    async def follow() -> bytes:
        data: dict[str, bytes] = {}
        async for item in desk.runner.follow(handle, patience_s=5):
            if not isinstance(item, LaunchEnded):
                take(data, item)
        return data["stdout"]

    if lose is None:
        assert await persist(desk, follow) == b"said\n"
        return
    with pytest.raises(RunLost) as lost:
        await persist(desk, follow)
    assert lost.value.cause == "rebooted"


async def test_a_run_under_way_in_a_reboot_is_lost_to_it(desk: Desk) -> None:
    handle = await desk.runner.start(spec("sleep 300"))
    await desk.phone.faults.reboot()
    await reconnect(desk)
    with pytest.raises(RunLost) as lost:
        await persist(desk, lambda: desk.runner.result(handle))
    assert lost.value.cause == "rebooted"
    # The phone is free for the next one.
    assert (await desk.runner.result(await desk.runner.start(spec("exit 0", "r2")))).cause is None


async def test_a_burst_of_log_lines_comes_whole(desk: Desk) -> None:
    go = "/data/local/tmp/go"
    handle = await desk.runner.start(spec(f"until [ -e {go} ]; do sleep 0.1; done; sleep 1"))
    log = b""

    def add(message: bytes) -> None:
        desk.phone.system.log.add(
            time_ns=time.time_ns(), pid=77, tid=77, priority=4, tag=b"MNNJNI", message=message
        )

    # Its first line is there: logcat reads.
    add(b"begin")
    await desk.sh(f"until [ -s {handle.run_dir}/log ]; do sleep 0.1; done")

    async def burst() -> None:
        for start in range(0, BURST, 500):
            for number in range(start, start + 500):
                add(b"burst %d" % number)
            # A ring of 256 KiB holds some thousand lines: logcat gets its turn in between.
            await SystemClock().sleep(0.005)
        await desk.sh(f": >{go}")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(burst())
        async for item in desk.runner.follow(handle):
            if not isinstance(item, LaunchEnded) and item.stream == "log":
                log += item.data
    end = await desk.runner.result(handle)
    numbers = [int(number) for number in re.findall(rb"burst (\d+)", log)]
    assert numbers == list(range(BURST))
    assert (end.log_captured, end.log_wrapped, end.byte_counts["log"]) == (True, False, len(log))


async def test_a_capture_that_breaks_off_is_stated(desk: Desk) -> None:
    handle = await desk.runner.start(spec("sleep 3"))
    capture = f"{handle.run_dir}/capture"
    await desk.sh(
        f"until [ -s {capture} ]; do sleep 0.1; done; sleep 1; read pid start <{capture}; kill -9 $pid"
    )
    assert not (await desk.runner.result(handle)).log_captured


async def test_a_count_of_dropped_lines_and_a_reader_that_logd_kicked_are_stated(desk: Desk) -> None:
    handle = await desk.runner.start(spec("sleep 4"))
    # liblog counts what it dropped in the buffer of events.
    desk.phone.system.log.add(
        time_ns=time.time_ns(), pid=77, tid=77, priority=4, tag=b"liblog", message=b"2", buffer="events"
    )
    log = b""
    async for item in desk.runner.follow(handle):
        if not isinstance(item, LaunchEnded) and item.stream == "log":
            log += item.data
            desk.phone.faults.kick_readers()
    assert re.search(rb"liblog *: 2\n", log)
    assert not (await desk.runner.result(handle)).log_captured
    assert "Unexpected EOF!" in await desk.sh(f"cat {handle.run_dir}/agent")
