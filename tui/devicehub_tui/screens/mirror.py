"""A phone's screen: in a window by scrcpy where that can be, else a picture in the terminal, taken anew."""

from __future__ import annotations

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from devicehub import procs
from devicehub.api.contract import SHOT, WAY, DeviceNamed
from devicehub.clock import SystemClock
from devicehub.errors import HubError
from devicehub_tui.later import Later
from devicehub_tui.picture import draw
from devicehub_tui.programs import own_command
from devicehub_tui.subject import Subject
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textual.app import ComposeResult
    from textual.events import Resize

    from devicehub.api.model import WayView
    from devicehub.api.place import Where
    from devicehub.clock import Clock
    from devicehub_tui.actions import Actions
    from devicehub_tui.link import Live

REFRESH_S: Final = 1.0
"""Between the end of one picture and the beginning of the next."""
AFTER_FAILURE_S: Final = 3.0
_SHOT_S: Final = 60.0


def why_no_window(way: WayView, *, web: bool, environ: Mapping[str, str], scrcpy: str | None) -> str | None:
    """Why scrcpy cannot show the phone here, in a sentence; None where it can.

    Args:
        way: how this client's host reaches the phone.
        web: the screen is in a browser, whose person may sit anywhere.
        environ: this process's variables.
        scrcpy: the program, where it is installed.
    """
    if web:
        return "A browser shows pictures only."
    if not way.local:
        return "scrcpy reaches phones from the hub's host only, so here are pictures."
    if way.shared:
        return (
            f"scrcpy cannot tell apart the phones that share the serial {way.serial}, so here are pictures."
        )
    if scrcpy is None:
        return "scrcpy is not installed (https://github.com/Genymobile/scrcpy), so here are pictures."
    if sys.platform == "linux" and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return "This terminal has no desktop to open a window on, so here are pictures."
    return None


async def show_phone(
    app: Actions,
    live: Live,
    where: Where,
    device: str,
    *,
    environ: Mapping[str, str],
    busy: Callable[[], bool],
) -> None:
    """Do what the key for a phone's screen asks for; until the window is closed, where there is one.

    Args:
        app: on which pictures are shown.
        live: the hub.
        where: the same hub, for a command of ours.
        device: the phone's id.
        environ: this process's variables.
        busy: whether a run is under way on the phone, whose figures a picture would disturb.
    """
    try:
        way = await live.call(WAY, DeviceNamed(device=device))
    except HubError as error:
        app.tell(str(error), "error")
        return
    scrcpy = shutil.which("scrcpy", path=environ.get("PATH"))
    reason = why_no_window(way, web=app.is_web, environ=environ, scrcpy=scrcpy)
    if reason is None:
        app.tell(f"{way.title or way.serial}: scrcpy opens a window; this screen goes on")
        reason = await open_window(own_command(where, "mirror", device), environ)
    if reason is not None:
        app.push_screen(MirrorScreen(live, device, title=way.title or way.serial, reason=reason, busy=busy))


async def open_window(argv: list[str], environ: Mapping[str, str]) -> str | None:
    """Run our own mirror command until its window is closed; its last words where it failed."""
    try:
        async with procs.child(argv, env=environ) as process:
            stdout, stderr = await process.communicate()
            failed = process.returncode != 0
    except OSError as error:
        return f"{argv[0]} did not start: {error.strerror or error}"
    if not failed:
        return None
    words = (stderr or stdout).decode("utf-8", "replace").strip().splitlines()
    return words[-1].removeprefix("devicehub: ")[:300] if words else "scrcpy failed without a word."


class Picture(Widget):
    """The newest picture, fitted to the room that there is."""

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._png = b""
        self._strips: list[Strip] = []
        self._drawn_for = Size(0, 0)

    @property
    def drawn(self) -> bool:
        """Whether a picture is shown."""
        return bool(self._strips)

    async def show(self, png: bytes) -> bool:
        """Show a picture; False where it cannot be read, and the one before it stays."""
        size = self.size
        if size.width < 1 or size.height < 1:  # not laid out yet; drawn when it is
            self._png = png
            return True
        lines = await asyncio.to_thread(draw, png, size.width, size.height)
        if lines is None:
            return False
        self._png = png
        self._drawn_for = size
        width = sum(segment.cell_length for segment in lines[0])
        around = self.rich_style
        margin = Segment(" " * ((size.width - width) // 2), around)
        self._strips = [Strip([margin, *line]).adjust_cell_length(size.width, around) for line in lines]
        self.refresh()
        return True

    def on_resize(self, event: Resize) -> None:
        """Fit the picture into the new room."""
        if self._png and event.size != self._drawn_for:
            self.run_worker(Later(self.show, self._png), exclusive=True)

    def render_line(self, y: int) -> Strip:
        """A line of the picture, or nothing below it."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)


class MirrorScreen(HubScreen):
    """A phone's screen as pictures, one after the other; while a run is under way only on the key.

    Args:
        live: the hub.
        device: the phone's id.
        title: what to call it.
        reason: why it is no window; shown above.
        busy: whether a run is under way on the phone.
        clock: for the time between pictures.
    """

    DEFAULT_CSS = """
    MirrorScreen #about { height: auto; padding: 0 1; }
    MirrorScreen #said { height: 1; padding: 0 1; text-style: dim; }
    """
    OFFERS: ClassVar[frozenset[str]] = frozenset({"back", "mirror"})
    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "take", "new picture", show=False)]

    def __init__(
        self,
        live: Live,
        device: str,
        *,
        title: str,
        reason: str,
        busy: Callable[[], bool],
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        self._live = live
        self._device = device
        self._about = f"{title} — {reason}"
        self._busy = busy
        self._clock = clock or SystemClock()
        self._asked = asyncio.Event()

    def compose_body(self) -> ComposeResult:
        """A line above, the picture, a line below."""
        yield Static(self._about, id="about", markup=False)
        yield Picture()
        yield Static("The first picture is on its way.", id="said", markup=False)

    def on_mount(self) -> None:
        """Begin to take pictures."""
        self.run_worker(Later(self._refresh))

    def subject(self) -> Subject:
        """The keys are about this phone."""
        return Subject(devices=(self._device,))

    def action_take(self) -> None:
        """Take a picture now."""
        self._asked.set()

    async def _refresh(self) -> None:
        while True:
            problem = await self._take()
            if self._busy():
                self._say(problem or "A run is under way, which a picture would slow down: m takes one.")
                self._asked.clear()
                await self._asked.wait()
                continue
            self._say(problem or "A new picture comes each second; m takes one now.")
            await self._wait(AFTER_FAILURE_S if problem else REFRESH_S)

    async def _take(self) -> str | None:
        """Take and show one picture; why there is none."""
        try:
            shot = await self._live.call(SHOT, DeviceNamed(device=self._device), timeout_s=_SHOT_S)
        except HubError as error:
            return str(error)
        if not await self.query_one(Picture).show(shot.png):
            return "The phone's picture cannot be read."
        return None

    async def _wait(self, seconds: float) -> None:
        """Wait until it is time for the next picture, or somebody asks for it."""
        self._asked.clear()
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait((sleeping, asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            asked.cancel()

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(text)
