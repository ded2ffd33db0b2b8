"""The lines around every screen: where one is, how the hub is, what just happened, and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from devicehub_tui.format import counts, notice_sign
from devicehub_tui.keys import footer_lines
from devicehub_tui.themes import colours

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.timer import Timer

    from devicehub_tui.format import Cell, Level, Meaning
    from devicehub_tui.state import Changes, LinkView, State

_PLACES: Final = (
    ("1", "fleet", "Fleet"),
    ("2", "runs", "Runs"),
    ("3", "models", "Models"),
    ("4", "campaigns", "Campaigns"),
)
_SHORT: Final = {"campaigns": "QA"}
_ROOMY: Final = 100
"""Columns from which on all places are called by their whole names."""
_NOTICE_S: Final = 12.0


class Line(Widget):
    """Text whose colours are meanings."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def on_mount(self) -> None:
        """Keep the colours of what can be clicked."""
        self.auto_links = False

    def piece(self, text: str, meaning: Meaning, *, click: str | None = None, also: str = "") -> Content:
        """Text in the theme's colour; `click` is what a click on it does."""
        colour = colours(dark=self.app.current_theme.dark)[meaning]
        style = Style.parse(f"{colour} {also}".strip())
        if click:
            style += Style.from_meta({"@click": click})
        return Content.styled(text, style)


class TopBar(Line):
    """The screens on the left, the fleet in numbers on the right."""

    DEFAULT_CSS = "TopBar { background: $panel; padding: 0 1; }"

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place
        self._counts: list[Cell] = []
        self._short: list[Cell] = []

    def show(self, state: State, changes: Changes) -> None:
        """Count anew where something came, went or changed its state."""
        if not (changes.everything or changes.listed or changes.runs or changes.link or changes.marks):
            return
        counted = counts(state)
        if counted != self._counts:
            self._counts, self._short = counted, counts(state, short=True)
            self.refresh()

    def render(self) -> Content:
        """The line; in a narrow window the states are told by their signs."""
        left = [self.piece("DeviceHub", "title"), Content("  ")]
        for key, action, title in _PLACES:
            here = action == self._place
            title = title if self.size.width >= _ROOMY else _SHORT.get(action, title)
            tab = self.piece(
                f" {key} {title} ", "title" if here else "dim", click=f"app.{action}", also="underline" * here
            )
            left.append(tab)
        line = Content("").join(left)
        room = self.size.width - line.cell_length - 1
        told, between = self._counts, " · "
        if _length(told, between) > room:
            told, between = self._short, "  "
        while told and _length(told, between) > room:
            told = told[:-1]
        right: list[Content] = []
        for text, meaning in told:
            right += [self.piece(between, "dim")] * bool(right) + [self.piece(text, meaning)]
        return Content("").join([line, Content(" " * (room + 1 - _length(told, between))), *right])


def _length(told: list[Cell], between: str) -> int:
    return sum(len(text) for text, _ in told) + len(between) * max(0, len(told) - 1)


class Banner(Line):
    """There only while the hub is not."""

    DEFAULT_CSS = "Banner { background: $error 25%; padding: 0 1; display: none; height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def show(self, link: LinkView) -> None:
        """Appear, or go."""
        if link.up == self.display or link.text != self._text:
            self._text = link.text
            self.display = not link.up
            self.refresh(layout=True)

    def render(self) -> Content:
        """Why there is no hub; what is shown is as it last was."""
        why = self._text or "the hub went away"
        return self.piece(
            f"✗ {why[0].upper()}{why[1:]}. Trying again; what you see is as it last was.", "title"
        )


class NoticeLine(Line):
    """The newest thing to know, in one sentence, for a while."""

    DEFAULT_CSS = "NoticeLine { padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._level: Level = "info"
        self._hint = ""
        self._timer: Timer | None = None

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text

    def tell(self, text: str, level: Level) -> None:
        """Show a sentence in place of the one before."""
        self._text, self._level = " ".join(text.split()), level
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_NOTICE_S, self._clear)
        self.refresh()

    def hint(self, text: str) -> None:
        """What to say while there is nothing newer: of the row under the cursor."""
        if text != self._hint:
            self._hint = " ".join(text.split())
            self.refresh()

    def _clear(self) -> None:
        self._text = ""
        self.refresh()

    def render(self) -> Content:
        """The sentence; cut at the edge."""
        if not self._text:
            return self.piece(self._hint, "dim")
        sign, meaning = notice_sign(self._level)
        return Content("").join([self.piece(f"{sign} ", meaning), self.piece(self._text, "")])


class KeyBar(Line):
    """The keys, the same on every screen; those that mean nothing here are dim."""

    DEFAULT_CSS = "KeyBar { background: $panel; padding: 0 1; height: auto; }"

    def __init__(self, offers: frozenset[str]) -> None:
        super().__init__()
        self._offers = offers

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the keys need."""
        return len(footer_lines(width))

    def render(self) -> Content:
        """The keys, with what they do."""
        lines = []
        for line in footer_lines(self.size.width):
            pieces: list[Content] = []
            for place, key in enumerate(line):
                offered = not key.local or key.action in self._offers or key.action in ("back", "pane")
                click = f"screen.{key.action}" if key.local else f"app.{key.action}"
                gap = [Content("  ")] if place else []
                pieces += [
                    *gap,
                    self.piece(key.shown, "title" if offered else "dim", click=click),
                    self.piece(f" {key.label}", "" if offered else "dim", click=click),
                ]
            lines.append(Content("").join(pieces))
        return Content("\n").join(lines)
