"""Chooses what to run: model, workload, profile, protocol, prompt; what was chosen last is there already."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.widgets import Button, Input, Label, Select, Static

from devicehub.api.contract import ENGINES, MODELS, PROFILES, RunAsk
from devicehub.errors import HubError
from devicehub_tui.choice import Choice, choice_of, make_ask, read_choice
from devicehub_tui.columns import shorten
from devicehub_tui.format import some
from devicehub_tui.view import HubDialog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from devicehub.api.model import RunDocument

_LAST: Final = "run.last"
_WORKLOADS: Final = (
    ("llm_demo with a prompt", "demo"),
    ("llm_bench", "bench"),
    ("the app MnnLlmChat", "app"),
)
_ANY: Final = ""
_WIDEST: Final = 54
"""Columns of what can be chosen."""
_KEYS: Final = "tab next field   enter open a list   esc back"


class RunDialog(HubDialog[RunAsk | None]):
    """A form; ctrl+r or its button runs it."""

    DEFAULT_CSS = """
    RunDialog { align: center middle; }
    RunDialog > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 96%;
        border: round $primary; background: $surface; padding: 0 2;
    }
    RunDialog .question { text-style: bold; padding-bottom: 1; }
    RunDialog Grid { grid-size: 2; grid-columns: 10 1fr; grid-rows: auto; height: auto; grid-gutter: 0 1; }
    RunDialog Label { color: $text-muted; }
    RunDialog Horizontal { height: auto; padding-top: 1; }
    RunDialog .problem { color: $text-muted; width: 1fr; padding-left: 2; }
    RunDialog .problem.-problem { color: $warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+r", "run", "run", show=False, priority=True)]

    def __init__(self, devices: tuple[str, ...], like: RunDocument | None = None, hint: str = "") -> None:
        """`like` is a run whose choices are there already; `hint` is said until something is wrong."""
        super().__init__()
        self._devices = devices
        self._like = like
        self._hint = hint
        self._choice = Choice()

    def compose(self) -> ComposeResult:
        """The form; the lists fill when the hub has answered."""
        with Vertical():
            yield Static(f"Run on {self._where()}", classes="question", markup=False)
            with Grid():
                for name, label in (
                    ("model", "model"),
                    ("workload", "kind"),
                    ("engine", "engine"),
                    ("profile", "profile"),
                    ("protocol", "protocol"),
                ):
                    yield Label(label)
                    yield Select[str]([], compact=True, id=name, allow_blank=True)
                yield Label("prompt")
                yield Input(compact=True, id="prompt", placeholder="what the model is asked")
                yield Label("launches")
                yield Input(compact=True, id="launches", type="integer", placeholder="the protocol's own")
            with Horizontal():
                yield Button("Run  ctrl+r", id="go", variant="primary", compact=True)
                yield Static(_KEYS, classes="problem", markup=False)

    def _where(self) -> str:
        if len(self._devices) > 1:
            return some(len(self._devices), "phone")
        return self.hub.state.names.get(self._devices[0], self._devices[0])

    def on_mount(self) -> None:
        """Ask for the catalogue."""
        self._choice = read_choice(self.hub.memory.get(_LAST))
        if self._like is not None:
            self._choice = choice_of(self._like, self._choice)
        self.hub.attempt(self._fill)

    async def _fill(self) -> None:
        try:
            models = await self.hub.call(MODELS)
            engines = await self.hub.call(ENGINES)
            profiles = await self.hub.call(PROFILES)
        except HubError:
            self.dismiss(None)
            raise
        last = self._choice
        self._offer("model", [(model.name, model.name) for model in models], last.model)
        self._offer("workload", _WORKLOADS, last.workload)
        fitting = [("the one that fits the phone", _ANY), *((engine.id, engine.id) for engine in engines)]
        self._offer("engine", fitting, last.engine)
        by_kind = {
            kind: [
                (shorten(f"{profile.id}  {profile.purpose}", _WIDEST), profile.id)
                for profile in profiles
                if profile.kind == kind
            ]
            for kind in ("runs", "protocols")
        }
        self._offer("profile", [("the workload's own", _ANY), *by_kind["runs"]], last.profile)
        protocols = [("the workload's own", _ANY), ("none  one plain launch", "none"), *by_kind["protocols"]]
        self._offer("protocol", protocols, last.protocol)
        self.query_one("#prompt", Input).value = last.prompt
        self.query_one("#launches", Input).value = last.launches
        self.query_one("#model", Select).focus()
        if not models:
            self._tell("the catalogue has no model: `devicehub models pull SOURCE` or `models add DIR`")
        elif self._hint:
            self._tell(self._hint)
        elif self._like is not None and last.model not in {model.name for model in models}:
            self._tell(f"{last.model} is not in the catalogue any more; choose another")
        elif self._like is not None and last.workload != "bench":
            self._tell("as that run; only its prompt is not in its record")

    def _offer(self, name: str, options: Sequence[tuple[str, str]], chosen: str) -> None:
        select = self.query_one(f"#{name}", Select)
        select.set_options(options)
        values = [value for _, value in options]
        if values:
            select.value = chosen if chosen in values else values[0]

    def _tell(self, text: str) -> None:
        problem = self.query_one(".problem", Static)
        problem.set_class(True, "-problem")
        problem.update(f"! {text}")

    def _chosen(self, name: str) -> str:
        value = self.query_one(f"#{name}", Select).value
        return value if isinstance(value, str) else ""

    def on_input_submitted(self) -> None:
        """Enter in a field runs it."""
        self.action_run()

    def on_button_pressed(self) -> None:
        """Run it."""
        self.action_run()

    def action_run(self) -> None:
        """Answer what is chosen, and remember it."""
        choice = Choice(
            model=self._chosen("model"),
            workload=self._chosen("workload") or "demo",
            engine=self._chosen("engine"),
            profile=self._chosen("profile"),
            protocol=self._chosen("protocol"),
            prompt=self.query_one("#prompt", Input).value,
            launches=self.query_one("#launches", Input).value,
        )
        ask = make_ask(choice, self._devices)
        if isinstance(ask, str):
            self._tell(ask)
            return
        self.hub.memory.put(_LAST, asdict(choice))
        self.dismiss(ask)
