"""A private hub with virtual phones: started once for a session of tests, ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.api.hubfile import find_running
from devicehub.clock import SystemClock
from devicehub.errors import HubUnreachable
from devicehub.settings import Home
from devicehub.testing.hub import TestHub

if TYPE_CHECKING:
    from collections.abc import Mapping

_START_S: Final = 120.0
_END_S: Final = 60.0
_LOOK_S: Final = 0.05
_TAIL_BYTES: Final = 2000
_OF_OTHERS: Final = frozenset(
    f"DEVICEHUB_{name}" for name in ("HUB", "CA", "TOKEN_FILE", "LISTEN", "TLS_CERT", "TLS_KEY", "LOG_FORMAT")
)


class VirtualHub:
    """Runs from `start` to `close`, in a process that also ends when this one is killed.

    Args:
        phones: how many it has.
    """

    def __init__(self, phones: int) -> None:
        self._phones = phones
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None

    def start(self) -> TestHub:
        """The hub, as soon as it listens; its catalogue has the model `demo-model` and a virtual engine.

        Raises:
            HubUnreachable: it does not start; with the last that it said.
        """
        listening: Future[TestHub] = Future()

        def work() -> None:
            try:
                asyncio.run(self._serve(listening))
            except BaseException as error:  # noqa: BLE001 - it is raised where the hub was asked for
                if not listening.done():
                    listening.set_exception(error)

        self._thread = threading.Thread(target=work, name="devicehub-virtual", daemon=True)
        self._thread.start()
        return listening.result()

    def close(self) -> None:
        """End it and remove all of it; nothing where it does not run."""
        if self._thread is None:
            return
        if self._loop is not None and self._ending is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(2 * _END_S)

    async def _serve(self, listening: Future[TestHub]) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        with tempfile.TemporaryDirectory(prefix="devicehub-pytest-", ignore_cleanup_errors=True) as folder:
            home = Home(Path(folder))
            argv = [sys.executable, "-P", "-m", "devicehub.testing.virtual_process", str(self._phones)]
            async with procs.child(argv, env=_environment(os.environ, home)) as process:
                assert process.stderr is not None
                said = asyncio.ensure_future(procs.read_tail(process.stderr, _TAIL_BYTES))
                await _wait_until_listening(process, home, said)
                found = find_running(home)
                assert found is not None
                listening.set_result(TestHub(found.url, str(home.token)))
                ended = asyncio.ensure_future(process.wait())
                await asyncio.wait(
                    [ended, asyncio.ensure_future(self._ending.wait())], return_when="FIRST_COMPLETED"
                )
                if process.returncode is None:
                    process.terminate()
                    await asyncio.wait([ended], timeout=_END_S)
                said.cancel()


async def _wait_until_listening(
    process: asyncio.subprocess.Process, home: Home, said: asyncio.Future[bytes]
) -> None:
    clock = SystemClock()
    try:
        async with asyncio.timeout(_START_S):
            while find_running(home) is None:
                if process.returncode is not None:
                    tail = (await said).decode(errors="replace").strip()
                    raise HubUnreachable(f"the hub with virtual phones has ended; it said: {tail}")
                await clock.sleep(_LOOK_S)
    except TimeoutError:
        raise HubUnreachable(f"the hub with virtual phones does not listen after {_START_S:g} s") from None


def _environment(environ: Mapping[str, str], home: Home) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in _OF_OTHERS}
    return {**kept, "DEVICEHUB_HOME": str(home.root)}
