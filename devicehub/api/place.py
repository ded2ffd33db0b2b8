"""Which hub a client means, and what it needs to be let in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from devicehub.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.settings import Home

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Where:
    """The hub of a home on this host, or the one at a URL.

    Attributes:
        home: whose hub.json and token are used where there is no URL.
        url: `wss://HOST:PORT`; on this host also `ws://`.
        ca: certificates that the hub's may be signed by, in place of the system's.
        token_file: holds the hub's token, in place of the home's.
    """

    home: Home
    url: str | None = None
    ca: Path | None = None
    token_file: Path | None = None


def check_url(url: str) -> None:
    """Hold a URL to what a token may be sent to.

    Raises:
        InputError: it is no WebSocket URL, or leads to another host without TLS.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(
            url, f"is no address of a hub: {error}", remedy="name it as wss://HOST:PORT"
        ) from None
    if parts.scheme not in ("ws", "wss") or not host:
        raise InputError(url, "is no address of a hub", remedy="name it as wss://HOST:PORT")
    if parts.scheme == "ws" and host not in _LOOPBACK:
        raise InputError(url, "leads to another host without TLS", remedy="name it as wss://HOST:PORT")


def make_tls(url: str, ca: Path | None) -> ssl.SSLContext | None:
    """What checks the hub's certificate; None without TLS.

    Raises:
        InputError: the file of certificates cannot be used.
    """
    if not url.startswith("wss:"):
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            ca or "--ca", f"holds no certificates that can be used ({error})", remedy="name a PEM file"
        ) from None
