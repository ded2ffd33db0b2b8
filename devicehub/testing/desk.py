"""How workers of pytest-xdist reach the process that controls them: a question a connection, on loopback.

Every session with workers has one, so this module imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER_S: Final = 300.0
"""The first question may have to wait for a hub with its phones."""
_HOST: Final = "127.0.0.1"


class Desk:
    """Answers the workers, in threads of the controlling process.

    Attributes:
        port: where it listens.
        key: what a worker must know.
    """

    def __init__(self, answer: Callable[[str, str], bytes]) -> None:
        self.key = key = secrets.token_hex(16)

        class Answering(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError, TypeError):  # none of ours, or gone again
                    asked_key, question, run_id = json.loads(self.rfile.readline())
                    if hmac.compare_digest(asked_key.encode(), key.encode()):
                        self.wfile.write(answer(question, run_id))

        self._server = socketserver.ThreadingTCPServer((_HOST, 0), Answering)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="devicehub-desk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def ask_desk(port: int, key: str, question: str, run_id: str = "") -> bytes:
    """What the controlling process answers.

    Raises:
        OSError: it does not.
    """
    with socket.create_connection((_HOST, port), timeout=_ANSWER_S) as opened:
        opened.sendall(json.dumps([key, question, run_id]).encode() + b"\n")
        with opened.makefile("rb") as answer:
            return answer.read()
