"""The app's odd answers, and a link that breaks while it is asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devicehub.clock import SystemClock
from devicehub.dispatch.app import drive_app
from devicehub.errors import AdbTimeout, DeviceGone
from devicehub.workloads.mnn_chat_bench import AppBenchmark
from devicehub.workloads.mnn_chat_plan import AppPlan, AppReply, encode_reply
from devicehub.workloads.mnn_chat_wire import PACKAGE, socket_of
from tests.dispatch.scripted_phone import END, Dumpapp, ScriptedPhone, frame, tell_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.dispatch.scripted_phone import Handler

PLAN = AppPlan("/m/X", "X", ("hi",), debuggable=True)
DUMPAPP = socket_of(PACKAGE)
USAGE = frame(b"1", b"  run <modelId> <prompt> [--force-reload] [--use-app-config]\n") + END
OLD_USAGE = frame(b"1", b"  run <modelId> <prompt> [--force-reload]\n") + END
RELEASED = frame(b"1", b"RESULT=OK\n") + END


def answer(text: str) -> bytes:
    return frame(b"1", f"RESULT=OK\nRESPONSE_BEGIN\n{text}\nRESPONSE_END\n".encode()) + END


def http(*events: object, code: int = 200, cut: bool = False) -> bytes:
    lines = ["[DONE]" if event is None else json.dumps(event) for event in events]
    body = "".join(f"data: {line}\r\n\r\n" for line in lines).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (code, len(body) + cut, body)


def delta(text: str, *, stop: bool = False, usage: object = None) -> object:
    choice = {"delta": {"content": text}, "finish_reason": "stop" if stop else None}
    return {"choices": [choice], "usage": usage}


COUNTS = {"prompt_tokens": 30, "completion_tokens": 3}
WHOLE = http(delta("he"), delta("llo"), delta("", stop=True, usage=COUNTS), None)


class Api:
    """Answers of the app's HTTP API, one after the other; its list of models is always there."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
            return
        self.requests.append(head)
        writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        await writer.drain()


class Heard:
    """What the driver told on its way."""

    def __init__(self) -> None:
        self.text = ""
        self.replies: list[AppReply] = []

    def on_text(self, text: str) -> None:
        self.text += text


async def drive(
    folder: Path,
    services: dict[str, Handler],
    plan: AppPlan = PLAN,
    *,
    shell_fails: Iterable[Exception] = (),
    api_key: str | None = None,
    heard: Heard | None = None,
    patience_s: float = 60.0,
) -> AppReply:
    """Drive one launch whose folder lies on this host."""
    heard = heard or Heard()
    with first_of_group():
        return await _drive(folder, services, plan, heard, list(shell_fails), api_key, patience_s)


@contextlib.contextmanager
def first_of_group() -> Iterator[None]:
    """Only the error itself, where a group holds but one."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _drive(
    folder: Path,
    services: dict[str, Handler],
    plan: AppPlan,
    heard: Heard,
    shell_fails: list[Exception],
    api_key: str | None,
    patience_s: float,
) -> AppReply:
    async with asyncio.TaskGroup() as tasks:
        phone = ScriptedPhone(tasks)
        phone.services.update(services)
        phone.shell_fails.extend(shell_fails)
        return await drive_app(
            lambda: phone.transport,
            plan,
            launch_dir=str(folder),
            clock=SystemClock(),
            on_text=heard.on_text,
            on_reply=heard.replies.append,
            api_key=api_key,
            patience_s=patience_s,
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A launch's folder whose app has loaded its model."""
    tell_state(tmp_path, "loaded")
    return tmp_path


async def test_an_older_debug_build_is_asked_over_its_api_and_tells_the_key(folder: Path) -> None:
    status = b"Status: Service is running\nPort: 9090\nAuth Enabled: true\nAPI Key: k1\n"
    dumpapp = Dumpapp({"llm": [OLD_USAGE], "openai status": [frame(b"1", status) + END]})
    api = Api(WHOLE)
    reply = await drive(folder, {DUMPAPP: dumpapp, "tcp:9090": api})
    assert (reply.channel, reply.cause, reply.asked) == ("api", None, 1)
    # It would take the option for a part of the prompt.
    assert dumpapp.calls == ["llm", "openai status"]
    assert b"Bearer k1" in api.requests[0]
    [answered] = reply.answers
    assert (answered.text, answered.prompt_tokens, answered.decode_tokens) == ("hello", 30, 3)
    assert answered.first_s is not None
    assert (folder / "done").exists()


