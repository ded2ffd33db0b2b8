"""Carries one launch of MnnLlmChat: waits for the app, asks it, and lets the phone end it.

Works beside whoever follows the run. The agent's app.sh has started the app and tells its state in the run's
folder; what was asked and answered is noted there, too, so that another hub can go on after this one.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec.structs import replace

from devicehub.adb.shell import quote, run_script
from devicehub.dispatch.app_channel import Api, Dumpapp, NoAnswer, takes_app_config
from devicehub.errors import AdbError, AdbProtocolError, AdbRefused, DeviceUnauthorized
from devicehub.runner.exits import parse_fields
from devicehub.workloads.mnn_chat_plan import AppReply, decode_reply, encode_reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devicehub.adb.client import Transport
    from devicehub.adb.shell import ShellResult
    from devicehub.clock import Clock
    from devicehub.dispatch.app_channel import Channel
    from devicehub.workloads.mnn_chat_plan import AppPlan

T = TypeVar("T")

PATIENCE_S: Final = 120.0
_TICK_S: Final = 0.3
_WATCH_S: Final = 5.0
_SHELL_S: Final = 20.0
_RETRY_S: Final = 1.0
_PROBES: Final = 20
_MOST_TRIES: Final = 3
_READY: Final = frozenset({"loaded", "failed", "gone"})


async def drive_app(
    transport: Callable[[], Transport],
    plan: AppPlan,
    *,
    launch_dir: str,
    clock: Clock,
    on_text: Callable[[str], None],
    on_reply: Callable[[AppReply], None] | None = None,
    api_key: str | None = None,
    patience_s: float = PATIENCE_S,
) -> AppReply:
    """Ask the app what the plan asks, and let app.sh end it then; safe to call again for the same launch.

    Cancelled, it leaves the launch to whoever stops the run.

    Args:
        transport: the phone, asked anew for each request: it may come back under another label.
        plan: what is asked.
        launch_dir: the launch's folder on the phone.
        clock: paces waits and times answers.
        on_text: is told the model's text as it comes.
        on_reply: is told the reply as it grows, whole before the phone may end the launch.
        api_key: for the HTTP API of a build without debug commands; None where none is known.
        patience_s: how long the phone may be away.

    Raises:
        AdbError: the phone stayed away for longer.
    """
    driver = _Driver(transport, plan, launch_dir, clock, on_text, patience_s)
    driver.api_key = api_key
    driver.on_reply = on_reply
    return await driver.drive()


class _AppGoneError(Exception):
    """The app ended while it was asked; what it logged says why."""


class _Driver:
    def __init__(
        self,
        transport: Callable[[], Transport],
        plan: AppPlan,
        launch_dir: str,
        clock: Clock,
        on_text: Callable[[str], None],
        patience_s: float,
    ) -> None:
        self._transport = transport
        self._plan = plan
        self._folder = launch_dir
        self._clock = clock
        self._on_text = on_text
        self._patience_s = patience_s
        self.api_key: str | None = None
        self.on_reply: Callable[[AppReply], None] | None = None
        self._reply = AppReply()
        self._breaks = 0

    async def drive(self) -> AppReply:
        self._keep(decode_reply(await self._across_breaks(self._read_note)))
        if self._reply.text:
            self._on_text(self._reply.text)
        if not await self._across_breaks(self._is_done):
            with contextlib.suppress(_AppGoneError):
                await self._ask_everything()
            await self._across_breaks(self._write_done)
        return self._reply

    async def _ask_everything(self) -> None:
        if await self._wait_until_ready() != "loaded":
            return
        try:
            channel = await self._across_breaks(self._find_channel)
        except AdbRefused as error:  # what answered a moment ago does so no more
            channel = NoAnswer("app_no_channel", [str(error)])
        await self._across_breaks(self._check_alive)
        if isinstance(channel, NoAnswer):
            await self._fail(channel)
            return
        await self._note(replace(self._reply, channel=channel.name))
        if isinstance(channel, Dumpapp) and self._plan.benchmark is not None:
            await self._measure(channel)
            return
        for prompt in self._plan.prompts[len(self._reply.answers) :]:
            answer = await self._try(partial(channel.ask, prompt, self._on_text))
            if isinstance(answer, NoAnswer):
                await self._fail(answer)
                return
            await self._note(replace(self._reply, answers=[*self._reply.answers, answer]))

    async def _measure(self, channel: Dumpapp) -> None:
        measured = await self._try(channel.measure)
        if isinstance(measured, NoAnswer):
            await self._fail(measured)
        else:
            await self._note(replace(self._reply, measured=measured))

    async def _fail(self, why: NoAnswer) -> None:
        await self._note(replace(self._reply, cause=why.cause, evidence=why.lines))

    async def _try(self, ask: Callable[[], Awaitable[T | NoAnswer]]) -> T | NoAnswer:
        """Ask once; again where the answer was lost with the link, or a few times where the app hung up."""
        failure = ""
        hung_up = 0
        while hung_up < _MOST_TRIES:
            await self._note(replace(self._reply, asked=self._reply.asked + 1))
            breaks = self._breaks
            try:
                return await self._watched(ask)
            except AdbError as error:
                failure = str(error)
            await self._across_breaks(self._check_alive)
            hung_up += self._breaks == breaks
            await self._clock.sleep(_RETRY_S)
        return NoAnswer("generation_error", [f"the app does not answer: {failure}"])

    async def _watched(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Wait for an answer as long as phone and app live: a link that froze tells nothing by itself."""
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch())
                answer = await ask()
                watch.cancel()
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        return answer

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(_WATCH_S)
            await self._check_alive()

    # channels

    async def _find_channel(self) -> Channel | NoAnswer:
        dumpapp = Dumpapp(self._transport, self._plan)
        usage = await self._usage(dumpapp)
        port, key = self._plan.api_port, self.api_key
        if usage is not None:
            if self._plan.benchmark is not None:
                return dumpapp
            if takes_app_config(usage):
                await dumpapp.release()
                return dumpapp
            status = await dumpapp.api_status()
            port, key = status.port or port, key or status.key
        if self._plan.benchmark is not None:
            return NoAnswer(
                "app_no_channel", ["the app's benchmark is started by a debug build's commands only"]
            )
        await self._check_alive()
        api = Api(self._transport, self._plan, self._clock, port=port, key=key)
        why = await api.start()
        if why is None:
            return api
        return NoAnswer("app_no_channel", ["the app has no debug commands that take a prompt", why])

    async def _usage(self, dumpapp: Dumpapp) -> bytes | None:
        """What its `llm` command says of itself; None where the build has no such commands."""
        if self._plan.debuggable is False:
            return None
        for _ in range(_PROBES if self._plan.debuggable else 1):
            try:
                return await dumpapp.usage()
            except AdbProtocolError:
                return None
            except AdbRefused:
                # A process that has just come up does not listen yet.
                await self._clock.sleep(_TICK_S)
        return None

    # the launch's folder

    async def _wait_until_ready(self) -> str:
        while (state := await self._across_breaks(self._state)) not in _READY:
            await self._clock.sleep(_TICK_S)
        return state

    async def _state(self) -> str:
        """How far app.sh is: starting, up, loaded, failed, gone; gone, too, when app or launch has ended.

        app.sh looks once a second: in that time a start of the app's service would bring up another process.
        """
        script = (
            f"cat {self._path('app')} 2>/dev/null; [ ! -e {self._path('exit')} ] || echo state=gone; "
            f"read -r pid start <{self._path('watch')} && [ ! -d /proc/$pid ] && echo state=gone"
        )
        return parse_fields((await self._run(script)).stdout).get("state", "")

    async def _check_alive(self) -> None:
        if await self._state() == "gone":
            raise _AppGoneError

    async def _read_note(self) -> bytes:
        return (await self._run(f"cat {self._path('reply')} 2>/dev/null")).stdout

    def _keep(self, reply: AppReply) -> None:
        self._reply = reply
        if self.on_reply is not None:
            self.on_reply(reply)

    async def _note(self, reply: AppReply) -> None:
        self._keep(reply)
        await self._across_breaks(self._write_note)

    async def _write_note(self) -> None:
        new, final = self._path(".reply.new"), self._path("reply")
        # On a full phone the note is missing: only another hub would read it.
        await self._run(f"umask 077; cat >{new} && mv -f {new} {final}", stdin=encode_reply(self._reply))

    async def _is_done(self) -> bool:
        return (await self._run(f"[ -e {self._path('done')} ]")).status == 0

    async def _write_done(self) -> None:
        await self._run(f"umask 077; : >{self._path('done')}")

    def _path(self, name: str) -> str:
        return quote([f"{self._folder}/{name}"])

    async def _run(self, script: str, stdin: bytes = b"") -> ShellResult:
        return await run_script(self._transport(), script, stdin=stdin, timeout_s=_SHELL_S)

    async def _across_breaks(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something with the phone, again while the link is broken and patience lasts."""
        deadline_s: float | None = None
        while True:
            try:
                return await work()
            except AdbError as error:
                now_s = self._clock.monotonic_s()
                deadline_s = now_s + self._patience_s if deadline_s is None else deadline_s
                waits = error.transient or isinstance(error, DeviceUnauthorized)
                if not waits or now_s >= deadline_s:
                    raise
                self._breaks += 1
            await self._clock.sleep(_RETRY_S)
