"""The app's process as the simulator holds it: started, told, ended, and seen to end."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.process.pipes import Pipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.process.processes import Process
    from devicehub.sim.process.shell import Shell

APP_VARIABLE: Final = "DEVICEHUB_SIM_APP"
"""Names the package in the environment of its process, which is no child of adbd's."""


class RunningApp:
    """One app's process.

    Attributes:
        pid: as the phone sees it.
        package: whose it is.
        gone: it has ended.
    """

    def __init__(self, package: str, process: Process, intents: Pipe, lifeline: Pipe) -> None:
        self.package = package
        self.pid = process.pid
        self._process = process
        self._intents = intents
        self._lifeline = lifeline
        self.gone = asyncio.Event()

    @classmethod
    async def start(cls, shell: Shell, package: str, settings: Mapping[str, Any]) -> RunningApp:
        """Start it.

        Raises:
            OSError: the phone has ended.
        """
        stdin, intents = os.pipe()
        lifeline, stdout = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        pipes = Pipe(intents), Pipe(lifeline)
        try:
            process = await shell.start_shell(
                f"exec app_process {package}",
                files=(stdin, stdout, null),
                terminal=False,
                env={APP_VARIABLE: package},
                oom_score_adj=0,
            )
        except BaseException:
            for pipe in pipes:
                pipe.close()
            raise
        finally:
            for number in (stdin, stdout, null):
                os.close(number)
        app = cls(package, process, *pipes)
        await app.tell(settings)
        return app

    async def tell(self, intent: Mapping[str, Any]) -> None:
        """Hand it what Android tells an app; an app that has ended hears nothing."""
        await self._intents.write(json.dumps(intent).encode() + b"\n")

    async def ended(self) -> int:
        """Wait for its end; the status as a shell tells it, 137 where nobody knows."""
        try:
            while await self._lifeline.read():
                pass
            return await self._process.wait()
        finally:
            self._process.release()
            self._intents.close()
            self._lifeline.close()
            self.gone.set()

    def end(self) -> None:
        """End it at once."""
        self._intents.close()
