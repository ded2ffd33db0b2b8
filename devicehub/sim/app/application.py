"""The app's parts in one process: screen, API service and dumpapp."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.app import dumpapp
from devicehub.sim.app.llm_plugin import LlmPlugin
from devicehub.sim.app.runtime import Runtime
from devicehub.sim.app.worker import Worker
from devicehub.sim.process.sockets import address_in, forwarded_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.app.engine import Engine

CHAT_ACTIVITY: Final = "com.alibaba.mnnllm.android.chat.ChatActivity"
_SOCKETS: Final = "/dev/socket"


class Application:
    """What runs in the process."""

    def __init__(self, settings: Mapping[str, Any], engine: Engine, tasks: asyncio.TaskGroup) -> None:
        self._settings = settings
        self._tasks = tasks
        self.worker = Worker()
        self.runtime = Runtime(engine)
        self._plugins = {"llm": LlmPlugin(self.runtime, self.worker)}

    async def start(self) -> None:
        """What the app does when its process begins."""
        if self._settings["debuggable"]:
            name = f"localabstract:stetho_{self._settings['package']}_devtools_remote"
            await asyncio.start_unix_server(
                functools.partial(dumpapp.serve, self._plugins), sock=listen(name)
            )

    def receive(self, intent: Mapping[str, Any]) -> None:
        """Do what Android asks for."""
        extras = intent.get("extras", {})
        if intent.get("activity") == CHAT_ACTIVITY:
            self._open_chat(extras)

    def _open_chat(self, extras: Mapping[str, str]) -> None:
        model_id, name = extras.get("modelId"), extras.get("modelName")
        if not model_id or not name:
            return  # the screen closes itself
        path = extras.get("configFilePath")
        phone = self.runtime.engine.paths.phone
        call = functools.partial(self.runtime.open_chat, phone(model_id), phone(path) if path else None)
        self._tasks.create_task(self.worker.do(call))


def listen(service: str) -> socket.socket:
    """A listening socket that adbd leads a forwarded service to."""
    folder = os.environ.get("DEVICEHUB_SIM_SOCKETS", _SOCKETS)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    name = forwarded_name(service)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{folder}/{name}")  # noqa: PTH108
    with address_in(folder, name) as address:
        listener.bind(address)
    listener.listen(16)
    listener.setblocking(False)
    return listener
