"""The command palette: every key by its name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider

from devicehub_tui.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.command import Hits

_MORE = (
    ("theme", "Look: dark or light", "Change between the dark and the light look."),
    ("clear_marks", "Clear marks", "Unmark all phones."),
)
_OWN = (
    ("write", "Write record  (w)", "Write the run's record to a file where this program was started."),
    ("level", "Level  (v)", "Show lines of the log from the next level on."),
    (
        "stop_campaign",
        "Stop campaign  (x)",
        "End the campaign's runs; what has ended stays, and it can be resumed.",
    ),
    ("resume_campaign", "Resume campaign  (r)", "Run what is missing of the campaign."),
    ("next_view", "Next view  (v)", "Show the campaign's cells, its sweeps' fronts, or the history."),
    ("next_asking", "Next not passed  (n)", "Go to the campaign's next cell that ended without passing."),
    ("clear", "Clear log  (del)", "Forget the lines of the log that came so far."),
)
"""What some screens alone can do."""


class HubCommands(Provider):
    """All keys, and what has none."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for name, action, help_text in self._commands():
            yield DiscoveryHit(name, partial(self._do, action), help=help_text)

    async def search(self, query: str) -> Hits:
        """Those whose name or help matches."""
        matcher = self.matcher(query)
        for name, action, help_text in self._commands():
            score = max(matcher.match(name), matcher.match(help_text) * 0.9)
            if score > 0:
                yield Hit(score, matcher.highlight(name), partial(self._do, action), help=help_text)

    def _commands(self) -> Iterator[tuple[str, str, str]]:
        for key in KEYS:
            if key.action != "command_palette":
                target = "screen" if key.local else "app"
                yield (
                    f"{key.label[0].upper()}{key.label[1:]}  ({key.shown})",
                    f"{target}.{key.action}",
                    key.help,
                )
        for action, name, help_text in _OWN:
            if hasattr(self.screen, f"action_{action}"):
                yield name, f"screen.{action}", help_text
        for action, name, help_text in _MORE:
            yield name, f"app.{action}", help_text

    async def _do(self, action: str) -> None:
        await self.screen.run_action(action)
