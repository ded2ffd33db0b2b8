"""The program that starts and ends a phone's processes: `python -m devicehub.sim.process.spawner`.

It is a child of the simulator and plays up to three parts::

    keeper   outside: waits for the end of its stdin, then ends the phone and removes its folder
    init     process 1 of the phone: adopts and reaps orphans; when it ends, the kernel ends all others
    adbd     starts one process per connection to its control socket

In portable mode the keeper is init and adbd as well. Because the end of a pipe is what it waits for, nothing
stays behind even when the simulator is killed with signal 9.

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
import sys
import termios
from pathlib import Path
from typing import Any, Final, NoReturn

from devicehub.sim.process import namespace
from devicehub.sim.process.namespace import Bind, View
from devicehub.sim.process.sockets import address_in

READY: Final = "ready"
_MAX_FILES: Final = 1024
_REQUEST_LIMIT: Final = 1 << 20
_ROLES: Final = ("keeper", "init", "adbd")


def main() -> int:
    """Play the part that the first argument names."""
    role, text = sys.argv[1], sys.argv[2]
    settings: dict[str, Any] = json.loads(text)
    namespace.set_name(role)
    if role == "keeper":
        return _keep(settings)
    if role == "init":
        return _be_init(settings)
    Adbd(socket.socket(fileno=settings["listener"]), lifeline=None).run()
    return 0


def _keep(settings: dict[str, Any]) -> int:
    os.umask(0)
    signal.signal(signal.SIGTERM, _exit_on_signal)
    folder = Path(settings["folder"])
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            control = Path(settings["control"])
            with address_in(control.parent, control.name) as address:
                listener.bind(address)
            listener.listen(128)
            if settings["view"] is None:
                _keep_portable(listener)
            else:
                _keep_confined(listener, settings)
    except OSError as error:
        sys.stdout.write(f"failed {error}\n")
        return 1
    finally:
        for place in settings["mounts"]:
            namespace.unmount(place)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _keep_portable(listener: socket.socket) -> None:
    namespace.adopt_orphans()
    _announce()
    try:
        Adbd(listener, lifeline=0).run()
    finally:
        _end_descendants()


def _keep_confined(listener: socket.socket, settings: dict[str, Any]) -> None:
    namespace.unshare()
    report_read, report_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_init(listener, settings, report_write)
    os.close(report_write)
    try:
        with os.fdopen(report_read) as report:
            problem = report.read()
        if problem:
            raise OSError(problem)
        _announce()
        while os.read(0, 4096):
            pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _become_init(listener: socket.socket, settings: dict[str, Any], report: int) -> NoReturn:
    """Process 1: enter the phone's view, then start anew without privileges; never returns."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        namespace.die_with_parent(signal.SIGKILL)
        view = settings["view"]
        binds = tuple(Bind(**bind) for bind in view.pop("binds"))
        namespace.enter(View(binds=binds, **view))
        # The report must not survive the exec: its end tells that all went well.
        os.set_inheritable(listener.fileno(), True)
        os.set_inheritable(report, False)
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        _exec("init", {"listener": listener.fileno(), "python": settings["python"]})
    except OSError as error:
        os.write(report, str(error).encode())
    os._exit(1)


def _exec(role: str, settings: dict[str, Any]) -> NoReturn:
    """Start this module anew as `role`; the name shows in `ps` and `pidof`."""
    python = settings["python"]
    argv = [role, "-S", "-B", "-m", "devicehub.sim.process.spawner", role, json.dumps(settings)]
    os.execve(python["executable"], argv, {"PYTHONHOME": python["home"], "PYTHONPATH": python["path"]})  # noqa: S606


def _be_init(settings: dict[str, Any]) -> int:
    """Adopt and reap; an adbd that was killed is started anew, as a phone's init does."""
    while True:
        child = os.fork()
        if child == 0:
            _exec("adbd", settings)
        while (ended := os.wait())[0] != child:
            pass
        if not os.WIFSIGNALED(ended[1]):
            return 1  # it did not start: again would not help


def _announce() -> None:
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()


def _exit_on_signal(number: int, frame: object) -> NoReturn:
    del frame
    raise SystemExit(128 + number)


def _end_descendants() -> None:
    """Kill every process below this one; orphans are its children too, so the loop ends."""
    while True:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        if not children:
            return
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)
        for _ in children:
            os.wait()


@dataclasses.dataclass(frozen=True)
class Request:
    """What to start.

    Attributes:
        argv: the program, looked for along the PATH of `env`, and its arguments.
        terminal: stdin is a terminal and becomes the controlling one.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    terminal: bool = False


class Adbd:
    """Starts one process per connection.

    A client sends one JSON `Request` with three open files (stdin, stdout, stderr). It reads a line with
    `{"pid": N}` or `{"error": text}`, then one with `{"status": N}`, the shell's way to count. When it hangs
    up earlier the process gets SIGHUP.
    """

    def __init__(self, listener: socket.socket, *, lifeline: int | None) -> None:
        os.umask(0)
        self._listener = listener
        self._listener.setblocking(False)
        self._clients: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._running = True
        if lifeline is not None:
            self._selector.register(lifeline, selectors.EVENT_READ, self._stop)
        self._wake, wake = socket.socketpair()
        self._wake.setblocking(False)
        wake.setblocking(False)
        self._wake_writer = wake
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)

    def run(self) -> None:
        """Serve until the lifeline ends."""
        while self._running:
            for key, _ in self._selector.select():
                key.data(key.fileobj)

    def _stop(self, lifeline: int) -> None:
        self._running = bool(os.read(lifeline, 4096))

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


if __name__ == "__main__":
    sys.exit(main())
