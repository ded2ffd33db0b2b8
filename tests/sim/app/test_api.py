"""The app's API through a forward: routes, key, streams, by api/openai/network of MNN's MnnLlmChat.

Routing.kt:30-50, HTTP.kt:70-95 (bearer), ResponseHandler.kt:36-173 (stream), ChatResponseFormatter.kt,
OpenAiChatResponseModels.kt; answers in chunks are HTTP/1.1's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from tests.sim.adbd.raw_client import make_key
from tests.sim.app.phones import MODEL_ID, PACKAGE, STETHO, Client, client_of, hello, parse_frames
from tests.sim.conftest import phone_or_skip
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sim.adb_programs import Adb

pytestmark = needs_demo_model

KEY = "Abcdefgh12345678"
START = (
    f"am start-foreground-service -n {PACKAGE}/com.alibaba.mnnllm.api.openai.service.OpenAIService"
    f" --es modelId {MODEL_ID}"
)
API = "tcp:8080"
QUESTION = {"messages": [{"role": "user", "content": "What is DeviceHub?"}]}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that the phones accept."""
    return make_key(tmp_path_factory.mktemp("key"))


async def _start(user: Client) -> None:
    user.add_model()
    assert (await user.say(START)).startswith("Starting service: Intent { cmp=")
    await user.wait_for_service(API)


