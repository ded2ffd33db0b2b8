"""Asks before something that cannot be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from devicehub_tui.view import HubDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

_SHOWN = 10
"""So many details at most; how many more there are is said."""


class Confirm(HubDialog[bool | None]):
    """A question with what it is about; enter or y agrees."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical {
        width: 64; max-width: 90%; height: auto; max-height: 90%;
        border: round $primary; background: $surface; padding: 1 2;
    }
    Confirm .question { text-style: bold; }
    Confirm .details { padding: 1 0; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "agree", "yes", show=False),
        Binding("n", "leave", "no", show=False),
    ]

    def __init__(self, question: str, details: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._question = question
        self._details = details

    def compose(self) -> ComposeResult:
        """The question, what it is about, and the keys."""
        shown = list(self._details[:_SHOWN])
        if len(self._details) > _SHOWN:
            shown.append(f"and {len(self._details) - _SHOWN} more")
        with Vertical():
            yield Static(self._question, classes="question", markup=False)
            if shown:
                yield Static("\n".join(shown), classes="details", markup=False)
            yield Static("[b]enter[/] or [b]y[/] yes   [b]esc[/] or [b]n[/] no")

    def action_agree(self) -> None:
        """Answer yes."""
        self.dismiss(True)
