"""What every key does, and what the signs mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.widgets import Static

from devicehub_tui.campaign_rows import MARKS, WORDS
from devicehub_tui.format import RUN_STATES, STATES
from devicehub_tui.keys import KEYS
from devicehub_tui.lines import Lines
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from devicehub_tui.format import Cell

_SIGNS: tuple[Cell, ...] = (
    ("+ after the battery: it is being charged; ! it is low", ""),
    ("↗ → ↘ where the temperature went in the last minute; ! it is hot, or Android throttles", ""),
    ("▸ after a speed: of the run under way; ? the figure is not to be trusted", ""),
    ("fid: the share of the fixture answered as on the host; ±: how far launches lie apart", ""),
    ("runs, ran: what runs; dim: what ran last, and what the last speeds are of", ""),
    ("virtual: a simulated phone; its figures say nothing of a real one", "virtual"),
    ("· is not known", "dim"),
)


_MORE: tuple[tuple[str, str], ...] = (
    ("w", "On a run: write its record to a file where this program was started."),
    ("x", "On campaigns: stop the campaign; what has ended stays."),
    ("r", "On campaigns: resume the campaign, with what is missing."),
    ("v", "On a campaign: its cells, the fronts of its sweeps, the history."),
    ("n", "On a campaign: the next cell that ended without passing."),
    ("v", "In logs: show lines from the next level on."),
    ("f", "In logs: follow the newest line, or stop."),
    ("del", "In logs: forget the lines that came so far."),
    ("^r", "In the form of r: run it."),
)


class HelpScreen(HubScreen):
    """Keys and signs."""

    PLACE = ""
    OFFERS: ClassVar[frozenset[str]] = frozenset()
    DEFAULT_CSS = "HelpScreen .heading { text-style: bold; padding: 1 2 0 2; }"

    def compose_body(self) -> ComposeResult:
        """The lists, one below the other."""
        keys: list[list[Cell]] = [[(f"{key.shown:>6}  ", "title"), (key.help, "")] for key in KEYS]
        keys += [[(f"{shown:>6}  ", "title"), (what, "")] for shown, what in _MORE]
        states: list[list[Cell]] = [[cell] for cell in STATES.values()]
        runs: list[list[Cell]] = [[cell] for cell in RUN_STATES.values()]
        cells: list[list[Cell]] = [
            [(f"{sign} {WORDS[name]}", meaning)] for name, (sign, meaning) in MARKS.items()
        ]
        with VerticalScroll():
            for title, lines in (
                ("Keys", keys),
                ("Signs", [[cell] for cell in _SIGNS]),
                ("Phones", states),
                ("Runs", runs),
                ("Cells of a campaign; ~ after the sign: on another phone than planned", cells),
            ):
                yield Static(title, classes="heading")
                yield Lines(lines)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()