async def _ask(
    user: Client, method: str, path: str, body: object = None, *, token: str = ""
) -> tuple[int, str, bytes]:
    """Status, head and body of an answer."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: phone", "Connection: close", f"Content-Length: {len(data)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    request = "\r\n".join([*lines, "", ""]).encode() + data
    head, _, content = (await user.exchange(API, request)).partition(b"\r\n\r\n")
    text = head.decode()
    if "Transfer-Encoding: chunked" in text:
        content = _join_chunks(content)
    return int(text.split(" ")[1]), text, content


async def _fetch(port: int, data: bytes) -> bytes:
    """What the service behind a forwarded port answers, once there is one."""
    clock = SystemClock()
    deadline = clock.monotonic_s() + 60
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await reader.read()
        writer.close()
        if answer:
            return answer
        assert clock.monotonic_s() < deadline
        await clock.sleep(0.05)


def _join_chunks(data: bytes) -> bytes:
    out = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        assert data[count : count + 2] == b"\r\n"
        if not count:
            assert data == b"\r\n"
            return out
        out, data = out + data[:count], data[count + 2 :]


async def test_nobody_listens_until_the_service_started(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await user.say(f"am start -n {PACKAGE}/.main.MainActivity")
        await user.wait_for_service(STETHO)
        await user.say(f"am force-stop {PACKAGE}")
        assert await user.refuses(API)
        await _start(user)
        status, head, content = await _ask(user, "GET", "/")
        assert (status, content[:15]) == (200, b"<!DOCTYPE html>")
        assert "Content-Type: text/html" in head
        told = await user.wait_for_log("Server started successfully on 127.0.0.1:8080")
        assert f"Service started with modelId: {MODEL_ID}" in told
        said = await user.dumpapp("openai", "status")
        assert f"Is Running (Internal): true\nPort: 8080\nModel ID: {MODEL_ID}\nStart Requests: 1\n" in said
        assert await user.dumpapp("openai", "stop") == "Service stop requested.\n"
        assert await user.refuses(API)


async def test_answer_needs_the_key_and_the_list_of_models_does_not(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(api_key=KEY)), key) as user:
        await _start(user)
        for token in ("", "wrong"):
            status, head, content = await _ask(user, "POST", "/v1/chat/completions", QUESTION, token=token)
            assert (status, content) == (401, b"")
            assert "WWW-Authenticate: Bearer" in head
        status, _, content = await _ask(user, "GET", "/v1/models")
        assert status == 200
        (model,) = json.loads(content)["data"]
        assert model["id"] == MODEL_ID
        assert "object" not in model


async def test_whole_answer_counts_its_tokens(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(api_key=KEY)), key) as user:
        await _start(user)
        status, _, content = await _ask(user, "POST", "/v1/chat/completions", QUESTION, token=KEY)
        assert status == 200
        answer: dict[str, Any] = json.loads(content)
        assert re.fullmatch(r"chatcmpl-\d{13}", answer["id"])
        assert (answer["object"], answer["model"]) == ("chat.completion", "mnn-local")
        (choice,) = answer["choices"]
        assert (choice["finish_reason"], choice["index"], choice["message"]["role"]) == (
            "stop",
            0,
            "assistant",
        )
        assert choice["message"]["content"].startswith("DeviceHub ")
        usage = answer["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert usage["completion_tokens"] > 5
        assert "PERF" not in await user.say("logcat -d MNN_DEBUG:V *:S")


async def test_streamed_answer_ends_with_its_count_and_a_mark(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(api_auth=False)), key) as user:
        await _start(user)
        status, head, content = await _ask(user, "POST", "/v1/chat/completions", {**QUESTION, "stream": True})
        assert status == 200
        assert "Content-Type: text/event-stream" in head
        events = [event for event in content.decode().split("\r\n\r\n") if not event.startswith(":")]
        assert events[-2:] == ["data: [DONE]", ""]
        values = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
        assert {value["object"] for value in values} == {"chat.completion.chunk"}
        assert values[-1]["choices"] == [{"delta": {"content": ""}, "finish_reason": "stop"}]
        assert values[-1]["usage"]["completion_tokens"] >= len(values) - 1
        text = "".join(value["choices"][0]["delta"]["content"] for value in values)
        assert text.startswith("DeviceHub ")
        assert f"ResponseWithHistory Result {text}\n" in await user.say("logcat -d MNN_DEBUG:V *:S")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"messages": []}, 400, "Messages array is empty"),
        (b"no JSON", 400, ""),
        ({"prompt": "hi"}, 400, ""),
        ([1, 2], 400, ""),
    ],
)
async def test_request_that_is_none(key: Path, body: object, status: int, text: str) -> None:
    async with client_of(PhoneSpec(app=AppSpec(api_auth=False)), key) as user:
        await _start(user)
        got, _, content = await _ask(user, "POST", "/v1/chat/completions", body)
        assert got == status
        assert text in content.decode()


async def test_without_a_session_the_server_has_an_error(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(api_auth=False)), key) as user:
        await _start(user)
        await user.dumpapp("llm", "release")
        status, _, content = await _ask(user, "POST", "/v1/chat/completions", QUESTION)
        assert status == 500
        assert json.loads(content)["error"]["message"] == "Internal server error"


async def test_service_for_a_model_that_is_not_there_does_not_listen(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await user.say(START)
        await user.wait_for_log("No active LlmSession found")
        assert await user.refuses(API)
        assert "Is Running (Internal): false\nPort: null\n" in await user.dumpapp("openai", "status")


async def test_real_adb_forwards_to_the_api_and_to_dumpapp(adb: Adb) -> None:
    spec = PhoneSpec(app=AppSpec(api_auth=False))
    async with phone_or_skip(spec, adb.keys) as phone:
        serial = ("-s", phone.address)
        await adb.run("connect", phone.address)
        await adb.run(*serial, "shell", f"am start -n {PACKAGE}/.main.MainActivity")
        await adb.run(*serial, "push", demo_model_dir(), "/data/local/tmp/mnn_models/X")
        await adb.run(*serial, "shell", START)
        done = [await adb.run(*serial, "forward", "tcp:0", service) for service in (API, STETHO)]
        ports = [int(each.stdout) for each in done]
        page = await _fetch(ports[0], b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert page.startswith(b"HTTP/1.1 200 OK\r\n")
        frames = parse_frames(await _fetch(ports[1], hello("llm", "status")))
        assert frames[-1] == (b"x", bytes(4))
        assert f"MODEL_ID={MODEL_ID}\n".encode() in frames[0][1]


async def test_two_phones_have_a_port_8080_each(key: Path) -> None:
    async with (
        client_of(PhoneSpec(app=AppSpec(api_auth=False)), key) as one,
        client_of(PhoneSpec(app=AppSpec(api_key=KEY), serialno="VIRT0002"), key) as two,
    ):
        await _start(one)
        await _start(two)
        assert (await _ask(one, "POST", "/v1/chat/completions", QUESTION))[0] == 200
        assert (await _ask(two, "POST", "/v1/chat/completions", QUESTION))[0] == 401
