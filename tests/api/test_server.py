"""Who may come in, what each may ask, and what becomes of whoever asks too much."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from devicehub import procs
from devicehub.api.auth import capabilities, make_token, needed, read_token
from devicehub.api.contract import METHODS, Capability
from devicehub.api.model import Noted
from devicehub.api.rpc import CloseCode, ErrorCode
from devicehub.clock import SystemClock
from devicehub.errors import ConfigError
from devicehub.runs.ask import CompareAsk, RunAsk
from tests.api.desk import TOKEN, client, desk, stranger

if TYPE_CHECKING:
    from pathlib import Path


async def test_client_that_knows_the_token_is_told_what_it_may() -> None:
    async with desk() as made, stranger(made) as by_hand:
        welcome = (await by_hand.hello())["result"]
        assert (welcome["epoch"], welcome["local"]) == ("e1", True)
        assert set(welcome["capabilities"]) == {"read", "run", "shell", "host"}
        assert (await by_hand.say("ping"))["result"] == 12.5


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"jsonrpc": "2.0", "method": "ping", "id": 1}, ErrorCode.NOT_AUTHENTICATED),
        (
            {
                "jsonrpc": "2.0",
                "method": "hello",
                "id": 1,
                "params": {"token": "no", "client": "c", "version": "1"},
            },
            ErrorCode.NOT_AUTHENTICATED,
        ),
        (
            {"jsonrpc": "2.0", "method": "hello", "id": 1, "params": {"token": 3}},
            ErrorCode.INVALID_PARAMS,
        ),
        ([], ErrorCode.INVALID_REQUEST),
        ("{", ErrorCode.PARSE_ERROR),
    ],
)
async def test_stranger_is_turned_away(first: Any, code: int) -> None:
    async with desk() as made, stranger(made) as by_hand:
        await by_hand.socket.send(first if isinstance(first, str) else json.dumps(first))
        assert (await by_hand.hear())["error"]["code"] == code
        assert await by_hand.closed() == CloseCode.NOT_AUTHENTICATED


async def test_whoever_says_nothing_is_turned_away_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devicehub.api.peer.HELLO_S", 0.2)
    async with desk() as made, stranger(made) as by_hand:
        assert (await by_hand.hear())["error"]["code"] == ErrorCode.NOT_AUTHENTICATED
        assert await by_hand.closed() == CloseCode.NOT_AUTHENTICATED


async def test_page_of_another_origin_is_refused() -> None:
    async with desk() as made:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(made.server.url, origin=Origin("http://example.org")):
                pass
        assert refused.value.response.status_code == 403
        own = made.server.url.replace("ws://", "http://")
        async with connect(made.server.url, origin=Origin(own)):
            pass


async def fetch(url: str, path: str, **headers: str) -> tuple[int, bytes]:
    host, _, port = url.removeprefix("ws://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        *(f"{name}: {it}" for name, it in headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def test_health_needs_no_token_and_metrics_do() -> None:
    async with desk() as made:
        url = made.server.url
        assert await fetch(url, "/healthz") == (200, b"ok\n")
        assert (await fetch(url, "/metrics"))[0] == 401
        assert (await fetch(url, "/metrics", Authorization="Bearer wrong"))[0] == 401
        assert await fetch(url, "/metrics", Authorization=f"Bearer {TOKEN}") == (
            200,
            b"devicehub_devices 3\n",
        )
        assert (await fetch(url, "/metrics", Authorization=TOKEN))[0] == 401
        twice = {"Authorization": f"Bearer {TOKEN}", "authorization": f"Bearer {TOKEN}"}
        assert (await fetch(url, "/metrics", **twice))[0] == 401
        assert (await fetch(url, "/etc/passwd"))[0] == 404
        assert (await fetch(url, "/healthz", Origin="http://example.org"))[0] == 403


@pytest.mark.parametrize(
    ("method", "params", "code", "words"),
    [
        ("none.such", {}, ErrorCode.METHOD_NOT_FOUND, "there is no method 'none.such'"),
        ("hello", {}, ErrorCode.INVALID_REQUEST, "hello was said already"),
        ("runs.show", {}, ErrorCode.INVALID_PARAMS, "runs.show: object missing required field `run`"),
        ("runs.show", {"run": 3}, ErrorCode.INVALID_PARAMS, "runs.show: run: expected `str`"),
        ("runs.show", {"run": "x", "more": 1}, ErrorCode.INVALID_PARAMS, "unknown field `more`"),
        ("runs.show", {"run": "x"}, ErrorCode.REFUSED, "there is no such run"),
        ("runs.list", {}, ErrorCode.INTERNAL, "the hub failed; see its log"),
        ("devices.list", {}, ErrorCode.TOO_LARGE, "ask for less"),
        ("subscribe", {"topics": ["shell"]}, ErrorCode.INVALID_PARAMS, "no topic 'shell'"),
        ("subscribe", {"topics": ["log"]}, ErrorCode.INVALID_PARAMS, "needs the devices' ids"),
    ],
)
async def test_request_without_a_result(method: str, params: Any, code: int, words: str) -> None:
    async with desk() as made, client(made) as by_hand:
        error = (await by_hand.say(method, params))["error"]
        assert error["code"] == code
        assert words in error["message"]
        if code == ErrorCode.REFUSED:
            assert error["data"] == {"kind": "InputError", "transient": False}
        assert (await by_hand.say("ping"))["result"] == 12.5, "the connection lives on"


async def test_notification_gets_no_reply() -> None:
    async with desk() as made, client(made) as by_hand:
        await by_hand.socket.send('{"jsonrpc": "2.0", "method": "ping"}')
        assert (await by_hand.say("ping", id_=7))["id"] == 7


async def test_slow_method_holds_up_no_other() -> None:
    async with desk() as made, client(made) as by_hand:
        await by_hand.socket.send('{"jsonrpc": "2.0", "method": "queue.list", "id": 1}')
        assert (await by_hand.say("ping", id_=2))["id"] == 2
        made.release.set()
        assert (await by_hand.reply())["id"] == 1


async def test_what_changes_something_goes_on_when_its_client_has_gone() -> None:
    async with desk() as made:
        async with client(made) as by_hand:
            push = {"kind": "model", "name": "m"}
            request = {"jsonrpc": "2.0", "method": "push.start", "params": push, "id": 1}
            await by_hand.socket.send(json.dumps(request))
            await by_hand.say("ping")
        made.release.set()
        async with asyncio.timeout(10):
            await made.pushed.wait()


async def test_more_requests_than_may_be_under_way() -> None:
    async with desk() as made, client(made) as by_hand:
        for number in range(65):
            await by_hand.socket.send(f'{{"jsonrpc": "2.0", "method": "queue.list", "id": {number}}}')
        assert (await by_hand.reply())["error"]["code"] == ErrorCode.BUSY
        made.release.set()


async def test_flood_of_requests_ends_the_connection() -> None:
    async with desk() as made, client(made) as by_hand:
        for _ in range(400):
            await by_hand.socket.send('{"jsonrpc": "2.0", "method": "ping"}')
        assert await by_hand.closed() == CloseCode.TOO_MANY_REQUESTS


async def test_request_that_nests_too_deep_ends_the_connection() -> None:
    async with desk() as made, client(made) as by_hand:
        await by_hand.socket.send("[" * 40 + "]" * 40)
        assert (await by_hand.hear())["error"]["code"] == ErrorCode.TOO_DEEP
        assert await by_hand.closed() == CloseCode.TOO_DEEP


async def test_message_of_more_than_a_mebibyte_ends_the_connection() -> None:
    async with desk() as made, client(made) as by_hand:
        await by_hand.socket.send("x" * (1 << 20) + "x")
        assert await by_hand.closed() == CloseCode.TOO_LARGE


async def test_one_client_too_many_is_turned_away() -> None:
    async with desk() as made, AsyncExitStack() as stack:
        for _ in range(64):
            await stack.enter_async_context(stranger(made))
        async with stranger(made) as by_hand:
            assert await by_hand.closed() == CloseCode.TOO_MANY_CONNECTIONS


async def test_events_come_in_order_after_the_reply() -> None:
    async with desk() as made, client(made) as by_hand:
        made.bus.publish("notes", Noted(text="0", wall_s=1))
        after = {"notes": {"epoch": "e1", "seq": 0}}
        subscribed = (await by_hand.say("subscribe", {"topics": ["notes"], "after": after}))["result"]
        assert subscribed["seqs"] == {"notes": 0}
        for number in range(1, 600):
            made.bus.publish("notes", Noted(text=str(number), wall_s=1))
        seen: list[int] = []
        while len(seen) < 600:
            heard = await by_hand.hear()
            for event in heard if isinstance(heard, list) else [heard]:
                assert event["params"]["data"]["text"] == str(event["params"]["seq"] - 1)
                seen.append(event["params"]["seq"])
        assert seen == list(range(1, 601))


async def test_client_that_does_not_read_is_closed_and_others_are_not_held_up() -> None:
    async with desk() as made, client(made, max_queue=1) as slow, client(made) as quick:
        for by_hand in (slow, quick):
            await by_hand.say("subscribe", {"topics": ["notes"]})
        heard = 0
        for number in range(1500):
            made.bus.publish("notes", Noted(text="x" * 20_000, wall_s=number))
            if number % 20 == 19:
                wanted = number + 1
                while heard < wanted:
                    found = await quick.hear()
                    heard += len(found) if isinstance(found, list) else 1
        async with asyncio.timeout(30):
            while made.server.clients > 1:
                await SystemClock().sleep(0.05)
        assert (await quick.say("ping"))["result"] == 12.5
        assert await slow.closed() in (CloseCode.FELL_BEHIND, 1006)


async def test_many_connections_leave_nothing_behind() -> None:
    """In a process of its own, which has not grown with other tests."""
    script = "import asyncio; from tests.api.test_server import come_and_go; asyncio.run(come_and_go())"
    done = await procs.run([sys.executable, "-c", script], timeout_s=200)
    assert done.status == 0, done.stderr.decode()
    early, late = map(int, done.stdout.split())
    assert late - early <= 5 << 20


async def come_and_go(count: int = 2000) -> None:
    """Print the resident bytes after a tenth of the connections and after all."""
    process = psutil.Process()
    async with desk() as made:
        for number in range(count):
            async with client(made) as by_hand:
                await by_hand.say("subscribe", {"topics": ["notes", "devices"]})
            if number == count // 10:
                sys.stdout.write(f"{process.memory_info().rss}\n")
        while made.server.clients:
            await SystemClock().sleep(0.01)
        assert len(made.gone) == count
        sys.stdout.write(f"{process.memory_info().rss}\n")


def test_every_method_states_what_a_caller_must_be_allowed() -> None:
    for method in METHODS.values():
        assert isinstance(method.capability, Capability), method.name


def test_nobody_elsewhere_names_a_path_of_the_host_or_starts_a_program() -> None:
    remote = set(capabilities(local=False))
    for name in ("hub.stop", "models.add", "models.check", "engines.add"):
        assert METHODS[name].capability not in remote
    push, run = METHODS["push.start"], METHODS["runs.start"]
    file = push.params(kind="file", name="/etc/passwd", destination="/data/local/tmp/x")
    assert not needed(push, file) <= remote
    assert not needed(push, push.params(kind="file", name="/etc/passwd")) <= remote
    assert needed(push, push.params(kind="model", name="m")) <= remote
    install = METHODS["app.install"]
    assert not needed(install, install.params(apk="/a.apk")) <= remote
    plain = RunAsk(model="m", prompt="Hi")
    assert needed(run, plain) <= remote
    for ask in (RunAsk(model="m", prompts_file="/etc/passwd"), RunAsk(model="m", media_folder="/")):
        assert not needed(run, ask) <= remote
        both = CompareAsk(by="engine", a="a", b="b", run=ask)
        assert not needed(METHODS["runs.start_comparison"], both) <= remote
    assert Capability.SHELL in needed(run, RunAsk(model="m", workload="custom"))


def test_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "home" / "token"
    token = make_token(file)
    assert len(token) > 40
    assert make_token(file) == token == read_token(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["token"]
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read it"):
        make_token(file)


def test_token_file_that_holds_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_token(tmp_path / "none")
    empty = tmp_path / "token"
    empty.touch(0o600)
    with pytest.raises(ConfigError, match="holds no token"):
        read_token(empty)


def test_token_file_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be read"):
        make_token(file)
    assert not (tmp_path / "elsewhere").exists()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be written"):
        make_token(tmp_path / "home" / "token")
