"""The app's parts in one process: screen, API service and dumpapp."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from devicehub.sim.app import dumpapp
from devicehub.sim.app.am import API_SERVICE, CHAT
from devicehub.sim.app.api_service import ApiService
from devicehub.sim.app.benchmark_plugin import BenchmarkPlugin
from devicehub.sim.app.listening import listen
from devicehub.sim.app.llm_plugin import LlmPlugin
from devicehub.sim.app.plugins import ModelsPlugin, OpenAiPlugin
from devicehub.sim.app.runtime import Runtime
from devicehub.sim.app.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.app.engine import Engine


class Application:
    """What runs in the process."""

    def __init__(self, settings: Mapping[str, Any], engine: Engine, tasks: asyncio.TaskGroup) -> None:
        self._settings = settings
        self._tasks = tasks
        self._worker = Worker()
        self._runtime = Runtime(engine)
        self._service = ApiService(self._runtime, self._worker, settings)

    async def start(self) -> None:
        """What the app does when its process begins."""
        if not self._settings["debuggable"]:
            return
        models = ModelsPlugin(self._runtime.engine.paths)
        key, auth = str(self._settings["api_key"]), bool(self._settings["api_auth"])
        plugins: dict[str, dumpapp.Plugin] = {
            "benchmark": BenchmarkPlugin(self._runtime, self._worker, models),
            "llm": LlmPlugin(self._runtime, self._worker),
            "models": models,
            "openai": OpenAiPlugin(self._service, self._start_service, api_key=key, auth=auth),
        }
        name = f"localabstract:stetho_{self._settings['package']}_devtools_remote"
        await asyncio.start_unix_server(functools.partial(dumpapp.serve, plugins), sock=listen(name))

    def receive(self, intent: Mapping[str, Any]) -> None:
        """Do what Android asks for."""
        extras: Mapping[str, str] = intent.get("extras", {})
        if intent.get("activity") == CHAT:
            self._open_chat(extras)
        elif intent.get("service") == API_SERVICE:
            self._start_service(extras.get("modelId"))

    def _start_service(self, model_id: str | None) -> None:
        self._tasks.create_task(self._service.start(model_id))

    def _open_chat(self, extras: Mapping[str, str]) -> None:
        model_id, name = extras.get("modelId"), extras.get("modelName")
        if not model_id or not name:
            return  # the screen closes itself
        path = extras.get("configFilePath")
        # A portable phone's shell has mapped the path.
        path = self._runtime.engine.paths.phone(path) if path else None
        self._tasks.create_task(self._worker.do(functools.partial(self._runtime.open_chat, model_id, path)))
