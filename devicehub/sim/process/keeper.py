"""The program above a phone's processes: `python -m devicehub.sim.process.keeper keeper SETTINGS`.

It is a child of the simulator and plays three parts::

    keeper   outside: starts and ends the phone as its stdin says; at the end of that it removes the folder
    init     above all processes of the phone, process 1 of a confined one: reaps orphans, keeps adbd running
    adbd     starts the phone's processes (spawner.py)

Each line on stdin is a JSON object: `{"do": "boot", "uptime_s": N}` ends the phone and starts it anew,
`{"do": "limit", "kib": N}` bounds its file system; each is answered by a line, `ok` or `failed ...`. Such a
line also tells how the start went; behind its `ok` stands why programs for arm64 do not run, if they do not.
Because the end of stdin ends the phone, nothing stays behind even when the simulator is killed with signal 9.

Only the standard library is used: it starts without site-packages.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from devicehub.sim.process import foreign, namespace
from devicehub.sim.process.namespace import Bind, View
from devicehub.sim.process.sockets import address_in
from devicehub.sim.process.spawner import Adbd

OK: Final = "ok"


def main() -> int:
    """Play the part that the first argument names."""
    role, text = sys.argv[1], sys.argv[2]
    settings: dict[str, Any] = json.loads(text)
    namespace.set_name(role)
    if role == "adbd":
        Adbd(socket.socket(fileno=settings["listener"])).run()
    return _keep(settings) if role == "keeper" else _be_init(settings)


def _keep(settings: dict[str, Any]) -> int:
    os.umask(0)
    signal.signal(signal.SIGTERM, _exit_on_signal)
    limited = settings["limited"]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            control = Path(settings["control"])
            with address_in(control.parent, control.name) as address:
                listener.bind(address)
            listener.listen(128)
            _Keeper(listener, settings).run()
    except OSError as error:
        _answer(f"failed {error}")
        return 1
    finally:
        if limited is not None:
            namespace.unmount(limited["place"])
        shutil.rmtree(settings["folder"], ignore_errors=True)
    return 0


def _exit_on_signal(number: int, frame: object) -> NoReturn:
    del frame
    raise SystemExit(128 + number)


def _answer(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Keeper:
    """Starts and ends the phone."""

    def __init__(self, listener: socket.socket, settings: dict[str, Any]) -> None:
        self._listener = listener
        self._settings = settings

    def run(self) -> None:
        """Start the phone, and do what stdin says until its end."""
        settings = self._settings
        self._set_oom_score(settings["oom_score_adj"])
        confined = settings["view"] is not None
        obstacle = foreign.learn(Path(settings["folder"]), confined=confined)
        if confined:
            namespace.own_users_and_mounts()
            if settings["limited"] is not None:
                namespace.mount_memory(settings["limited"]["place"], size_kib=settings["limited"]["kib"])
        namespace.adopt_orphans()
        try:
            self._boot(settings["uptime_s"])
            _answer(f"{OK} {obstacle or ''}".rstrip())
            for line in sys.stdin:
                self._obey(json.loads(line))
        finally:
            _end_descendants()

    def _set_oom_score(self, value: int) -> None:
        # What adbd gives its children; to go below 0 takes a right that only root has.
        with contextlib.suppress(PermissionError):
            Path("/proc/self/oom_score_adj").write_text(str(value))

    def _obey(self, order: dict[str, Any]) -> None:
        try:
            if order["do"] == "boot":
                _end_descendants()
                self._boot(order["uptime_s"])
            else:
                namespace.mount_memory(self._settings["limited"]["place"], size_kib=order["kib"])
        except OSError as error:
            _answer(f"failed {error}")
        else:
            _answer(OK)

    def _boot(self, uptime_s: float | None) -> None:
        """Start init.

        Raises:
            OSError: the kernel does not allow it.
        """
        report_read, report_write = os.pipe()
        go_read, go_write = os.pipe()
        # A process may make a process namespace once: each boot has a helper for it, which ends at once.
        helper = os.fork()
        if helper == 0:
            os.close(report_read)
            os.close(go_write)
            self._become_init(report_write, go_read, uptime_s)
        os.close(report_write)
        os.close(go_read)
        if self._settings["view"] is not None:
            os.waitpid(helper, 0)
        with contextlib.suppress(BrokenPipeError):
            os.write(go_write, b"1")
        with os.fdopen(report_read) as report:
            problem = report.read()
        os.close(go_write)
        if problem:
            raise OSError(problem)

    def _become_init(self, report: int, go: int, uptime_s: float | None) -> NoReturn:
        """Enter the phone's view, if there is one, and start anew without privileges; never returns."""
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            if self._settings["view"] is not None:
                namespace.own_processes(uptime_s)
                if os.fork():
                    os._exit(0)
            # Only now is the keeper the parent: the helper's own end must not be taken for its.
            if not os.read(go, 1):
                os._exit(1)
            namespace.die_with_parent(signal.SIGKILL)
            if self._settings["view"] is not None:
                view = dict(self._settings["view"])
                binds = tuple(Bind(**bind) for bind in view.pop("binds"))
                namespace.enter(View(binds=binds, **view))
            else:
                namespace.adopt_orphans()
            os.set_inheritable(self._listener.fileno(), True)
            null = os.open("/dev/null", os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            # The report does not survive the exec: its end tells that all went well.
            kept = {name: self._settings[name] for name in ("python", "adbd_env")}
            _exec("init", kept | {"listener": self._listener.fileno()})
        except OSError as error:
            os.write(report, str(error).encode())
        os._exit(1)


def _exec(role: str, settings: dict[str, Any]) -> NoReturn:
    """Start this module anew as `role`; the name shows in `ps` and `pidof`."""
    python = settings["python"]
    argv = [role, "-S", "-B", "-m", "devicehub.sim.process.keeper", role, json.dumps(settings)]
    env = {"PYTHONHOME": python["home"], "PYTHONPATH": python["path"]} | settings["adbd_env"]
    os.execve(python["executable"], argv, env)  # noqa: S606 - itself


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


if __name__ == "__main__":
    sys.exit(main())
