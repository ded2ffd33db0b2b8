"""Chooses what to export, and by which recipes; says what each would come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from devicehub.api.contract import EXPORT_PLAN, MODEL_LITTER, PROFILES, Export
from devicehub.errors import HubError
from devicehub_tui.columns import shorten
from devicehub_tui.export_lines import plan_lines
from devicehub_tui.lines import Lines
from devicehub_tui.view import HubDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from devicehub.api.model import ExportPlanView

_LAST: Final = "export.last"
_WIDEST: Final = 60
_PLAN_S: Final = 300.0
"""Of a large checkpoint many weights are looked at."""
_KEYS: Final = "tab next   space choose   esc back"


class ExportDialog(HubDialog[Export | None]):
    """A source and a list of recipes; ctrl+r or the button begins."""

    DEFAULT_CSS = """
    ExportDialog { align: center middle; }
    ExportDialog > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 96%;
        border: round $primary; background: $surface; padding: 0 2;
    }
    ExportDialog .question { text-style: bold; }
    ExportDialog OptionList { height: 9; background: $surface; padding: 0; margin-top: 1; }
    ExportDialog OptionList, ExportDialog OptionList:focus { border: none; }
    ExportDialog #plan { height: 4; margin-top: 1; padding: 0; }
    ExportDialog Horizontal { height: auto; }
    ExportDialog .problem { color: $text-muted; width: 1fr; padding-left: 2; }
    ExportDialog .problem.-problem { color: $warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "begin", "export", show=False, priority=True),
        Binding("space", "choose", "choose", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._plans: dict[str, ExportPlanView] = {}
        self._planned = ""
        self._recipes: list[str] = []
        self._purposes: list[str] = []
        self._chosen: set[str] = set()

    def compose(self) -> ComposeResult:
        """The source, the recipes, what the one under the cursor would come to."""
        with Vertical():
            yield Static("Export a checkpoint", classes="question", markup=False)
            yield Input(compact=True, id="source", placeholder="a folder, or hf:ORG/NAME once it was pulled")
            yield OptionList()
            yield Lines(ident="plan")
            with Horizontal():
                yield Button("Export  ctrl+r", id="go", variant="primary", compact=True)
                yield Static(_KEYS, classes="problem", markup=False)

    def on_mount(self) -> None:
        """Ask for the recipes and for what was pulled."""
        self.query_one(Input).focus()
        self.hub.attempt(self._fill)

    async def _fill(self) -> None:
        try:
            profiles = await self.hub.call(PROFILES)
            litter = await self.hub.call(MODEL_LITTER)
        except HubError:
            self.dismiss(None)
            raise
        last = self.hub.memory.get(_LAST)
        source, chosen = (last[0], last[1:]) if isinstance(last, list) and last else ("", ["default"])
        pulled = [one.source for one in litter if one.kind == "checkpoint" and one.source]
        field = self.query_one(Input)
        field.suggester = SuggestFromList(pulled, case_sensitive=False)
        field.value = str(source) if source else (pulled[0] if len(pulled) == 1 else "")
        recipes = [one for one in profiles if one.kind == "recipes"]
        self._recipes, self._purposes = [one.id for one in recipes], [one.purpose for one in recipes]
        self._chosen = {recipe for recipe in self._recipes if recipe in chosen}
        options = self.query_one(OptionList)
        options.add_options(Option(self._line(place)) for place in range(len(recipes)))
        if recipes:
            first = next((place for place, recipe in enumerate(self._recipes) if recipe in chosen), 0)
            options.highlighted = first
        if field.value:
            self._plan_soon()

    def on_input_submitted(self) -> None:
        """Go on to the recipes, and say meanwhile what each would come to."""
        self.query_one(OptionList).focus()
        self._plan_soon()

    def on_input_blurred(self) -> None:
        """Say what each recipe would come to."""
        self._plan_soon()

    def _plan_soon(self) -> None:
        source = self.query_one(Input).value.strip()
        if source and source != self._planned:
            self._planned, self._plans = source, {}
            self.query_one("#plan", Lines).show([[("looking at the checkpoint", "dim")]])
            self.run_worker(self._plan(source), exclusive=True, exit_on_error=False)

    async def _plan(self, source: str) -> None:
        wish = Export(source=source, recipes=self._recipes)
        try:
            plans = await self.hub.call(EXPORT_PLAN, wish, timeout_s=_PLAN_S)
        except HubError as error:
            self._planned = ""
            self.query_one("#plan", Lines).show([])
            self._tell(str(error))
            return
        self._plans = {plan.recipe: plan for plan in plans}
        self._tell("")
        self._show_plan()

    def on_option_list_option_selected(self) -> None:
        """Choose it, or no longer."""
        self.action_choose()

    def action_choose(self) -> None:
        """Choose the recipe under the cursor, or no longer."""
        recipes = self.query_one(OptionList)
        place = recipes.highlighted
        if recipes.has_focus and place is not None:
            self._chosen ^= {self._recipes[place]}
            recipes.replace_option_prompt_at_index(place, self._line(place))

    def _line(self, place: int) -> Content:
        recipe, width = self._recipes[place], max(map(len, self._recipes))
        sign = "●" if recipe in self._chosen else " "
        return Content(f"{sign} {shorten(f'{recipe:<{width}}  {self._purposes[place]}', _WIDEST)}")

    def on_option_list_option_highlighted(self) -> None:
        """Tell of another recipe."""
        self._show_plan()

    def _show_plan(self) -> None:
        place = self.query_one(OptionList).highlighted
        if self._plans and place is not None:
            self.query_one("#plan", Lines).show(plan_lines(self._plans, self._recipes[place]))

    def _tell(self, text: str) -> None:
        problem = self.query_one(".problem", Static)
        problem.set_class(bool(text), "-problem")
        problem.update(f"! {text}" if text else _KEYS)

    def on_button_pressed(self) -> None:
        """Export."""
        self.action_begin()

    def action_begin(self) -> None:
        """Answer what is chosen, and remember it."""
        source = self.query_one(Input).value.strip()
        recipes = [recipe for recipe in self._recipes if recipe in self._chosen]
        if not source:
            self._tell("name the checkpoint: its folder, or where it was pulled from")
        elif not recipes:
            self._tell("choose a recipe with space")
        else:
            self.hub.memory.put(_LAST, [source, *recipes])
            self.dismiss(Export(source=source, recipes=recipes))
