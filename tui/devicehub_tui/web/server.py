"""The screen in a browser: textual-serve's script and conversation behind a gate, on loopback alone.

textual-serve's own server lets anybody in who reaches its port, lists its folders and loads a font from
another host; so the routes, the page and the headers are ours.
"""

from __future__ import annotations

import contextlib
import socket
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec
from aiohttp import WSCloseCode, web
from textual_serve.download_manager import DownloadManager

from devicehub.errors import ProgramError
from devicehub_tui.web.gate import USED, Gate
from devicehub_tui.web.session import serve_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from devicehub_tui.web.gate import Refusal

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_SESSIONS: Final = 4
"""Each is a process with a connection to the hub of its own."""
_LARGEST_MESSAGE: Final = 1 << 20
_CLOSE_S: Final = 10.0
_OURS: Final = "devicehub_tui.web"
_THEIRS: Final = "textual_serve"
_STATIC: Final[Mapping[str, tuple[str, str, str]]] = {
    "page.css": (_OURS, "page.css", "text/css"),
    "page.js": (_OURS, "page.js", "text/javascript"),
    "xterm.css": (_THEIRS, "static/css/xterm.css", "text/css"),
    "textual.js": (_THEIRS, "static/js/textual.js", "text/javascript"),
    "mono.ttf": (_THEIRS, "static/fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
    "mono-italic.ttf": (_THEIRS, "static/fonts/RobotoMono-Italic-VariableFont_wght.ttf", "font/ttf"),
}
"""All files that are served, by name: the package, the file in it, its type."""


class WebScreen:
    """The server's routes.

    Args:
        gate: who may use it.
        argv: what starts a screen for one browser.
        environ: variables for it, besides those of this process.
        tell: is given the next link whenever one was used.
    """

    def __init__(
        self, gate: Gate, argv: Sequence[str], environ: Mapping[str, str], tell: Callable[[str], None]
    ) -> None:
        self._gate = gate
        self._argv = tuple(argv)
        self._environ = dict(environ)
        self._tell = tell
        self._sessions = 0
        self._browsers: set[web.WebSocketResponse] = set()
        self._downloads = DownloadManager()
        self._csp = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
            f"img-src 'self' data: blob:; connect-src ws://{gate.host}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def application(self) -> web.Application:
        """What answers requests; every one, also for what is not there, passes the gate first."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            refusal = self._refuse(request)
            if refusal is not None:
                return web.Response(status=refusal.status, text=refusal.text + "\n")
            return await handler(request)

        async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
            del request
            response.headers["Content-Security-Policy"] = self._csp
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "no-store"

        app = web.Application(middlewares=[check])
        app.on_response_prepare.append(add_headers)
        app.on_shutdown.append(self._close_sessions)
        app.router.add_get("/", self._serve_page, allow_head=False)
        app.router.add_get("/ws", self._serve_websocket, allow_head=False)
        app.router.add_get("/static/{name}", self._serve_file, allow_head=False)
        app.router.add_get("/download/{key}", self._serve_download, allow_head=False)
        return app

    def _refuse(self, request: web.Request) -> Refusal | None:
        refusal = self._gate.refuse_place(request.headers, websocket=request.path == "/ws")
        if refusal is not None or _is_entry(request):
            return refusal
        return self._gate.refuse_cookie(request.cookies.get(self._gate.cookie_name))

    async def _serve_page(self, request: web.Request) -> web.StreamResponse:
        if _is_entry(request):
            return self._let_in(request.query["code"])
        text = (files(_OURS) / "page.html").read_text("utf-8")
        text = text.replace("@WEBSOCKET@", f"ws://{self._gate.host}/ws")
        return web.Response(text=text.replace("@SESSIONS@", str(MOST_SESSIONS)), content_type="text/html")

    def _let_in(self, code: str) -> web.StreamResponse:
        cookie = self._gate.redeem(code)
        if cookie is None:
            return web.Response(status=USED.status, text=USED.text + "\n")
        self._tell(self._gate.new_link())
        # Away from the address with the code, which would stay in the browser's history.
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self._gate.cookie_name, cookie, httponly=True, samesite="Strict", path="/")
        return response

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        entry = _STATIC.get(request.match_info["name"])
        if entry is None:
            raise web.HTTPNotFound
        package, file, content_type = entry
        return web.Response(body=files(package).joinpath(file).read_bytes(), content_type=content_type)

    async def _serve_download(self, request: web.Request) -> web.StreamResponse:
        """Hand a file over that a screen gives away, always to be saved: shown, it could act as our page."""
        key = request.match_info["key"]
        try:
            found = await self._downloads.get_download_metadata(key)
        except KeyError:
            raise web.HTTPNotFound from None
        response = web.StreamResponse()
        response.content_type = "application/octet-stream"
        name = quote(found.file_name, safe="")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        await response.prepare(request)
        async for chunk in self._downloads.download(key):
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _serve_websocket(self, request: web.Request) -> web.StreamResponse:
        if self._sessions >= MOST_SESSIONS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_SESSIONS} sessions are open; close one first.\n")
        self._sessions += 1  # before anything is awaited
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=_LARGEST_MESSAGE)
        try:
            await websocket.prepare(request)
            self._browsers.add(websocket)
            size = (_number(request.query.get("width"), 80), _number(request.query.get("height"), 24))
            await serve_session(websocket, self._argv, self._environ, size, self._downloads)
        finally:
            self._browsers.discard(websocket)
            self._sessions -= 1
        return websocket

    async def _close_sessions(self, _app: web.Application) -> None:
        for websocket in tuple(self._browsers):
            await websocket.close(code=WSCloseCode.GOING_AWAY, message=b"the server ends")


@contextlib.asynccontextmanager
async def web_screen(
    argv: Sequence[str],
    *,
    tell: Callable[[str], None],
    port: int = 0,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Gate]:
    """Serve the screen on 127.0.0.1 until the block ends, with all its sessions.

    Args:
        argv: what starts a screen for one browser.
        tell: is given the first link, and the next one whenever one was used.
        port: 0 for a free one.
        environ: variables for the screen, besides those of this process.

    Raises:
        ProgramError: the port is taken.
    """
    with contextlib.closing(_listen(port)) as listener:
        gate = Gate(listener.getsockname()[1])
        app = WebScreen(gate, argv, environ or {}, tell).application()
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            tell(gate.new_link())
            yield gate
        finally:
            await runner.cleanup()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        problem = f"port {port} of 127.0.0.1 cannot be used: {error.strerror or error}"
        raise ProgramError("tui --web", problem, remedy="choose another with --port") from error
    return listener


def _is_entry(request: web.Request) -> bool:
    return request.path == "/" and request.method == "GET" and "code" in request.query


def _number(text: str | None, default: int) -> int:
    try:
        return msgspec.convert(text, int, strict=False)
    except msgspec.ValidationError:
        return default
