"""A virtual phone with MnnLlmChat on an adb server of its own, and whole launches of the app on it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.adb.shell import run_script
from devicehub.clock import SystemClock
from devicehub.deploy.apk import find_app
from devicehub.dispatch.app import drive_app
from devicehub.errors import AdbError
from devicehub.runner.contract import Command, LaunchEnded, RunSpec, launch_dir
from devicehub.runner.launch import Runner
from devicehub.settings import PHONE_ROOT
from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from devicehub.workloads.kinds import Place
from devicehub.workloads.mnn_chat_plan import LOG_TAGS, AppPlan, start
from devicehub.workloads.verdict import LaunchReader
from tests.sim.app.phones import MODELS, Client
from tests.sim.conftest import phone_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.adb.client import Transport
    from devicehub.runner.contract import RunHandle
    from devicehub.sim.phone import VirtualPhone
    from devicehub.workloads.mnn_chat_plan import AppReply
    from devicehub.workloads.verdict import Reading

AGENT_DIR = Path(__file__).parents[2] / "agent"


class AppDesk:
    """One phone with the app and a model.

    Attributes:
        said: what the app was heard to say, as it came.
    """

    def __init__(self, client: AdbClient, phone: VirtualPhone) -> None:
        self.client = client
        self.phone = phone
        self.transport: Transport = client.transport(serial=phone.address)
        self.runner = Runner(self.transport, agent_dir=AGENT_DIR, clock=SystemClock())
        self.said: list[str] = []
        self.heard = asyncio.Event()

    async def sh(self, script: str) -> str:
        """What a script prints."""
        answer = await run_script(self.transport, script, timeout_s=60)
        return (answer.stdout + answer.stderr).decode()

    async def reconnect(self) -> None:
        """Let the adb server reach the phone again, which it may still call connected."""
        with contextlib.suppress(AdbError):
            await self.client.disconnect(self.phone.address)
        await self.client.connect(self.phone.address)

    async def plan(self, *prompts: str, **options: Any) -> AppPlan:
        """A plan for the model X and the app as it is on the phone."""
        app = await find_app(self.transport)
        assert app is not None
        plan = AppPlan(f"{MODELS}/X", "X", prompts, package=app.package, debuggable=app.debuggable)
        return replace(plan, **options)

    async def begin(self, plan: AppPlan, run_id: str = "r1") -> RunHandle:
        """Start a launch of the app."""
        await self.runner.install()
        run_dir = f"{PHONE_ROOT}/runs/{run_id}"
        place = Place("", plan.model_dir, run_dir, run_dir, launch_dir(run_dir, 1))
        begin = start(plan, place, self.runner.agent_dir)
        return await self.runner.start(RunSpec(run_id, [Command(begin.argv, run_dir)], log_tags=LOG_TAGS))

    def drive(self, plan: AppPlan, handle: RunHandle) -> asyncio.Future[AppReply]:
        """What dispatch does beside following."""
        return asyncio.ensure_future(
            drive_app(
                lambda: self.transport,
                plan,
                launch_dir=launch_dir(handle.run_dir, 1),
                clock=SystemClock(),
                on_text=self._hear,
            )
        )

    def _hear(self, text: str) -> None:
        self.said.append(text)
        self.heard.set()

    async def carry(self, plan: AppPlan) -> tuple[AppReply, Reading]:
        """A whole launch, followed and driven as dispatch does it."""
        handle = await self.begin(plan)
        driving = self.drive(plan, handle)
        try:
            reading = await self.follow(handle, driving)
        finally:
            driving.cancel()
        return await driving, reading

    async def follow(self, handle: RunHandle, driving: asyncio.Future[AppReply]) -> Reading:
        """Read the run to its end and judge its launch."""
        reader = LaunchReader("app")
        pid = status = None
        async for item in self.runner.follow(handle):
            if isinstance(item, LaunchEnded):
                pid, status = item.exit.workload_pid, item.exit.status
            elif item.stream == "stdout":
                reader.feed_stdout(item.data)
            elif item.stream == "log":
                reader.feed_log(item.data)
        end = await self.runner.result(handle)
        reader.feed_reply(await driving)
        return reader.finish(status, agent_cause=end.cause, pid=pid)


@contextlib.asynccontextmanager
async def app_desk(app: AppSpec | None = None, **options: Any) -> AsyncIterator[AppDesk]:
    """A desk whose phone has that app, the demo model, and its screen on."""
    spec = replace(PhoneSpec(app=app or AppSpec()), **options)
    async with private_server() as server, phone_or_skip(spec, [server.key_path]) as phone:
        client = AdbClient(server.address)
        await client.connect(phone.address)
        await asyncio.to_thread(Client(phone, server.key_path).add_model)
        yield AppDesk(client, phone)
