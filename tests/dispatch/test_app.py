"""A launch of MnnLlmChat on a virtual phone, from `am start` to the verdict."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from devicehub.runner.exits import parse_fields
from devicehub.sim.app.spec import AppSpec
from devicehub.workloads.mnn_chat_wire import PACKAGE
from tests.dispatch.app_desk import AppDesk, app_desk

if TYPE_CHECKING:
    from devicehub.runner.contract import RunHandle
    from devicehub.workloads.mnn_chat_plan import AppPlan, AppReply
    from devicehub.workloads.verdict import Reading


async def test_a_debug_build_answers_prompts_through_dumpapp() -> None:
    prompts = ("What is DeviceHub?", 'it\'s "quoted" $(x) 😀')
    async with app_desk() as desk:
        reply, reading = await desk.carry(await desk.plan(*prompts))
        assert (reading.verdict, reading.cause) == ("succeeded", None), reading
        assert (reply.channel, reply.asked, len(reply.answers)) == ("dumpapp", 2, 2)
        assert [record.source for record in reading.records] == ["logcat"] * 2
        assert all(
            record.load_ms and record.decode_tok_s and record.model == "X" for record in reading.records
        )
        assert reading.text == "".join(desk.said) == "".join(f"{answer.text}\n" for answer in reply.answers)
        assert reading.crash == reading.doubts == []
        # The first load is the chat screen's, then one for each prompt: no copy is left beside another.
        log = await desk.sh("cat /data/local/tmp/devicehub/runs/r1/log")
        assert len(re.findall("createLLM BeginLoad", log)) == 3
        assert all(prompt in log for prompt in prompts)
        assert (await desk.sh(f"pidof {PACKAGE}")).strip() == ""


async def test_the_samples_are_of_the_apps_process() -> None:
    async with app_desk() as desk:
        plan = await desk.plan("What is DeviceHub?")
        handle = await desk.begin(plan)
        await until(desk, handle, "loaded")
        pid = int((await desk.sh(f"pidof {PACKAGE}")).split()[0])
        assert int((await desk.sh(f"cat {handle.run_dir}/1/watch")).split()[0]) == pid
        rss_kb = int((await desk.sh(f"grep VmRSS: /proc/{pid}/status")).split()[1])
        driving = desk.drive(plan, handle)
        reading = await desk.follow(handle, driving)
        assert reading.verdict == "succeeded"
        samples = await desk.sh(f"cat {handle.run_dir}/samples")
        seen = [int(found) for found in re.findall(r"rss_kb=(\d+)", samples)]
        assert max(seen) > rss_kb / 2


async def test_a_model_that_is_broken() -> None:
    async with app_desk() as desk:
        plan = await desk.plan("hi")
        (desk.phone.root / plan.model_dir.lstrip("/") / "llm.mnn").write_bytes(b"x")
        reply, reading = await desk.carry(plan)
        assert reading.verdict == "failed"
        assert reading.cause in ("load_failed", "model_corrupt")
        assert reply.asked == 0
        assert reading.remedy


async def test_a_release_build_without_its_api_has_no_channel() -> None:
    async with app_desk(AppSpec(debuggable=False)) as desk:
        plan = await desk.plan("hi", api_port=9)
        assert (plan.package, plan.debuggable) == (f"{PACKAGE}.release", False)
        _, reading = await desk.carry(plan)
        assert (reading.verdict, reading.cause) == ("failed", "app_no_channel"), reading
        assert "port 9" in reading.evidence[1]
        assert reading.remedy
        assert reading.crash == []


async def test_another_app_in_front_spoils_the_figures() -> None:
    async with app_desk() as desk:
        plan = await desk.plan("hi")
        handle = await desk.begin(plan)
        await until(desk, handle, "loaded")
        await desk.sh("input keyevent HOME")
        reading = await desk.follow(handle, desk.drive(plan, handle))
        assert (reading.verdict, reading.cause) == ("failed", "app_backgrounded"), reading
        assert len(reading.records) == 1


async def test_an_app_that_somebody_ends() -> None:
    async with app_desk() as desk:
        plan = await desk.plan("hi")
        handle = await desk.begin(plan)
        await until(desk, handle, "loaded")
        await desk.sh(f"am force-stop {PACKAGE}")
        reading = await desk.follow(handle, desk.drive(plan, handle))
        assert (reading.verdict, reading.cause) == ("failed", "killed"), reading
        assert any("stop" in line for line in reading.crash)


async def test_a_stop_ends_app_and_asking() -> None:
    async with app_desk() as desk:
        plan = await desk.plan(*["Tell me about phones."] * 50)
        handle = await desk.begin(plan)
        driving = desk.drive(plan, handle)
        await until(desk, handle, "loaded")
        await desk.runner.stop(handle)
        reading = await desk.follow(handle, driving)
        assert reading.cause == "stopped"
        assert (await desk.sh(f"pidof {PACKAGE}")).strip() == ""


async def test_another_hub_goes_on_where_the_first_was_killed() -> None:
    async with app_desk() as desk:
        plan = await desk.plan("What is DeviceHub?", "How do I add a phone?", "hi")
        handle = await desk.begin(plan)
        first = desk.drive(plan, handle)
        await desk.heard.wait()
        first.cancel()
        heard = len(desk.said)
        driving = desk.drive(plan, handle)
        reading = await desk.follow(handle, driving)
        reply = await driving
        assert (reading.verdict, reading.cause) == ("succeeded", None), (reading, reply)
        assert len(reply.answers) == 3
        assert 3 <= reply.asked <= 4
        assert len(reading.records) in (3, reply.asked)
        assert heard <= 2


async def test_a_cut_connection_costs_no_answer() -> None:
    prompts = [f"What is DeviceHub, part {number}?" for number in range(12)]
    async with app_desk() as desk:
        plan = await desk.plan(*prompts)
        handle = await desk.begin(plan)
        driving = desk.drive(plan, handle)
        following = asyncio.ensure_future(desk.follow(handle, driving))
        await desk.heard.wait()
        desk.phone.faults.cut()
        await desk.reconnect()
        reading = await following
        reply = await driving
        assert (reading.verdict, reading.cause) == ("succeeded", None), (reading, reply)
        assert len(reply.answers) == 12
        assert 12 <= reply.asked <= 13
        assert len(reading.records) in (12, reply.asked)


async def test_a_launch_that_was_asked_already_is_not_asked_again() -> None:
    async with app_desk() as desk:
        plan = await desk.plan("hi")
        handle, reply, _ = await whole(desk, plan)
        assert await desk.drive(plan, handle) == reply


async def whole(desk: AppDesk, plan: AppPlan) -> tuple[RunHandle, AppReply, Reading]:
    handle = await desk.begin(plan)
    driving = desk.drive(plan, handle)
    reading = await desk.follow(handle, driving)
    return handle, await driving, reading


async def until(desk: AppDesk, handle: RunHandle, state: str) -> None:
    """Wait for a state that app.sh tells."""
    for _ in range(600):
        told = parse_fields((await desk.sh(f"cat {handle.run_dir}/1/app 2>/dev/null; sleep 0.1")).encode())
        if told.get("state") == state:
            return
    raise AssertionError(f"never {state}: {told}")
