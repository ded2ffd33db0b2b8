"""The two ways to put a prompt to MnnLlmChat: a debug build's dumpapp, and its HTTP API.

Both are opened as services of adbd (`localabstract:`, `tcp:`), as a forward does it: no port of this host is
taken, and none is left behind by a hub that was killed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from devicehub.adb.shell import run
from devicehub.errors import AdbRefused, DeviceGone
from devicehub.workloads import mnn_chat_http as http
from devicehub.workloads import mnn_chat_wire as wire
from devicehub.workloads.mnn_chat_bench import read_benchmark
from devicehub.workloads.mnn_chat_plan import API_SERVICE, Answer, join_lines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from devicehub.adb.client import Transport
    from devicehub.adb.stream import Stream
    from devicehub.clock import Clock
    from devicehub.workloads.mnn_chat_plan import AppPlan
    from devicehub.workloads.mnn_chat_wire import ApiStatus
    from devicehub.workloads.record import Record

_SHELL_S: Final = 30.0
_API_TRIES: Final = 60
_TRY_S: Final = 0.5
_MOST_OUTPUT: Final = 16 * 1024 * 1024
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_REASONS: Final = {
    "SESSION_INIT_FAILED": "load_failed",
    "SESSION_NOT_READY": "load_failed",
    "SESSION_NOT_LLM": "load_failed",
    "MODEL_CONFIG_NOT_FOUND": "model_missing",
}


@dataclass(frozen=True)
class NoAnswer:
    """The app was asked and did not answer as it should.

    Attributes:
        cause: a slug of `failures`.
        lines: its own words.
    """

    cause: str
    lines: list[str]


class Channel(Protocol):
    """One way to ask."""

    name: str

    async def ask(self, prompt: str, on_text: Callable[[str], None]) -> Answer | NoAnswer:
        """One prompt's answer; `on_text` is told the text as it comes.

        Raises:
            AdbError: the link broke before the answer was whole.
        """


@dataclass(frozen=True)
class Said:
    """What a dumpapp command left behind."""

    stdout: bytes
    stderr: bytes
    status: int


class Dumpapp:
    """A debug build's own commands.

    Args:
        transport: the phone, asked anew for each command.
        plan: names model and app.
    """

    name = "dumpapp"

    def __init__(self, transport: Callable[[], Transport], plan: AppPlan) -> None:
        self._transport = transport
        self._plan = plan

    async def call(self, *argv: str) -> Said:
        """Run one command to its end.

        Raises:
            AdbRefused: the app has no such commands, or does not run.
            AdbProtocolError: something else answers there.
            DeviceGone: the stream ended before the exit code.
        """
        frames, stdout, stderr = wire.Frames(), bytearray(), bytearray()
        request = wire.encode_call(argv)
        async with await self._transport().open(wire.socket_of(self._plan.package)) as stream:
            await stream.write(request)
            while data := await stream.read():
                for event in frames.receive(data):
                    match event:
                        case wire.Output(data=piece):
                            stdout += piece[: _MOST_OUTPUT - len(stdout)]
                        case wire.ErrorOutput(data=piece):
                            stderr += piece[: _MOST_OUTPUT - len(stderr)]
                        case wire.InputWanted():
                            await stream.write(wire.NO_INPUT)
                        case wire.Ended(status=status):
                            return Said(bytes(stdout), bytes(stderr), status)
        raise DeviceGone(
            serial=self._transport().label, during="dumpapp", problem="cut the app's answer short"
        )

    async def usage(self) -> bytes:
        """What its `llm` command says of itself; errors as `call`."""
        return (await self.call("llm")).stdout

    async def api_status(self) -> ApiStatus:
        """What it knows of the app's API."""
        return wire.read_api_status((await self.call("openai", "status")).stdout)

    async def release(self) -> None:
        """Free the model that the chat screen loaded: the next command loads its own copy."""
        await self.call("llm", "release")

    async def ask(self, prompt: str, on_text: Callable[[str], None]) -> Answer | NoAnswer:
        """One prompt's answer, whole at its end; loads the model anew; errors as `Channel`."""
        said = await self.call("llm", "run", self._plan.model_id, prompt, "--use-app-config")
        answer = wire.read_llm(said.stdout)
        if said.status != 0 or not answer.ok:
            reason = answer.fields.get("REASON", "")
            words = [f"llm run: {answer.reason}", *_lines(said.stdout)[:2], *_lines(said.stderr)]
            return NoAnswer(_REASONS.get(reason, "generation_error"), join_lines(words))
        on_text(f"{answer.response or ''}\n")
        return Answer(text=answer.response or "")

    async def measure(self) -> Record | NoAnswer:
        """The figures of the app's own benchmark.

        Raises:
            AdbError: the link broke before its end.
        """
        assert self._plan.benchmark is not None
        said = await self.call(*self._plan.benchmark.argv(self._plan.model_id))
        reading = read_benchmark(said.stdout)
        if reading.record is not None:
            return reading.record
        lines = join_lines([f"benchmark: {reading.problem or 'no result'}", *_lines(said.stderr)])
        return NoAnswer(reading.cause, lines)


