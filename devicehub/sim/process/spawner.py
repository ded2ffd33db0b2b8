"""Starts the phone's processes: the part of adbd that shows on the phone.

Only the standard library is used: it starts without site-packages.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import termios
from pathlib import Path
from typing import Any, Final, NoReturn

_MAX_FILES: Final = 1024
_REQUEST_LIMIT: Final = 1 << 20


@dataclasses.dataclass(frozen=True)
class Request:
    """What to start.

    Attributes:
        argv: the program, looked for along the PATH of `env`, and its arguments.
        terminal: stdin is a terminal and becomes the controlling one.
        oom_score_adj: how gladly the kernel may take it; None for what adbd has.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    terminal: bool = False
    oom_score_adj: int | None = None


class Adbd:
    """Starts one process per connection.

    A client sends one JSON `Request` with three open files (stdin, stdout, stderr). It reads a line with
    `{"pid": N}` or `{"error": text}`, then one with `{"status": N}`, the shell's way to count. When it hangs
    up earlier the process gets SIGHUP.
    """

    def __init__(self, listener: socket.socket) -> None:
        os.umask(0)
        self._listener = listener
        self._listener.setblocking(False)
        self._clients: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._wake, wake = socket.socketpair()
        self._wake.setblocking(False)
        wake.setblocking(False)
        self._wake_writer = wake
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)

    def run(self) -> NoReturn:
        """Serve for ever."""
        while True:
            for key, _ in self._selector.select():
                key.data(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = listener.accept()
            client.setblocking(True)
            self._selector.register(client, selectors.EVENT_READ, self._start)

    def _start(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        files: list[int] = []
        try:
            text, files, _, _ = socket.recv_fds(client, _REQUEST_LIMIT, 3)
            request = _read_request(client, text)
            if request is None or len(files) != 3:
                client.close()
                return
            pid = _spawn(request, files)
            self._answer(client, {"pid": pid})
        except OSError as error:
            self._answer(client, {"error": str(error)})
            client.close()
            return
        finally:
            for number in files:
                os.close(number)
        self._clients[pid] = client
        self._selector.register(client, selectors.EVENT_READ, lambda _: self._hang_up(pid))

    def _hang_up(self, pid: int) -> None:
        client = self._clients.pop(pid, None)
        if client is None:
            return  # it ended in the same round
        self._selector.unregister(client)
        client.close()
        # The direct child only: what it put into the background lives on, as under adbd.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)

    def _reap(self, wake: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            wake.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                client = self._clients.pop(pid, None)
                if client is None:
                    continue
                self._selector.unregister(client)
                code = os.waitstatus_to_exitcode(status)
                self._answer(client, {"status": code if code >= 0 else 128 - code})
                client.close()

    def _answer(self, client: socket.socket, value: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            client.sendall(json.dumps(value).encode() + b"\n")


def _read_request(client: socket.socket, text: bytes) -> Request | None:
    while not text.endswith(b"\n"):
        more = client.recv(_REQUEST_LIMIT)
        if not more:
            return None
        text += more
    return Request(**json.loads(text))


def _spawn(request: Request, files: list[int]) -> int:
    program = _find_program(request)
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for target, file in enumerate(files):
            os.dup2(file, target)
        # A second descriptor of stdout would keep the stream open for as long as a background process lives.
        os.closerange(3, _MAX_FILES)
        if request.oom_score_adj is not None:
            Path("/proc/self/oom_score_adj").write_text(str(request.oom_score_adj))
        if request.terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        os.chdir(request.cwd)
        os.execve(program, request.argv, request.env)  # noqa: S606 - the phone's own process
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(2, f"{program}: {error.strerror}\n".encode())
    finally:
        # Whatever went wrong: the copy must not go on as a second adbd.
        os._exit(126)


def _find_program(request: Request) -> str:
    program = shutil.which(request.argv[0], path=request.env.get("PATH", ""))
    if program is None:
        raise FileNotFoundError(f"{request.argv[0]}: not found")
    return program