async def test_the_reply_is_whole_before_the_phone_may_end_the_launch(folder: Path) -> None:
    heard = Heard()
    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [answer("one")]})
    reply = await drive(folder, {DUMPAPP: dumpapp}, heard=heard)
    assert heard.replies[-1] == reply
    assert heard.text == "one\n"
    assert dumpapp.calls[-1] == "llm run local//m/X hi --use-app-config"
    assert json.loads((folder / "reply").read_bytes())["answers"][0]["text"] == "one"


async def test_an_answer_that_was_cut_is_asked_for_again(folder: Path) -> None:
    dumpapp = Dumpapp(
        {"llm": [USAGE], "llm release": [RELEASED], "llm run": [b"1\0\0\0\x09RESULT=", b"", answer("two")]}
    )
    reply = await drive(folder, {DUMPAPP: dumpapp})
    assert (reply.cause, reply.asked, [answered.text for answered in reply.answers]) == (None, 3, ["two"])


async def test_an_app_that_always_hangs_up_is_left_alone(folder: Path) -> None:
    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [b""]})
    reply = await drive(folder, {DUMPAPP: dumpapp})
    assert (reply.cause, reply.asked) == ("generation_error", 3)
    assert "does not answer" in reply.evidence[0]
    assert (folder / "done").exists()


async def test_an_app_that_dies_while_it_is_asked_has_no_cause_of_the_asking(folder: Path) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await dumpapp(reader, writer)
        if dumpapp.calls[-1].startswith("llm run"):
            tell_state(folder, "gone")

    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [b""]})
    reply = await drive(folder, {DUMPAPP: die})
    assert (reply.cause, reply.asked, reply.answers) == (None, 1, [])
    assert (folder / "done").exists()


async def test_a_prompt_that_the_app_refuses(folder: Path) -> None:
    failed = b"RESULT=FAIL\nREASON=SESSION_INIT_FAILED\nSTAGE=ensure\n"
    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [frame(b"1", failed) + END]})
    reply = await drive(folder, {DUMPAPP: dumpapp})
    assert (reply.cause, reply.evidence[0]) == ("load_failed", "llm run: SESSION_INIT_FAILED")


async def test_a_command_that_throws(folder: Path) -> None:
    thrown = frame(b"2", b"java.lang.NullPointerException\n\tat x\n") + b"x\0\0\0\x01"
    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [thrown]})
    reply = await drive(folder, {DUMPAPP: dumpapp})
    assert reply.cause == "generation_error"
    assert any("NullPointerException" in line for line in reply.evidence)


async def test_a_command_that_waits_for_input_gets_its_end(folder: Path) -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await dumpapp(reader, writer)
        if dumpapp.calls[-1].startswith("llm run"):
            assert await reader.readexactly(5) == b"-\xff\xff\xff\xff"
            writer.write(answer("three"))

    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [b"_\0\0\0\x10"]})
    reply = await drive(folder, {DUMPAPP: ask})
    assert reply.text == "three\n"


async def test_the_api_cuts_an_answer_at_max_new_tokens_without_a_count(folder: Path) -> None:
    plan = replace(PLAN, debuggable=False)
    reply = await drive(folder, {"tcp:8080": Api(http(delta("he"), delta("llo")))}, plan, api_key="k")
    assert (reply.cause, reply.asked, reply.text) == (None, 1, "hello\n")
    assert reply.answers[0].decode_tokens is None
    assert reply.records() == []


async def test_an_answer_of_the_api_that_the_link_cut_is_asked_for_again(folder: Path) -> None:
    plan = replace(PLAN, debuggable=False)
    api = Api(http(delta("he"), cut=True), WHOLE)
    reply = await drive(folder, {"tcp:8080": api}, plan, api_key="k")
    assert (reply.cause, reply.asked, reply.text) == (None, 2, "hello\n")


