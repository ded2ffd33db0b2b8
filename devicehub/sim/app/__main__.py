"""The app's process on the phone: `python -m devicehub.sim.app PACKAGE`, started as a zygote starts an app.

stdin carries what Android tells the app, one JSON object a line; its end is the app's end, at once.
stdout is held open and never written: whoever reads it sees when the process is gone. The first line is
`{"package", "debuggable", "api_key", "api_auth"}`; then come `{"activity": class, "extras": {...}}` and
`{"service": class, "extras": {...}}`.

Environment: DEVICEHUB_SIM_ROOT, DEVICEHUB_SIM_SOCKETS and DEVICEHUB_SIM_THREADS as for the engine.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn

from devicehub.sim.android import logd
from devicehub.sim.app.application import Application
from devicehub.sim.app.engine import Engine, start_row_forwarder
from devicehub.sim.app.files import PhonePaths
from devicehub.sim.engine.paths import ROOT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

_ROWS_VARIABLE: Final = "DEVICEHUB_SIM_ROWS"


def main() -> None:
    """Play the app until stdin ends."""
    root = os.environ.get(ROOT_VARIABLE, "")
    if _ROWS_VARIABLE not in os.environ:
        _take_name(sys.argv[1], start_row_forwarder(root))
    # Its starter lets go of it; it belongs to nobody's terminal.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threads = os.environ.get("DEVICEHUB_SIM_THREADS", "1")
    granted = max(int(threads), 1) if threads.isdecimal() else 1
    os.environ.setdefault("OMP_THREAD_LIMIT", str(granted))
    settings = json.loads(sys.stdin.buffer.readline())
    engine = Engine(PhonePaths(root), threads=granted, rows=int(os.environ[_ROWS_VARIABLE]))
    try:
        asyncio.run(_play(settings, engine))
    except Exception as error:  # noqa: BLE001 - nobody sees stderr: the phone's log does
        logd.write(priority="E", tag="devicehub", message=f"virtual app: {error!r}")
    os._exit(1)


def _take_name(package: str, rows: int) -> NoReturn:
    """Start anew under the package's name, by which ps and pidof know the process."""
    os.set_inheritable(rows, True)
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {
        **os.environ,
        "PYTHONHOME": sys.base_prefix,
        "PYTHONPATH": paths,
        _ROWS_VARIABLE: str(rows),
    }
    argv = [package, "-B", "-m", "devicehub.sim.app", package]
    os.execve(os.path.realpath(sys.executable), argv, environment)  # noqa: S606 - this program itself


async def _play(settings: dict[str, Any], engine: Engine) -> None:
    loop = asyncio.get_running_loop()
    intents: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def pass_on(intent: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(intents.put_nowait, intent)

    threading.Thread(target=_read_intents, args=(pass_on,), daemon=True).start()
    async with asyncio.TaskGroup() as tasks:
        application = Application(settings, engine, tasks)
        await application.start()
        while True:
            application.receive(await intents.get())


def _read_intents(pass_on: Callable[[dict[str, Any]], None]) -> None:
    for line in sys.stdin.buffer:
        pass_on(json.loads(line))
    # Whatever the engine is doing: a process that is ended does not finish its work.
    os._exit(0)


if __name__ == "__main__":
    main()
