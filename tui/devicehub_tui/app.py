"""The app: keeps the state as the hub tells it, draws it some ten times a second at most, leads about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import Binding, BindingType

from devicehub.clock import SystemClock
from devicehub_tui.actions import Actions
from devicehub_tui.garbage import SETTLED_S, spare_all, spare_imports
from devicehub_tui.keys import KEYS
from devicehub_tui.link import FLEET_TOPICS
from devicehub_tui.memory import Memory
from devicehub_tui.palette import HubCommands
from devicehub_tui.places import campaigns_screen, models_screen, runs_screen
from devicehub_tui.screens.fleet import FleetScreen
from devicehub_tui.state import Changes, LinkView, State, apply, apply_gone, set_link, take_changes
from devicehub_tui.themes import DARK, LIGHT
from devicehub_tui.view import HubDialog, HubScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.notifications import SeverityLevel
    from textual.screen import Screen
    from textual.worker import Worker

    from devicehub.api.client import Where
    from devicehub.api.contract import Gone, Method, P, R
    from devicehub.api.model import Event
    from devicehub.clock import Clock
    from devicehub_tui.format import Level
    from devicehub_tui.link import LinkState, Live

_FRAME_S: Final = 0.1
_GAP_S: Final = 0.08
"""The least time between two draws: less than a frame, to keep step with a hub that tells each frame."""
_BURST_S: Final = 0.01
"""What comes so close together is drawn together."""
_THEME: Final = "theme"


class FleetApp(Actions):
    """The fleet screen and all others, over one hub."""

    TITLE = "DeviceHub"
    CSS = """
    Screen { background: $background; }
    ModalScreen { background: $background 65%; }
    ToastRack { display: none; }
    """
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {HubCommands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "fleet": FleetScreen,
        "runs": runs_screen,
        "models": models_screen,
        "campaigns": campaigns_screen,
    }
    DEFAULT_MODE = "fleet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.key, key.action, key.label, show=False) for key in KEYS if not key.local
    ]

    def __init__(
        self,
        connect: Callable[[], Live],
        *,
        memory: Memory | None = None,
        clock: Clock | None = None,
        where: Where | None = None,
    ) -> None:
        """`connect` makes a link that comes back by itself; each reader of a log has one of its own."""
        super().__init__()
        self.state = State()
        self.memory = memory or Memory(None)
        self.clock = clock or SystemClock()
        self.where = where
        self._connect = connect
        self._drawn_s = -_FRAME_S
        self._is_due = False
        self.live = connect()
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = LIGHT.name if self.memory.get(_THEME) == LIGHT.name else DARK.name

    def on_mount(self) -> None:
        """Begin to follow the hub."""
        self.watch_topics(FLEET_TOPICS, link=True)
        self.set_interval(_FRAME_S, self._flush_rest)

    def _flush_rest(self) -> None:
        """Draw what changed without an event."""
        if not self._is_due:
            self.flush()

    def _draw_soon(self) -> None:
        """Draw what just came, unless something was drawn a moment ago."""
        if not self._is_due:
            self._is_due = True
            wait_s = self._drawn_s + _GAP_S - self.clock.monotonic_s()
            self.set_timer(max(_BURST_S, min(wait_s, _GAP_S)), self.flush)

    def flush(self) -> None:
        """Draw what changed since the last time, on all screens that can be seen."""
        self._is_due = False
        changes = take_changes(self.state)
        if not changes:
            return
        self._drawn_s = self.clock.monotonic_s()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, HubScreen) and screen.is_mounted:
                screen.draw(changes)
                return
            if isinstance(screen, HubDialog) and screen.is_mounted:
                screen.show(changes)

    def watch_topics(
        self, topics: Sequence[str], *, only: Mapping[str, Sequence[str]] | None = None, link: bool = False
    ) -> Worker[None]:
        """Have the state follow more topics, over a link of their own, until the worker is cancelled."""
        live = self.live if link else self._connect()
        return self.run_worker(
            live.follow(
                topics,
                on_event=self._on_event,
                on_gone=self._on_gone,
                on_link=self._on_link if link else _ignore,
                only=only or {},
            ),
            exit_on_error=False,
            group="follow",
        )

    def follow(
        self,
        topics: Sequence[str],
        on_event: Callable[[Event], None],
        *,
        only: Mapping[str, Sequence[str]],
        on_gone: Callable[[Gone], None] | None = None,
    ) -> Worker[None]:
        """Have events handed over that are not kept in the state: lines of a log."""
        following = self._connect().follow(
            topics, on_event=on_event, on_gone=on_gone or _ignore, on_link=_ignore, only=only
        )
        return self.run_worker(following, exit_on_error=False, group="follow")

    async def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """Ask the hub.

        Raises:
            HubError: it refuses, or there is none.
        """
        return await self.live.call(method, params, timeout_s=timeout_s)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Textual's own notices, and those of screens that know no other way: as a sentence of ours."""
        levels: dict[SeverityLevel, Level] = {"information": "info", "warning": "warning", "error": "error"}
        self.tell(f"{title}: {message}" if title else message, levels[severity])

    def go_back(self) -> None:
        """Leave the screen on top, unless it is the first of its place."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.current_mode != "fleet":
            self.switch_mode("fleet")

    def action_fleet(self) -> None:
        """Show all phones."""
        self._go("fleet")

    def action_runs(self) -> None:
        """Show all runs."""
        self._go("runs")

    def action_models(self) -> None:
        """Show the catalogue."""
        self._go("models")

    def action_campaigns(self) -> None:
        """Show all campaigns."""
        self._go("campaigns")

    def action_theme(self) -> None:
        """Change between dark and light."""
        self.theme = DARK.name if self.theme == LIGHT.name else LIGHT.name
        self.memory.put(_THEME, self.theme)
        for screen in self.screen_stack:
            if isinstance(screen, HubScreen):
                screen.draw(Changes(everything=True))

    def _go(self, place: str) -> None:
        if self.current_mode != place:
            self.switch_mode(place)
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def _on_event(self, event: Event) -> None:
        apply(self.state, event)
        self._draw_soon()
        data = event.data
        if event.topic == "notes" and data.level != "info":
            self.tell(data.text, data.level)

    def _on_gone(self, gone: Gone) -> None:
        apply_gone(self.state, gone)
        if gone.topic == "devices":
            self.set_timer(SETTLED_S, spare_all)

    def _on_link(self, link: LinkState) -> None:
        welcome = getattr(link, "welcome", None)
        set_link(
            self.state,
            LinkView(
                up=link.up,
                text=link.text,
                version=welcome.version if welcome else self.state.link.version,
                local=welcome.local if welcome else self.state.link.local,
            ),
        )


def _ignore(_: object) -> None:
    """Not of interest here."""


def run(where: Where) -> None:
    """Show the fleet until the user leaves.

    Raises:
        HubError: the screen came to an end by itself.
    """
    from devicehub.api.client import LiveClient

    spare_imports()
    FleetApp(
        lambda: LiveClient(where, name="tui"), memory=Memory(where.home.root / "tui.json"), where=where
    ).run()
