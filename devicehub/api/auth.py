"""Who may use the hub: the token in its file, and the capabilities of a caller."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.api.contract import Capability
from devicehub.device.model import LOCAL
from devicehub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.api.contract import Method

_TOKEN_BYTES: Final = 32
_MOST: Final = 4096


@dataclass(frozen=True)
class Access:
    """The token that a client must show."""

    token: str

    def knows(self, token: str) -> bool:
        """Whether it is the token, told in a time that does not depend on where it differs."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


def make_token(file: Path) -> str:
    """The token in a file of mode 0600, which is made where there is none.

    For the one hub of a home, which holds its lock: two at once would make two tokens.

    Raises:
        ConfigError: others may read it, it is somebody else's, or it cannot be read or written.
    """
    try:
        if not os.path.lexists(file):
            _write_token(file)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror or error}", file=file) from error
    return read_token(file)


def _write_token(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(_TOKEN_BYTES) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


def read_token(file: Path) -> str:
    """The token in a file that only its owner can read.

    Raises:
        ConfigError: it is not there, others may read it, or it holds no token.
    """
    try:
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            text = stream.read(_MOST).decode("ascii", "replace").strip()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", file=file) from error
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigError("others may read it; remove it, and start the hub again", file=file)
    if status.st_uid not in (os.getuid(), 0):
        raise ConfigError("belongs to another user", file=file)
    if not text:
        raise ConfigError("holds no token; remove it, and start the hub again", file=file)
    return text


def capabilities(*, local: bool) -> list[Capability]:
    """What a client that knows the token may do; one elsewhere names nothing of the hub's host."""
    return [one for one in Capability if local or one is not Capability.HOST]


def needed(method: Method[Any, Any], params: Any) -> set[Capability]:
    """What a caller must be allowed for a method with these parameters."""
    wanted = {method.capability}
    for place in method.host_if:
        if _at(params, place) is not None:
            wanted.add(Capability.HOST)
    if method.host_when is not None and _at(params, method.host_when[0]) == method.host_when[1]:
        wanted.add(Capability.HOST)
    if any(_names_host(_at(params, place)) for place in method.host_for):
        wanted.add(Capability.HOST)
    if method.shell_if is not None and _at(params, method.shell_if[0]) == method.shell_if[1]:
        wanted.add(Capability.SHELL)
    return wanted


def _names_host(named: str | Sequence[str]) -> bool:
    return named == LOCAL if isinstance(named, str) else LOCAL in named


def _at(params: Any, place: str) -> Any:
    """The value at a dotted place."""
    for name in place.split("."):
        params = getattr(params, name)
    return params