def takes_app_config(usage: bytes) -> bool:
    """Whether a build's `llm run` can go the way that logs figures, which is with the app's own config.

    An older build takes the option for a part of the prompt.
    """
    return b"--use-app-config" in usage


class Api:
    """The app's OpenAI-style server.

    Args:
        transport: the phone, asked anew for each request.
        plan: names model and app.
        clock: times the answers.
        port: where it listens on the phone.
        key: what it wants to be shown; None where none is known.
    """

    name = "api"

    def __init__(
        self, transport: Callable[[], Transport], plan: AppPlan, clock: Clock, *, port: int, key: str | None
    ) -> None:
        self._transport = transport
        self._plan = plan
        self._clock = clock
        self._port = port
        self._key = key

    async def start(self) -> str | None:
        """Let the app's service begin to listen; None once it answers, else why it does not."""
        words = await run(
            self._transport(),
            [
                *("am", "start-foreground-service", "-n", f"{self._plan.package}/{API_SERVICE}"),
                *("--es", "modelId", self._plan.model_id),
            ],
            timeout_s=_SHELL_S,
        )
        for _ in range(_API_TRIES):
            with contextlib.suppress(AdbRefused):
                if await self._fetch(http.encode_request("GET", "/v1/models")):
                    return None
            await self._clock.sleep(_TRY_S)
        said = " ".join((words.stdout + words.stderr).decode("utf-8", "replace").split())
        return f"nothing listens on port {self._port} of the phone; am said: {said[:200]}"

    async def ask(self, prompt: str, on_text: Callable[[str], None]) -> Answer | NoAnswer:
        """One prompt's answer, streamed and timed by this host; errors as `Channel`."""
        request = http.chat_request(prompt, model=self._plan.model_name, key=self._key)
        begun_s = self._clock.monotonic_s()
        events, text, code, body = http.ChatStream(), [], 0, bytearray()
        first_s: float | None = None
        last_s: float | None = None
        usage: http.Usage | None = None
        stopped = False
        async with await self._open() as stream:
            await stream.write(request)
            answer = http.HttpAnswer()
            async for item in _read(stream, answer):
                if isinstance(item, http.Status):
                    code = item.code
                    continue
                if code != _OK:
                    body += item.data[:4096]
                    continue
                for event in events.receive(item.data):
                    match event:
                        case http.Delta(text=piece):
                            last_s = self._clock.monotonic_s() - begun_s
                            first_s = last_s if first_s is None else first_s
                            text.append(piece)
                            on_text(piece)
                        case http.Usage():
                            usage = event
                        case http.Stop() | http.Done():
                            stopped = True
        if code not in (0, _OK):
            return self._refused(code, bytes(body))
        if not answer.complete and not stopped:
            problem = "cut the answer short" if code else "gave no answer"
            raise DeviceGone(serial=self._transport().label, during="the app's API", problem=problem)
        if usage is None and (stopped or not text):
            return NoAnswer("generation_error", join_lines(["the app counted no tokens", "".join(text)]))
        on_text("\n")
        return Answer(
            text="".join(text),
            prompt_tokens=usage.prompt_tokens if usage else None,
            decode_tokens=usage.decode_tokens if usage else None,
            first_s=first_s,
            last_s=last_s,
        )

    def _refused(self, code: int, body: bytes) -> NoAnswer:
        words = http.error_sentence(body)
        if code != _UNAUTHORIZED:
            lines = [f"the app's API answered with status {code}", words]
            return NoAnswer("generation_error", join_lines(lines))
        wanted = "another app_key" if self._key else 'a key: write app_key = "KEY" into settings.toml'
        lines = [f"the app's API wants {wanted} (its API settings show it)", words]
        return NoAnswer("app_no_channel", join_lines(lines))

    async def _fetch(self, request: bytes) -> int:
        """The status of the answer; 0 where there is none."""
        code = 0
        async with await self._open() as stream:
            await stream.write(request)
            async for item in _read(stream, http.HttpAnswer()):
                code = item.code if isinstance(item, http.Status) else code
        return code

    async def _open(self) -> Stream:
        return await self._transport().open(f"tcp:{self._port}")


async def _read(stream: Stream, answer: http.HttpAnswer) -> AsyncGenerator[http.Status | http.Body, None]:
    while not answer.complete and (data := await stream.read()):
        for item in answer.receive(data):
            yield item


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()
