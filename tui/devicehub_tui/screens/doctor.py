"""What stands in the way of a run, on the host and on some phones."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from devicehub.api.contract import DOCTOR, Diagnose
from devicehub.errors import HubError
from devicehub_tui import doctor_lines
from devicehub_tui.lines import Lines, Pane
from devicehub_tui.subject import Subject
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Resize

    from devicehub.api.contract import Report

_LOOK_S: Final = 120.0
"""A phone that does not answer is waited for half a minute, and its storage for as long."""


class DoctorScreen(HubScreen):
    """The worst of each stands first, with its remedy beneath; `d` looks again."""

    PLACE = "fleet"
    OFFERS: ClassVar[frozenset[str]] = frozenset({"doctor"})
    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "look_again", "doctor", show=False)]
    DEFAULT_CSS = "DoctorScreen #head { padding: 0 1; } DoctorScreen #about { height: 1fr; }"

    def __init__(self, devices: tuple[str, ...]) -> None:
        super().__init__()
        self._devices = devices
        self._report: Report | None = None
        self._problem = ""
        self._looking = False

    def compose_body(self) -> ComposeResult:
        """A line on the whole, and the rows."""
        yield Lines(ident="head")
        yield Pane("Doctor", "about")

    def on_mount(self) -> None:
        """Look."""
        self.query_one("#about", Pane).focus()
        self.action_look_again()

    def action_look_again(self) -> None:
        """Ask the hub anew; once at a time."""
        if not self._looking:
            self._looking = True
            self._draw()
            self.hub.attempt(self._ask)

    async def _ask(self) -> None:
        try:
            self._report = await self.hub.call(DOCTOR, self._asked(), timeout_s=_LOOK_S)
            self._problem = ""
        except HubError as error:
            self._problem = str(error)
        finally:
            self._looking = False
        if self.is_mounted:
            self._draw()

    def _asked(self) -> Diagnose:
        known = self.hub.state.devices
        return Diagnose(selectors=[known[name].serial for name in self._devices if name in known])

    def on_resize(self, event: Resize) -> None:
        """Fit the texts."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        head, about = self.query_one("#head", Lines), self.query_one("#about", Pane)
        if self._looking:
            head.show([[("looking at host and phones", "dim")]])
        elif self._problem:
            head.show([[("✗ ", "bad"), (self._problem, ""), ("  d looks again", "dim")]])
        if self._report is not None:
            if not (self._looking or self._problem):
                head.show(doctor_lines.head(self._report))
            about.show(doctor_lines.rows(self._report, max(40, self.size.width - 4)))

    def subject(self) -> Subject:
        """The phones that were looked at."""
        return Subject(devices=tuple(name for name in self._devices if name in self.hub.state.devices))

    def copy_text(self) -> str:
        """The command that prints it."""
        asked = "".join(f" --on {serial}" for serial in self._asked().selectors)
        return f"devicehub doctor{asked}"
