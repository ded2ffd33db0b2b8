"""The app's OpenAIService (OpenAIService.kt, ApiServiceCoordinator.kt): a loaded model and an open API."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.app import http, log
from devicehub.sim.app.api import PORT, Api
from devicehub.sim.app.listening import listen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.app.runtime import Runtime
    from devicehub.sim.app.worker import Worker

_TAG: Final = "OpenAIService"


class ApiService:
    """The service; it is there from its first start to its stop.

    Attributes:
        running: Android has started it.
        starts: how often it was asked to start.
        bootstraps: how often its server began to listen.
    """

    def __init__(self, runtime: Runtime, worker: Worker, settings: Mapping[str, Any]) -> None:
        self._runtime = runtime
        self._worker = worker
        self._api = Api(runtime, worker, settings)
        self._server: asyncio.Server | None = None
        self.running = False
        self.starts = 0
        self.bootstraps = 0

    @property
    def listening(self) -> bool:
        """Whether its server answers."""
        return self._server is not None

    @property
    def model_id(self) -> str | None:
        """The model that it was started for."""
        return self._api.model_id

    async def start(self, model_id: str | None) -> None:
        """Have the model loaded, then listen."""
        self.running = True
        self.starts += 1
        former = self._api.model_id
        if model_id:
            self._api.model_id = model_id
            log.info(_TAG, f"Service started with modelId: {model_id}")
        if not await self._have_session(model_id or self._api.model_id):
            log.warning("ApiServiceCoordinator", "No active LlmSession found")
            self._api.model_id = former if model_id else self._api.model_id
            return
        if self._server is None and self.running:
            log.info("Network", f"Starting Ktor Server on 127.0.0.1:{PORT}")
            answer = functools.partial(http.serve, self._api.answer)
            self._server = await asyncio.start_unix_server(answer, sock=listen(f"tcp:{PORT}"))
            self.bootstraps += 1
            log.info("Network", f"Server started successfully on 127.0.0.1:{PORT}")

    async def stop(self) -> None:
        """Stop listening and unload the model."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.running = False
        self._api.model_id = None
        await self._worker.do(self._runtime.release)

    async def _have_session(self, model_id: str | None) -> bool:
        fits = not model_id or model_id == self._runtime.model_id
        if self._runtime.active is not None and fits:
            return True
        if not model_id:
            return False
        ensured = await self._worker.do(functools.partial(self._runtime.ensure, model_id))
        return ensured.session is not None
