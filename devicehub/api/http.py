"""What the hub answers over plain HTTP, and whom it turns away before a WebSocket opens."""

from __future__ import annotations

import http
import logging
from typing import TYPE_CHECKING, Final

from websockets.datastructures import Headers
from websockets.http11 import Response

from devicehub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from websockets.http11 import Request

    from devicehub.api.auth import Access

log = logging.getLogger(__name__)

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_TEXT: Final = "text/plain; charset=utf-8"
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


def url_of(host: str, port: int, *, tls: bool) -> str:
    """Where a WebSocket client finds a server."""
    place = f"[{host}]" if ":" in host else host
    return f"{'wss' if tls else 'ws'}://{place}:{port}"


def own_origins(host: str, port: int, *, tls: bool) -> frozenset[str]:
    """The origins that are the server itself; on loopback under each of its names."""
    hosts = LOOPBACK if host in LOOPBACK else (host,)
    return frozenset(url_of(name, port, tls=tls).replace("ws", "http", 1) for name in hosts)


def answer(
    request: Request, *, access: Access, origins: Collection[str], metrics: Callable[[], bytes]
) -> Response | None:
    """Answer what asks for no WebSocket; None lets it open one."""
    if any(origin not in origins for origin in request.headers.get_all("Origin")):
        return _respond(http.HTTPStatus.FORBIDDEN, "this origin is not the hub's own\n")
    if request.path == "/healthz":
        return _respond(http.HTTPStatus.OK, "ok\n")
    if request.path == "/metrics":
        return _answer_metrics(request, access, metrics)
    if request.path != "/":
        return _respond(http.HTTPStatus.NOT_FOUND, "there is nothing here\n")
    return None


def _answer_metrics(request: Request, access: Access, metrics: Callable[[], bytes]) -> Response:
    said = request.headers.get_all("Authorization")
    scheme, _, token = said[0].partition(" ") if len(said) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not access.knows(token.strip()):
        return _respond(
            http.HTTPStatus.UNAUTHORIZED, "needs `Authorization: Bearer TOKEN`\n", challenge="Bearer"
        )
    try:
        return _respond(http.HTTPStatus.OK, metrics(), _PROMETHEUS)
    except HubError as error:
        log.warning("no metrics: %s", error)
        return _respond(http.HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n")


def _respond(
    status: http.HTTPStatus, body: str | bytes, kind: str = _TEXT, *, challenge: str | None = None
) -> Response:
    data = body.encode("utf-8", "replace") if isinstance(body, str) else body
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close"})
    if challenge is not None:
        headers["WWW-Authenticate"] = challenge
    return Response(int(status), status.phrase, headers, data)