@pytest.mark.parametrize(
    ("data", "cause", "word"),
    [
        (http(code=401), "app_no_channel", "app_key"),
        (http(code=500), "generation_error", "status 500"),
        (http(delta("LlmSession not available", stop=True)), "generation_error", "LlmSession not available"),
        (http(), "generation_error", "no tokens"),
    ],
)
async def test_the_api_refuses(folder: Path, data: bytes, cause: str, word: str) -> None:
    plan = replace(PLAN, debuggable=False)
    reply = await drive(folder, {"tcp:8080": Api(data)}, plan)
    assert reply.cause == cause
    assert any(word in line for line in reply.evidence)


async def test_no_dumpapp_behind_the_socket(folder: Path) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    reply = await drive(folder, {DUMPAPP: other, "tcp:8080": Api(WHOLE)}, api_key="k")
    assert reply.channel == "api"


async def test_a_benchmark_without_debug_commands(folder: Path) -> None:
    plan = replace(PLAN, prompts=(), benchmark=AppBenchmark(), debuggable=False)
    reply = await drive(folder, {"tcp:8080": Api(WHOLE)}, plan)
    assert reply.cause == "app_no_channel"


async def test_a_benchmark_that_does_not_start(folder: Path) -> None:
    plan = replace(PLAN, prompts=(), benchmark=AppBenchmark())
    said = frame(b"1", b"[ERROR] Failed to start benchmark (model not found or already running)\n") + END
    dumpapp = Dumpapp({"llm": [USAGE], "benchmark run": [said]})
    reply = await drive(folder, {DUMPAPP: dumpapp}, plan)
    assert reply.cause == "load_failed"


async def test_a_link_that_breaks_is_waited_for(folder: Path) -> None:
    breaks = [DeviceGone(serial="s", during="shell"), AdbTimeout(waited_s=1, serial="s")]
    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [answer("four")]})
    reply = await drive(folder, {DUMPAPP: dumpapp}, shell_fails=breaks)
    assert reply.text == "four\n"


async def test_patience_has_an_end(folder: Path) -> None:
    gone = [DeviceGone(serial="s", during="shell")] * 50
    with pytest.raises(DeviceGone):
        await drive(folder, {}, shell_fails=gone, patience_s=0.5)


@pytest.mark.parametrize("state", ["failed", "gone"])
async def test_an_app_that_did_not_load_is_not_asked(folder: Path, state: str) -> None:
    tell_state(folder, state)
    reply = await drive(folder, {})
    assert reply == AppReply()
    assert (folder / "done").exists()


async def test_a_launch_that_has_ended_is_not_waited_for(folder: Path) -> None:
    tell_state(folder, "up")
    (folder / "exit").touch()
    assert await drive(folder, {}) == AppReply()


async def test_a_process_that_has_gone_is_noticed_before_another_is_started(
    folder: Path,
) -> None:
    (folder / "watch").write_text("999999999 1\n")
    reply = await drive(folder, {"tcp:8080": Api(WHOLE)}, replace(PLAN, debuggable=False))
    assert (reply.asked, reply.channel) == (0, None)


async def test_what_an_earlier_hub_heard_is_kept(folder: Path) -> None:
    plan = replace(PLAN, prompts=("hi", "ho"))
    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [answer("one")]})
    first = await drive(folder, {DUMPAPP: dumpapp})
    (folder / "done").unlink()
    (folder / "reply").write_bytes(encode_reply(first))
    dumpapp.answers["llm run"] = [answer("two")]
    heard = Heard()
    reply = await drive(folder, {DUMPAPP: dumpapp}, plan, heard=heard)
    assert (reply.text, heard.text, reply.asked) == ("one\ntwo\n", "one\ntwo\n", 2)
    assert dumpapp.calls[-1] == "llm run local//m/X ho --use-app-config"


async def test_a_note_that_is_none_is_no_note(folder: Path) -> None:
    (folder / "reply").write_bytes(b'{"answers": 3')
    dumpapp = Dumpapp({"llm": [USAGE], "llm release": [RELEASED], "llm run": [answer("one")]})
    assert (await drive(folder, {DUMPAPP: dumpapp})).text == "one\n"
