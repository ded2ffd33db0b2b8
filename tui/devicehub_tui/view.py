"""What every screen is: the bar, the banner, a body, the notice and the keys; shown from the state alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from devicehub_tui.bars import Banner, KeyBar, NoticeLine, TopBar
from devicehub_tui.keys import KEYS
from devicehub_tui.state import Changes
from devicehub_tui.subject import Subject

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from devicehub_tui.app import FleetApp

ResultT = TypeVar("ResultT")


class HubScreen(Screen[None]):
    """A full screen; those derived from it give the body and say how the state shows in it.

    Attributes:
        PLACE: which of `1 fleet 2 runs 3 models 4 campaigns` it belongs to.
        OFFERS: the keys' actions that mean something here; the footer dims the others.
    """

    PLACE: ClassVar[str] = "fleet"
    OFFERS: ClassVar[frozenset[str]] = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.key, key.action, key.label, show=False) for key in KEYS if key.local
    ]

    @property
    def hub(self) -> FleetApp:
        """The app: its state, its `call`, its `tell`."""
        return cast("FleetApp", self.app)

    def compose(self) -> ComposeResult:
        """The frame around the body."""
        yield TopBar(self.PLACE)
        yield Banner()
        yield from self.compose_body()
        yield NoticeLine()
        yield KeyBar(self.OFFERS)

    def compose_body(self) -> ComposeResult:
        """What is this screen's own."""
        yield from ()

    def show(self, changes: Changes) -> None:
        """Draw what changed; called some ten times a second at most, and with `everything` after a pause."""

    def subject(self) -> Subject:
        """What the keys are about."""
        return Subject(devices=tuple(self.hub.state.marked()))

    def copy_text(self) -> str:
        """What `y` copies; empty for nothing."""
        return ""

    def draw(self, changes: Changes) -> None:
        """Draw frame and body."""
        self.query_one(TopBar).show(self.hub.state, changes)
        self.query_one(Banner).show(self.hub.state.link)
        self.show(changes)

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.draw(Changes(everything=True))

    def on_screen_resume(self) -> None:
        """Draw what changed while another screen was on top."""
        if self.is_mounted:
            self.draw(Changes(everything=True))

    def action_back(self) -> None:
        """Leave this screen."""
        self.hub.go_back()

    def action_pane(self) -> None:
        """Let the next pane have the keys."""
        self.focus_next()

    def _nothing(self, what: str) -> None:
        self.hub.tell(f"there is nothing to {what} here")

    def action_mark(self) -> None:
        """Mark what the cursor is on."""
        self._nothing("mark")

    def action_mark_group(self) -> None:
        """Mark the group."""
        self._nothing("mark")

    def action_filter(self) -> None:
        """Filter the list."""
        self._nothing("filter")

    def action_order(self) -> None:
        """Order the list by the next column."""
        self._nothing("order")

    def action_group(self) -> None:
        """Group the list, or do not."""
        self._nothing("group")

    def action_open(self) -> None:
        """Open what the cursor is on."""
        self._nothing("open")


class HubDialog(ModalScreen[ResultT]):
    """A question over the screen; escape answers with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", show=False)]

    @property
    def hub(self) -> FleetApp:
        """The app."""
        return cast("FleetApp", self.app)

    def show(self, changes: Changes) -> None:
        """Draw what changed."""

    def action_leave(self) -> None:
        """Answer nothing."""
        self.dismiss(None)
