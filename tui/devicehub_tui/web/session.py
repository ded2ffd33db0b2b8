"""One browser's session: a screen of its own in a child process, between the two."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import WSMsgType
from textual_serve.app_service import AppService

from devicehub import procs

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping, Sequence

    from aiohttp import web
    from textual_serve.download_manager import DownloadManager

_QUIT_S: Final = 5.0
_LARGEST_SIDE: Final = 1000


async def serve_session(
    websocket: web.WebSocketResponse,
    argv: Sequence[str],
    environ: Mapping[str, str],
    size: tuple[int, int],
    downloads: DownloadManager,
) -> None:
    """Run a screen for a browser until either of them ends it.

    Args:
        websocket: the browser.
        argv: what starts the screen.
        environ: variables besides those of this process.
        size: columns and rows at first.
        downloads: where files that the screen hands over are found.
    """
    async with contextlib.AsyncExitStack() as stack:
        service = _Service(argv, environ, websocket, downloads, stack)
        await service.start(*clamp_size(*size))
        try:
            await _pass_input(websocket, service)
        finally:
            # A screen that hangs is ended by the stack.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_QUIT_S):
                    await service.stop()


def clamp_size(columns: int, rows: int) -> tuple[int, int]:
    """A terminal's size that a program can bear, whatever a browser says."""
    return min(max(columns, 1), _LARGEST_SIDE), min(max(rows, 1), _LARGEST_SIDE)


async def _pass_input(websocket: web.WebSocketResponse, service: AppService) -> None:
    async for message in websocket:
        if message.type == WSMsgType.TEXT:
            await _take(message.data, websocket, service)


async def _take(text: str, websocket: web.WebSocketResponse, service: AppService) -> None:
    """Do what a message of textual-serve's script asks for; others are passed over."""
    try:
        envelope: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return
    match envelope:
        case ["stdin", str(data)]:
            await service.send_bytes(data.encode("utf-8", "replace"))
        case ["resize", {"width": int(columns), "height": int(rows)}]:
            await service.set_terminal_size(*clamp_size(columns, rows))
        case ["ping", data]:
            await websocket.send_json(["pong", data])
        case ["blur", *_]:
            await service.blur()
        case ["focus", *_]:
            await service.focus()


class _Service(AppService):
    """textual-serve's conversation with a screen, which is a child of ours and ends with the stack."""

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        websocket: web.WebSocketResponse,
        downloads: DownloadManager,
        stack: contextlib.AsyncExitStack,
    ) -> None:
        async def close() -> None:
            await websocket.close()

        super().__init__(
            "",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=downloads,
        )
        self._argv = argv
        self._environ = environ
        self._stack = stack

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        env = self._build_environment(width=width, height=height) | dict(self._environ)
        process = await self._stack.enter_async_context(procs.child(self._argv, env=env))
        self._process = process
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Pass the screen's output on until it ends, also where it ends without a word."""
        try:
            await super().run()
        finally:
            with contextlib.suppress(ConnectionError):  # the browser may have gone first
                await self.remote_close()
