"""The screen in a browser, asked as browsers and others ask; the screen itself is a stand-in."""

import contextlib
import json
import re
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import psutil
import pytest

from devicehub.clock import SystemClock
from devicehub.errors import ProgramError
from devicehub_tui.web.gate import Gate
from devicehub_tui.web.server import MOST_SESSIONS, web_screen

# Speaks with textual-serve as a Textual app does: one data packet of what it was started with, then all that
# it is sent, until it is told to quit.
STAND_IN = """
import json, os, sys
def read(size):
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        sys.exit()
    return data
def say(kind, data):
    sys.stdout.buffer.write(kind + len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.flush()
sys.stdout.buffer.write(b"__GANGLION__\\n")
names = ("COLUMNS", "ROWS", "TEXTUAL_DRIVER", "ASKED")
say(b"D", json.dumps([os.getpid(), *(os.environ.get(name) for name in names)]).encode())
while True:
    kind, size = read(1), int.from_bytes(read(4), "big")
    data = read(size)
    if kind == b"M" and json.loads(data)["type"] == "quit":
        break
    if data == b"crash":
        os._exit(3)
    if data == b"hang":
        import time; time.sleep(600)
    say(b"D", kind + data)
"""


class Browser:
    """A browser that keeps cookies; it says what browsers say on a page of the server's own."""

    def __init__(self, gate: Gate, session: aiohttp.ClientSession) -> None:
        self.gate = gate
        self.session = session

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        url = self.gate.origin + path
        async with self.session.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, await response.text("latin-1")

    def connect(self, origin: str | None = "") -> "aiohttp.client._WSRequestContextManager":
        url = f"{self.gate.origin}/ws?width=100&height=30"
        return self.session.ws_connect(url, origin=self.gate.origin if origin == "" else origin)


class Served:
    """A server, the links that it told, and browsers."""

    def __init__(self, gate: Gate, links: list[str], stack: contextlib.AsyncExitStack) -> None:
        self.gate = gate
        self.links = links
        self._stack = stack

    async def stranger(self) -> Browser:
        jar = aiohttp.CookieJar(unsafe=True)  # that is: cookies of addresses, too
        session = await self._stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
        return Browser(self.gate, session)

    async def guest(self) -> Browser:
        browser = await self.stranger()
        status, _ = await browser.get(self.links[-1].removeprefix(self.gate.origin))
        assert status == 303
        return browser


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    links: list[str] = []
    argv = [sys.executable, "-c", STAND_IN]
    async with (
        web_screen(argv, tell=links.append, environ={"ASKED": "yes"}) as gate,
        contextlib.AsyncExitStack() as stack,
    ):
        yield Served(gate, links, stack)


async def wait_for_end(pid: int) -> None:
    """Wait until a process has ended; the test's own timeout bounds it."""
    while psutil.pid_exists(pid):
        await SystemClock().sleep(0.02)


async def test_link_is_swapped_for_a_cookie_that_scripts_and_other_sites_never_see() -> None:
    async with serving() as served:
        browser = await served.stranger()
        async with browser.session.get(served.links[0], allow_redirects=False) as response:
            assert response.status == 303
            assert response.headers["Location"] == "/"
            cookie = response.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path=/" in cookie
        status, page = await browser.get("/")
    assert status == 200
    assert 'class="textual-terminal"' in page


async def test_used_code_is_refused_and_the_next_link_is_told() -> None:
    async with serving() as served:
        await served.guest()
        first, second = served.links
        late = await served.stranger()
        status, text = await late.get(first.removeprefix(served.gate.origin))
        assert status == 403
        assert "This link was used" in text
        assert (await late.get("/"))[0] == 403
        assert (await late.get(second.removeprefix(served.gate.origin)))[0] == 303


@pytest.mark.parametrize(
    "path", ["/", "/static/textual.js", "/static/page.css", "/static/", "/download/x", "/ws", "/nothing"]
)
async def test_every_route_is_closed_without_cookie(path: str) -> None:
    async with serving() as served:
        status, text = await (await served.stranger()).get(path, Origin=served.gate.origin)
    assert status == 403
    assert "`devicehub tui --web` printed" in text


