"""The real screen in a browser, from the command that serves it to what a person sees."""

import asyncio
import os
from pathlib import Path

import aiohttp
import pyte

from devicehub import procs
from tests.api.phone_hub import hub
from tests.cli.test_phone_commands import argv_of, phone


class Browser:
    """A terminal in a browser: what it was sent, as a person sees it."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self._screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self._screen)

    async def see(self, text: str) -> None:
        async with asyncio.timeout(60):
            while text not in "\n".join(self._screen.display):
                message = await self._websocket.receive()
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                if message.type == aiohttp.WSMsgType.BINARY:
                    self._stream.feed(message.data)

    async def closed(self) -> None:
        async with asyncio.timeout(60):
            while (await self._websocket.receive()).type is not aiohttp.WSMsgType.CLOSE:
                pass

    async def press(self, key: str) -> None:
        await self._websocket.send_json(["stdin", key])


async def test_browser_shows_phones_and_pictures_and_says_why_there_is_no_shell(tmp_path: Path) -> None:
    env = {**os.environ, "DEVICEHUB_HOME": str(tmp_path / "home")}
    async with hub(phone) as made, procs.child(argv_of(made, tmp_path, "tui", "--web"), env=env) as process:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            link = (await process.stdout.readline()).decode().strip()
        origin = link.partition("/?")[0]
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.get(link) as page:
                assert page.status == 200
            place = origin.replace("http", "ws") + "/ws?width=100&height=30"
            async with session.ws_connect(place, origin=origin) as websocket:
                browser = Browser(websocket)
                await browser.see("P1")
                await browser.press("!")
                await browser.see("devicehub shell P1")
                await browser.press("m")
                await browser.see("A browser shows pictures only.")
                await browser.see("▀▀▀▀▀")
                await browser.press("q")
                await browser.closed()
        process.send_signal(2)
        async with asyncio.timeout(60):
            assert await process.wait() == 130
