"""Whatever a client does, the hub lives, the other clients notice nothing, and codes are stable."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
from contextlib import AsyncExitStack
from typing import Any

import pytest

from devicehub.api.contract import METHODS
from devicehub.api.rpc import ErrorCode
from devicehub.api.server import Listen
from devicehub.clock import SystemClock
from tests.api.desk import TOKEN, Desk, client, desk, stranger


@pytest.mark.parametrize("method", ["runs.stop", "runs.show", "none.such", "hello"])
async def test_bytes_that_are_no_utf_8_end_neither_hub_nor_connection(method: str) -> None:
    async with desk() as made, client(made) as by_hand:
        request = {"jsonrpc": "2.0", "method": method, "id": 1, "params": {"run": "?"}}
        await by_hand.socket.send(json.dumps(request).encode().replace(b"?", b"\xff"))
        assert (await by_hand.reply())["error"]["code"] == ErrorCode.PARSE_ERROR
        assert (await by_hand.say("ping"))["result"] == 12.5


async def test_client_of_another_protocol_is_told_so() -> None:
    async with desk() as made, stranger(made) as by_hand:
        assert (await by_hand.hello(protocol=99, news="from then"))["result"]["protocol"] == 1
        assert (await by_hand.say("ping"))["result"] == 12.5
        error = (await by_hand.say("runs.list"))["error"]
        assert (error["code"], "not 99" in error["message"]) == (ErrorCode.WRONG_PROTOCOL, True)


async def test_name_that_would_steer_a_terminal_is_made_harmless() -> None:
    async with desk() as made, stranger(made) as by_hand:
        await by_hand.say("hello", {"token": TOKEN, "client": "a\x1b[2Jb\n" + "c" * 99, "version": "1"})
        await by_hand.say("subscribe", {"topics": []})
        await by_hand.socket.send('{"jsonrpc": "2.0", "method": "ping", "id": 2}')
        said = await by_hand.hear()
        assert said["params"]["data"]["session"] == "a?[2Jb?" + "c" * 57


async def test_method_whose_inner_work_is_cancelled_is_answered() -> None:
    async with desk() as made, client(made) as by_hand:
        error = (await by_hand.say("models.list"))["error"]
        assert (error["code"], "given up" in error["message"]) == (ErrorCode.INTERNAL, True)


async def test_refusal_out_of_a_group_of_tasks_is_a_refusal() -> None:
    async with desk() as made, client(made) as by_hand:
        error = (await by_hand.say("engines.list"))["error"]
        assert (error["code"], error["data"]["kind"]) == (ErrorCode.REFUSED, "InputError")


async def test_question_ends_with_its_client_before_that_is_told() -> None:
    async with desk() as made:
        async with client(made) as by_hand:
            await by_hand.socket.send('{"jsonrpc": "2.0", "method": "queue.list", "id": 1}')
            await by_hand.say("ping")
        async with asyncio.timeout(20):
            await made.waited.wait()
            while not made.gone:
                await SystemClock().sleep(0.01)
        assert made.order == ["cancelled", "gone"]


async def test_hub_ends_although_a_client_does_not_read() -> None:
    async with AsyncExitStack() as stack:
        made = Desk()
        await made.server.__aenter__()
        by_hand = await stack.enter_async_context(client(made))
        by_hand.socket.transport.pause_reading()
        for number in range(3):
            request = {"jsonrpc": "2.0", "method": "jobs.show", "id": number, "params": {"job": "x"}}
            await by_hand.socket.send(json.dumps(request))
        async with asyncio.timeout(60):
            await made.large.wait()
            await made.server.__aexit__(None, None, None)
        by_hand.socket.transport.resume_reading()


async def test_more_sockets_than_may_be_open_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devicehub.api.server.MOST_SOCKETS", 5)
    async with desk() as made, AsyncExitStack() as stack:
        host, _, port = made.server.url.removeprefix("ws://").partition(":")
        for _ in range(5):
            _, idle = await asyncio.open_connection(host, int(port))
            stack.callback(idle.close)
        reader, writer = await asyncio.open_connection(host, int(port))
        stack.callback(writer.close)
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""


async def test_port_that_cannot_be_had_leaves_no_other_open() -> None:
    async with desk() as taken:
        port = int(taken.server.url.rpartition(":")[2])
        made = Desk(listen=Listen("127.0.0.1", port, ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)))
        with pytest.raises(OSError, match="in use"):
            async with made.server:
                pass
        host, _, own = made.server.url.removeprefix("ws://").partition(":")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, int(own))


async def test_random_messages_end_neither_hub_nor_connection() -> None:
    chance = random.Random(7)
    async with desk() as made, client(made) as steady:
        for _ in range(12):
            async with client(made) as by_hand:
                for _ in range(40):
                    await by_hand.socket.send(random_message(chance))
                reply = await by_hand.say("ping", id_="last")
                while reply["id"] != "last":
                    assert "result" in reply or reply["error"]["code"] in set(ErrorCode)
                    reply = await by_hand.reply()
        assert (await steady.say("ping"))["result"] == 12.5


def random_message(chance: random.Random) -> str | bytes:
    """Something between noise and a request."""
    value: Any = chance.choice(
        [None, True, -1, 1e308, "", "x" * 5000, [], {}, {"run": 3}, [[{}]], "\ud800", 2**80]
    )
    request = {
        "jsonrpc": chance.choice(["2.0", "2.0", "2.0", 2, None]),
        "method": chance.choice([*METHODS, "", "x.y", 7, None]),
        "id": chance.choice([1, "a", None, 1.5, [], 2**70]),
        "params": chance.choice([value, {chance.choice(["run", "model", "topics", "é"]): value}]),
    }
    text = json.dumps({key: it for key, it in request.items() if chance.random() > 0.1})
    match chance.randrange(6):
        case 0:
            return text[: chance.randrange(len(text))]
        case 1:
            noise = bytearray(text.encode())
            noise[chance.randrange(len(noise))] = chance.randrange(256)
            return bytes(noise)
        case 2:
            return chance.randbytes(chance.randrange(200))
        case _:
            return text
