"""Chooses a model or an engine of the catalogue to push."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from devicehub.api.contract import ENGINES, MODELS, Push
from devicehub.errors import HubError
from devicehub.units import format_bytes
from devicehub_tui.format import some
from devicehub_tui.view import HubDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

_LAST = "push.last"


class PushDialog(HubDialog[Push | None]):
    """The catalogue as a list; the thing that was pushed last is under the cursor."""

    DEFAULT_CSS = """
    PushDialog { align: center middle; }
    PushDialog > Vertical {
        width: 72; max-width: 90%; height: auto; max-height: 80%;
        border: round $primary; background: $surface; padding: 1 2;
    }
    PushDialog .question { text-style: bold; padding-bottom: 1; }
    PushDialog OptionList { height: auto; max-height: 16; background: $surface; padding: 0; }
    PushDialog OptionList, PushDialog OptionList:focus { border: none; }
    PushDialog .keys { padding-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("p", "leave", show=False)]

    def __init__(
        self, devices: tuple[str, ...], thing: tuple[Literal["model", "engine"], str] | None = None
    ) -> None:
        """`thing` is what the cursor begins on."""
        super().__init__()
        self._devices = devices
        self._thing = thing
        self._things: list[tuple[Literal["model", "engine"], str]] = []

    def compose(self) -> ComposeResult:
        """The question, the list, the keys."""
        with Vertical():
            yield Static(f"Push onto {self._where()}", classes="question", markup=False)
            yield OptionList()
            yield Static("[b]enter[/] push   [b]esc[/] back", classes="keys")

    def _where(self) -> str:
        if len(self._devices) > 1:
            return some(len(self._devices), "phone")
        return self.hub.state.names.get(self._devices[0], self._devices[0])

    def on_mount(self) -> None:
        """Ask for the catalogue."""
        self.query_one(OptionList).focus()
        self.hub.attempt(self._list)

    async def _list(self) -> None:
        try:
            models, engines = await self.hub.call(MODELS), await self.hub.call(ENGINES)
        except HubError:
            self.dismiss(None)
            raise
        self._things = [("model", model.name) for model in models]
        self._things += [("engine", engine.id) for engine in engines]
        sizes = [format_bytes(size) for size in (*(m.size for m in models), *(e.size for e in engines))]
        widest = max((len(name) for _, name in self._things), default=0)
        options = self.query_one(OptionList)
        options.add_options(
            Option(Content(f"{kind:<7} {name:<{widest}}  {size:>10}"))
            for (kind, name), size in zip(self._things, sizes, strict=True)
        )
        if not self._things:
            options.add_option(
                Option(Content("The catalogue is empty: `devicehub models add DIR`"), disabled=True)
            )
            return
        wanted = self._thing or tuple(self.hub.memory.get(_LAST) or ())
        options.highlighted = next((n for n, thing in enumerate(self._things) if thing == wanted), 0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Push it."""
        kind, name = self._things[event.option_index]
        self.hub.memory.put(_LAST, [kind, name])
        self.dismiss(Push(kind=kind, name=name, selectors=list(self._devices)))
