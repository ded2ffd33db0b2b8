"""Who may use the screen in a browser: whoever was given the link, from a page of ours. Does no I/O.

Any page that a person visits can send requests to 127.0.0.1, and any name can be made to resolve to it. So a
request must name this host and port (Host), must not come from a page of somebody else's (Origin,
Sec-Fetch-Site), and must carry a cookie, which only the one-time code of the printed link gives.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN_SITE: Final = ("same-origin", "none")
"""`none` is a person who typed the address or followed a link from outside the browser."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is not served, in a sentence."""

    status: int
    text: str


class Gate:
    """The gate of one server; it forgets everybody when the server ends.

    Args:
        port: where the server listens on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.origin = f"http://{self.host}"
        # Cookies know hosts, not ports: another server of this host may set some, too.
        self.cookie_name = f"devicehub_{port}"
        self._cookie = secrets.token_urlsafe(32)
        self._code = ""

    def new_link(self) -> str:
        """A link that lets one browser in, once; the one before it is of no further use."""
        self._code = secrets.token_urlsafe(32)
        return f"{self.origin}/?code={self._code}"

    def redeem(self, code: str) -> str | None:
        """The cookie for a code that nobody has used; None for any other."""
        if not self._code or not _equal(code, self._code):
            return None
        self._code = ""
        return self._cookie

    def refuse_place(self, headers: Mapping[str, str], *, websocket: bool) -> Refusal | None:
        """Why a request is refused whoever sends it: it names another host, or another page sends it.

        Args:
            headers: of the request, found whatever their case.
            websocket: browsers always say the Origin of these, so one without is no browser's.
        """
        if headers.get("Host", "") != self.host:
            return Refusal(403, f"This is {self.host} alone: open the link as it was printed.")
        origin = headers.get("Origin")
        if origin != self.origin and (websocket or origin is not None):
            return Refusal(403, "Another page's requests are not answered here.")
        if headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE:
            return Refusal(403, "Another page's requests are not answered here: open the printed link.")
        return None

    def refuse_cookie(self, cookie: str | None) -> Refusal | None:
        """Why a request without the right cookie is refused."""
        if cookie is not None and _equal(cookie, self._cookie):
            return None
        return Refusal(403, "Open the link that `devicehub tui --web` printed; each opens once.")


USED: Final = Refusal(
    403, "This link was used, or never valid: the terminal of `devicehub tui --web` shows the newest one."
)


def _equal(given: str, known: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "surrogateescape"), known.encode())