@pytest.mark.parametrize("path", ["/", "/static/textual.js", "/ws", "/nothing"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_every_route_is_closed_to_pages_of_others_even_with_cookie(path: str, origin: str) -> None:
    async with serving() as served:
        status, _ = await (await served.guest()).get(path, Origin=origin)
    assert status == 403


async def test_link_on_a_page_of_others_opens_nothing_and_stays_good() -> None:
    async with serving() as served:
        path = served.links[0].removeprefix(served.gate.origin)
        browser = await served.stranger()
        assert (await browser.get(path, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
        assert (await browser.get(path))[0] == 303


@pytest.mark.parametrize("origin", [None, "http://evil.example"])
async def test_websocket_of_another_origin_is_refused(origin: str | None) -> None:
    async with serving() as served:
        browser = await served.guest()
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await browser.connect(origin)
    assert caught.value.status == 403


async def test_websocket_without_cookie_is_refused() -> None:
    async with serving() as served:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await (await served.stranger()).connect()
    assert caught.value.status == 403


async def test_session_is_a_screen_of_its_own_that_hears_keys_and_sizes() -> None:
    async with serving() as served:
        browser = await served.guest()
        async with browser.connect() as websocket:
            pid, *started = json.loads(await websocket.receive_bytes())
            assert started == ["100", "30", "textual.drivers.web_driver:WebDriver", "yes"]
            await websocket.send_str('{"no": "envelope"}')
            await websocket.send_str("no json")
            await websocket.send_json(["resize", {"width": "wide"}])
            await websocket.send_json(["stdin", "q ü"])
            assert await websocket.receive_bytes() == "Dq ü".encode()
            await websocket.send_json(["resize", {"width": 10**9, "height": -5}])
            resized = json.loads((await websocket.receive_bytes())[1:])
            assert resized == {"type": "resize", "width": 1000, "height": 1}
            await websocket.send_json(["ping", 7])
            assert await websocket.receive_json() == ["pong", 7]
        await wait_for_end(pid)


async def test_screen_that_dies_ends_its_session() -> None:
    async with serving() as served, (await served.guest()).connect() as websocket:
        await websocket.receive_bytes()
        await websocket.send_json(["stdin", "crash"])
        assert (await websocket.receive()).type == aiohttp.WSMsgType.CLOSE


async def test_fifth_session_is_refused_until_one_ends() -> None:
    async with serving() as served:
        browser = await served.guest()
        async with contextlib.AsyncExitStack() as stack:
            first = await browser.connect()
            for _ in range(MOST_SESSIONS - 1):
                await stack.enter_async_context(browser.connect())
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await browser.connect()
            assert caught.value.status == 503
            pid = json.loads(await first.receive_bytes())[0]
            await first.close()
            await wait_for_end(pid)
            while True:
                with contextlib.suppress(aiohttp.WSServerHandshakeError):
                    await stack.enter_async_context(browser.connect())
                    break
                await SystemClock().sleep(0.02)


async def test_end_of_the_server_ends_its_screens() -> None:
    async with serving() as served:
        websocket = await (await served.guest()).connect()
        pid = json.loads(await websocket.receive_bytes())[0]
    await wait_for_end(pid)


async def test_no_folder_is_listed_and_no_other_file_given() -> None:
    async with serving() as served:
        browser = await served.guest()
        for path in ("/static/", "/static", "/static/page.html", "/static/..%2fserver.py", "/static/js"):
            assert (await browser.get(path))[0] == 404


async def test_nothing_is_loaded_from_another_host() -> None:
    async with serving() as served:
        browser = await served.guest()
        _, page = await browser.get("/")
        assert re.findall(r"(?:src|href)=\"(?!/static/)", page) == []
        texts = [page]
        for name in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", page):
            status, text = await browser.get(name)
            assert status == 200
            texts.append(text)
        fonts = re.findall(r"url\(\"?([^)\"]+)", "".join(texts[1:]))
        assert {await status_of(browser, font) for font in fonts if font.startswith("/")} == {200}
        loaded = "".join(texts)
        assert re.findall(r"https?://(?!127\.0\.0\.1)[^\s\"')]+", page) == []
        assert "fonts.googleapis" not in loaded
        async with browser.session.get(served.gate.origin) as response:
            policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert f"connect-src ws://{served.gate.host};" in policy


async def status_of(browser: Browser, path: str) -> int:
    return (await browser.get(path))[0]


async def test_refusals_carry_the_headers_too() -> None:
    async with serving() as served, (await served.stranger()).session.get(served.gate.origin) as response:
        assert response.status == 403
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_only_loopback_is_listened_on() -> None:
    async with serving() as served:
        port = int(served.gate.host.rpartition(":")[2])
        places = [each.laddr for each in psutil.Process().net_connections("inet") if each.status == "LISTEN"]
    assert [ip for ip, number in places if number == port] == ["127.0.0.1"]


async def test_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ProgramError, match=r"cannot be used.*choose another with --port"):
            async with web_screen(["true"], tell=print, port=taken.getsockname()[1]):
                pass
