"""Every method of a whole hub, asked for nonsense: each answers with a stable code, and the hub goes on."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any, Final

import msgspec
from websockets.asyncio.client import connect

from devicehub import __version__
from devicehub.api import contract, hubfile
from devicehub.api.auth import read_token
from devicehub.api.rpc import ErrorCode
from devicehub.clock import SystemClock
from tests.cli.hub_fixture import HubHere, hub

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

__all__ = ["hub"]

_EACH: Final = 16
_A_CONNECTION: Final = 100
"""Requests; the hub cuts off who asks faster than 200 times a second."""
_ANSWER_S: Final = 60.0
_WORDS: Final = ("", "x", "all", "../../etc/passwd", "\u0000", "é" * 300, "20260101", "127.0.0.1:1", "a=b")


def nonsense(chance: random.Random, depth: int = 0) -> Any:
    kinds: list[Any] = [
        chance.choice(_WORDS),
        chance.choice([0, -1, 2**63, 1.5, 1e300]),
        None,
        chance.random() < 0.5,
    ]
    if depth < 3:
        kinds.append([nonsense(chance, depth + 1) for _ in range(chance.randrange(3))])
        kinds.append({chance.choice(_WORDS): nonsense(chance, depth + 1) for _ in range(chance.randrange(3))})
    return chance.choice(kinds)


def params_of(method: contract.Method[Any, Any], chance: random.Random) -> Any:
    """Now and then nothing of the kind, else its fields with texts where a text may be and nonsense."""
    if chance.random() < 0.2:
        return nonsense(chance)
    fields = [
        field for field in msgspec.structs.fields(method.params) if field.required or chance.random() < 0.5
    ]
    return {
        field.encode_name: chance.choice(_WORDS) if chance.random() < 0.6 else nonsense(chance, 2)
        for field in fields
    }


async def test_nonsense_for_every_method_is_answered_and_ends_nothing(hub: HubHere) -> None:
    chance = random.Random(20261123)
    asked = [
        (name, params_of(method, chance))
        for name, method in contract.METHODS.items()
        if name not in (contract.STOP.name, contract.HELLO.name)
        for _ in range(_EACH)
    ]
    chance.shuffle(asked)
    await walk(hub, asked[:_A_CONNECTION])
    before = hub.do(lambda: len(asyncio.all_tasks()))
    for first in range(_A_CONNECTION, len(asked), _A_CONNECTION):
        await walk(hub, asked[first : first + _A_CONNECTION])
    async with asyncio.timeout(_ANSWER_S):
        while hub.do(lambda: len(asyncio.all_tasks())) > before + 2:  # the last client's still end
            await SystemClock().sleep(0.05)
    [status] = await walk(hub, [(contract.STATUS.name, {})])
    assert status["result"]["version"] == __version__


async def test_path_that_the_system_cannot_be_told_is_refused(hub: HubHere) -> None:
    asked: list[tuple[str, Any]] = [
        (contract.MODEL_ADD.name, {"folder": "a\0b"}),
        (contract.ENGINE_ADD.name, {"folder": "a\0b"}),
        (contract.APP_INSTALL.name, {"apk": "a\0b"}),
        (contract.RUN_START.name, {"model": "m", "prompts_file": "a\0b"}),
    ]
    for answer in await walk(hub, asked):
        assert answer["error"]["data"]["kind"] == "InputError"
        assert "holds a NUL character" in answer["error"]["message"]


async def walk(hub: HubHere, asked: list[tuple[str, Any]]) -> list[Any]:
    """The answers, in the order of the questions."""
    found = hubfile.find_running(hub.home)
    assert found is not None
    async with connect(found.url, compression=None) as socket:
        hello = {"token": read_token(hub.home.token), "client": "test", "version": __version__}
        assert "result" in await ask(socket, 0, contract.HELLO.name, hello)
        answers = []
        for number, (name, params) in enumerate(asked, start=1):
            answer = await ask(socket, number, name, params)
            assert ("result" in answer) != ("error" in answer), (name, params, answer)
            if "error" in answer:
                assert ErrorCode(answer["error"]["code"]) is not ErrorCode.INTERNAL, (name, params, answer)
                assert answer["error"]["message"], (name, params, answer)
            answers.append(answer)
        return answers


async def ask(socket: ClientConnection, number: int, name: str, params: Any) -> Any:
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": name, "params": params}))
    async with asyncio.timeout(_ANSWER_S):
        while True:
            frame = json.loads(await socket.recv())
            for message in frame if isinstance(frame, list) else [frame]:
                if message.get("id") == number:
                    return message
