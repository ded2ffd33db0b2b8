"""A headless Chromium for tests, spoken to over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import connect

from devicehub import procs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

CHROMIUM: Final = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_PATIENCE_S: Final = 60.0


class Tab:
    """One tab, what it asked of the network and what it complained of.

    Attributes:
        requests: addresses that it asked for.
        complaints: of its console: errors, what its policy refused, exceptions.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._session: str | None = None
        self._last = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []

    async def open(self) -> None:
        """Open the tab and listen to what it does."""
        target = await self.call("Target.createTarget", url="about:blank")
        found = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = found["sessionId"]
        for domain in ("Network", "Page", "Log", "Runtime"):
            await self.call(f"{domain}.enable")

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser and wait for its answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        await self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            async with asyncio.timeout(_PATIENCE_S):
                told = json.loads(await self._socket.recv())
            if told.get("id") == self._last:
                assert "error" not in told, told
                return dict(told["result"])
            self._note(told)

    def _note(self, told: dict[str, Any]) -> None:
        params = told.get("params", {})
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(params["args"]))

    async def show(self, page: Path, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Load a page at a size, light or dark, and wait until it stands."""
        await self.call("Page.navigate", url="about:blank")
        self.requests.clear()
        self.complaints.clear()
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.call("Page.navigate", url=page.as_uri())
        stands = "location.href !== 'about:blank' && document.readyState === 'complete'"
        while not await self.ask(stands):
            pass  # each question waits for the browser
        await self.ask("new Promise(done => requestAnimationFrame(() => done(1)))")

    async def ask(self, script: str) -> Any:
        """The value of an expression in the page; of a promise what it promised."""
        told = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@contextlib.asynccontextmanager
async def open_tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser with one tab, that keeps what it keeps in a folder."""
    assert CHROMIUM is not None
    argv = [CHROMIUM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    async with procs.child(argv) as process, connect(await _address(process), max_size=None) as socket:
        tab = Tab(socket)
        await tab.open()
        yield tab


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where the browser is spoken to, which it says when it listens."""
    assert process.stderr is not None
    async with asyncio.timeout(_PATIENCE_S):
        async for line in process.stderr:
            # "DevTools listening on ws://127.0.0.1:40361/devtools/browser/8f4d8c6e-..."
            if match := re.search(rb"DevTools listening on (ws://\S+)", line):
                return match[1].decode()
    raise AssertionError("the browser ended without listening")
