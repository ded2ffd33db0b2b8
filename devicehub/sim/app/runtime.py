"""Which model the app holds: one at a time, for the chat's screen, the API and dumpapp alike.

Follows DefaultLlmRuntimeController.kt and RuntimeSessionReusePolicy.kt. Every method here runs on the one
thread that drives the engine, but for `active` and `model_id`, which only look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devicehub.sim.app import log
from devicehub.sim.app.session import LoadError, Session

if TYPE_CHECKING:
    from devicehub.sim.app.engine import Engine

_LOCAL = "local/"


@dataclass(frozen=True)
class Ensured:
    """Whether a session is there; `reason` says why not, in the app's words."""

    session: Session | None
    reason: str = ""


class Runtime:
    """The app's one session.

    Attributes:
        model_id: the model that it is for, loaded or not.
        thinking: whether the model is asked to think; None until something was loaded.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.model_id: str | None = None
        self.thinking = True
        self._session: Session | None = None
        self._app_config = False

    @property
    def active(self) -> Session | None:
        """The session, when its model is loaded."""
        return self._session if self._session is not None and self._session.loaded else None

    def config_of(self, model_id: str) -> str | None:
        """The configuration of a model that lies where the shell may push; None where there is none."""
        path = f"{model_id.removeprefix(_LOCAL)}/config.json"
        if not model_id.startswith(_LOCAL) or not self.engine.paths.exists(path):
            return None
        return path

    def ensure(
        self,
        model_id: str,
        *,
        force: bool = False,
        app_config: bool = False,
        config_path: str | None = None,
        load: bool = True,
    ) -> Ensured:
        """Have a session for a model; one that fits is kept."""
        fits = self.model_id == model_id and self._app_config == app_config
        if self.active is not None and fits and not force:
            return Ensured(self.active)
        self.release()
        path = config_path or self.config_of(model_id)
        if path is None:
            return Ensured(None, "MODEL_CONFIG_NOT_FOUND")
        session = Session(self.engine, model_id, path)
        if load:
            try:
                session.load()
            except LoadError:
                return Ensured(None, "SESSION_INIT_FAILED")
        self._session, self.model_id, self._app_config = session, model_id, app_config
        return Ensured(session)

    def open_chat(self, model_id: str, config_path: str | None) -> None:
        """What the chat's screen does when it appears: load the model unless it is loaded."""
        session = self.ensure(model_id, app_config=True, config_path=config_path, load=False).session
        log.debug("ChatPresenter", "chatSession loading")
        if session is None:
            log.error("ChatPresenter", "Model load failed with unexpected error")
            return
        if session.loaded:
            log.debug("ChatPresenter", "chatSession already loaded by LlmRuntimeController, skipping load")
        else:
            try:
                session.load()
            except LoadError as error:
                text = f"Model load failed: {error}"
                if not error.foreseen:
                    text = "Model load failed with unexpected error"
                log.error("ChatPresenter", text, error.thrown)
                self.release()
                return
        log.debug("ChatPresenter", "chatSession loaded")

    def release(self) -> None:
        """Unload the model."""
        if self._session is not None:
            self._session.release()
        self._session, self.model_id, self._app_config = None, None, False

    def set_thinking(self, *, on: bool) -> bool:
        """Ask the model to think, or not; false without a model."""
        if self.active is None:
            return False
        self.thinking = on
        self.active.model.set_config({"jinja": {"context": {"enable_thinking": on}}})
        return True
