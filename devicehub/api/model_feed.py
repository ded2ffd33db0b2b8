"""What clients hear of models: those that come, change and go, in the catalogue and in watched folders."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from devicehub.api.model import ModelChanged, ModelRemoved, ModelView
from devicehub.api.views import model_view
from devicehub.errors import HubError, InputError
from devicehub.models.watch import CatalogueWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import msgspec

    from devicehub.api.adding import Adding
    from devicehub.api.jobs import Job, Jobs
    from devicehub.clock import Clock
    from devicehub.models.catalog import Model, ModelCatalog
    from devicehub.models.folders import WatchedFolders
    from devicehub.settings import Home

log = logging.getLogger(__name__)

_EACH_S: Final = 0.3
_REST: Final = 5
"""After a look that took long, so many times as long."""


class ModelFeed:
    """Looks three times a second, publishes what moved and adds what was found.

    Args:
        home: whose catalogue.
        catalog: of that home.
        folders: which are watched.
        adding: takes what was found into the catalogue.
        jobs: in which that happens.
        publish: takes a topic, an event and the model's name.
        clock: paces it.
        tell: is given a sentence where one cannot be added.
    """

    def __init__(
        self,
        home: Home,
        catalog: ModelCatalog,
        folders: WatchedFolders,
        *,
        adding: Adding,
        jobs: Jobs,
        publish: Callable[[str, msgspec.Struct, str], None],
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self._catalog = catalog
        self._folders = folders
        self._adding = adding
        self._jobs = jobs
        self._publish = publish
        self._clock = clock
        self._tell = tell
        self._watch = CatalogueWatch(home)
        self._shown: dict[str, ModelView] = {}
        self._coming: set[Path] = set()

    def views(self) -> list[ModelView]:
        """All models as they were last told."""
        return list(self._shown.values())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            began_s = self._clock.monotonic_s()
            await self.look()
            took_s = self._clock.monotonic_s() - began_s
            await self._clock.sleep(max(_EACH_S, took_s * _REST))

    async def look(self) -> None:
        """Look once."""
        moved, gone, found = await asyncio.to_thread(self._look)
        for name in gone:
            if self._shown.pop(name, None) is not None:
                log.info("%s is no longer in the catalogue", name, extra={"action": "model_gone"})
                self._publish("models", ModelRemoved(name=name), name)
        for view in moved:
            if self._shown.get(view.name) != view:
                marks = {"action": "model_moved", "model": view.name, "state": view.state}
                log.info("%s is %s", view.name, view.state, extra=marks)
                self._shown[view.name] = view
                self._publish("models", ModelChanged(model=view), view.name)
        for root in found:
            self._add(root)

    def _look(self) -> tuple[list[ModelView], list[str], list[Path]]:
        moved, gone = self._watch.look()
        views = [view for view in map(self._view, moved) if view is not None]
        return views, gone, self._folders.find(now_s=self._clock.monotonic_s())

    def _view(self, model: Model) -> ModelView | None:
        try:
            return model_view(self._catalog, model)
        except InputError as error:
            log.warning("%s", error)
            return None

    def _add(self, root: Path) -> None:
        if root in self._coming:
            return
        self._coming.add(root)

        async def add(job: Job) -> dict[str, Any]:
            is_over = True
            try:
                return {"model": await self._adding.add(job, root, self._name_of(root), fixture=True)}
            except asyncio.CancelledError:
                is_over = False  # the next hub tries it again
                raise
            except HubError as error:
                self._tell(f"a model was found and not added: {error}")
                raise
            finally:
                if is_over:  # whatever came of it: it is found again when it changes
                    self._folders.found(root)
                    self._coming.discard(root)

        self._jobs.start("models.found", add, label=root.name)

    def _name_of(self, root: Path) -> str | None:
        """The name that the model of a folder has already; None where it has none."""
        return next((model.name for model in self._catalog.list() if model.root == root), None)
