"""The line where a filter is typed, and what is to say of it. Other screens' lists use it as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from devicehub_tui.filter import Filter


class FilterLine(Horizontal):
    """There while something is typed or filtered."""

    DEFAULT_CSS = """
    FilterLine { height: 1; display: none; background: $surface; padding: 0 1; }
    FilterLine Static { width: auto; }
    FilterLine .sign { color: $accent; text-style: bold; }
    FilterLine .said { color: $text-muted; padding-left: 2; }
    FilterLine .said.-problem { color: $warning; }
    FilterLine Input { width: 1fr; border: none; height: 1; padding: 0; background: $surface; }
    FilterLine Input:focus { border: none; }
    """

    def __init__(self, hint: str = "words, or terms like soc=SM8650,android>=14") -> None:
        super().__init__()
        self._hint = hint

    def compose(self) -> ComposeResult:
        """A slash, the text, and what is to say."""
        yield Static("/ ", classes="sign")
        yield Input(placeholder=self._hint, select_on_focus=False)
        yield Static("", classes="said", markup=False)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    @property
    def is_open(self) -> bool:
        """Whether keys are typed into it."""
        return self.query_one(Input).has_focus

    def open(self) -> None:
        """Take the keys."""
        self.display = True
        self.query_one(Input).focus()

    def close(self) -> None:
        """Give the keys back; stay while there is a text."""
        self.display = bool(self.text)

    def clear(self) -> None:
        """Filter nothing."""
        self.query_one(Input).value = ""
        self.display = False

    def say(self, parsed: Filter, shown: int, total: int) -> None:
        """How much passes, or what is wrong with the text."""
        said = self.query_one(".said", Static)
        said.set_class(parsed.problem is not None, "-problem")
        said.update(f"! {parsed.problem}" if parsed.problem else f"{shown} of {total}")
