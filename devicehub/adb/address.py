"""Where an adb server listens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT: Final = 5037
_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where an adb server listens."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    @property
    def is_local(self) -> bool:
        """Whether it runs on this host."""
        return self.host in _LOCAL_HOSTS

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


VARIABLES: Final = ("ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "ANDROID_ADB_SERVER_PORT")
"""They name a server; the first counts."""


def named_server(environ: Mapping[str, str] = os.environ) -> ServerAddress | None:
    """The server that the variables of `server_address` name; None where none is set. Raises as that does."""
    return server_address(environ) if any(environ.get(name) for name in VARIABLES) else None


def server_address(environ: Mapping[str, str] = os.environ) -> ServerAddress:
    """Where adb's own tools would look for the server.

    ADB_SERVER_SOCKET (`tcp:HOST:PORT`, `tcp:PORT`) wins over ANDROID_ADB_SERVER_ADDRESS and
    ANDROID_ADB_SERVER_PORT.

    Raises:
        ConfigError: a variable cannot be read, or names a socket that is not TCP.
    """
    chosen = environ.get("ADB_SERVER_SOCKET")
    if not chosen:
        host = environ.get("ANDROID_ADB_SERVER_ADDRESS") or "127.0.0.1"
        port = environ.get("ANDROID_ADB_SERVER_PORT") or str(DEFAULT_PORT)
        return ServerAddress(_host(host), _port(port, "ANDROID_ADB_SERVER_PORT"))
    kind, _, place = chosen.partition(":")
    host, _, port = place.rpartition(":")
    if kind != "tcp":
        raise ConfigError(f"{chosen!r} is not tcp:HOST:PORT", file="ADB_SERVER_SOCKET")
    return ServerAddress(_host(host), _port(port, "ADB_SERVER_SOCKET"))


def _host(host: str) -> str:
    return "127.0.0.1" if host in ("", "localhost") else host.strip("[]")


def _port(text: str, variable: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise ConfigError(f"{text!r} is no port from 1 to 65535", file=variable)
    return int(text)
