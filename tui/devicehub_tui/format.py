"""How things are shown: cells of text with a meaning, readable without its colour. Knows no Textual."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from devicehub_tui.columns import shorten
from devicehub_tui.state import ENDS

if TYPE_CHECKING:
    from devicehub.api.model import DeviceView, JobView, LastFigures, RunView, SampleView
    from devicehub_tui.state import History, State

Meaning = Literal["", "dim", "title", "good", "busy", "warn", "bad", "figure", "virtual"]
"""What a colour says; a sign or a word beside it says the same."""

Cell = tuple[str, Meaning]
Level = Literal["info", "warning", "error"]

NONE: Final[Cell] = ("· ", "dim")
"""Not known."""

STATES: Final[dict[str, Cell]] = {
    "ready": ("✓ ready", "good"),
    "busy": ("▶ busy", "busy"),
    "identifying": ("… looking", "dim"),
    "orphaned": ("~ unplugged", "warn"),
    "unauthorized": ("! not allowed", "warn"),
    "offline": ("○ offline", "dim"),
    "absent": ("○ away", "dim"),
    "quarantined": ("✗ quarantined", "bad"),
}
RUN_STATES: Final[dict[str, Cell]] = {
    "queued": ("· queued", "dim"),
    "checking": ("▶ checking", "busy"),
    "deploying": ("▲ deploying", "busy"),
    "starting": ("▶ starting", "busy"),
    "running": ("▶ running", "busy"),
    "detached": ("~ detached", "warn"),
    "collecting": ("▼ collecting", "busy"),
    "succeeded": ("✓ succeeded", "good"),
    "failed": ("✗ failed", "bad"),
    "cancelled": ("- cancelled", "dim"),
    "lost": ("? lost", "warn"),
}
_HOT_MC: Final = 45_000
_WARM_MC: Final = 40_000
_TREND_S: Final = 60.0
_TREND_MC: Final = 500
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
LOW_RAM_KIB: Final = 1_000_000
LOW_DISK_KIB: Final = 4_000_000
"""Less than this wants attention."""
_SEVERE: Final = 3
"""Of Android's thermal statuses: from here on it throttles hard."""


def notice_sign(level: Level) -> Cell:
    """The sign before a sentence."""
    signs: dict[Level, Cell] = {"info": ("i", "busy"), "warning": ("!", "warn"), "error": ("✗", "bad")}
    return signs[level]


def some(number: int, what: str) -> str:
    """`1 phone`, `3 phones`."""
    return f"{number} {what}{'s' * (number != 1)}"


def counts(state: State, *, short: bool = False) -> list[Cell]:
    """The fleet in numbers, what matters most first; short, by the states' signs alone."""
    by_state: dict[str, int] = {}
    phones = [device for device in state.devices.values() if device.kind == "phone"]
    for device in phones:
        by_state[device.state] = by_state.get(device.state, 0) + 1
    found: list[Cell] = []
    if marked := len(state.marked()):
        found.append((f"● {marked} marked", "figure"))
    found.append((some(len(phones), "phone"), ""))
    for name, sign, meaning in _COUNTED:
        if number := by_state.get(name):
            found.append((f"{sign}{number}" if short else f"{sign} {number} {name}", meaning))
    if waiting := sum(run.state == "queued" for run in state.runs.values()):
        found.append((f"{waiting} waiting", "dim"))
    return found


_COUNTED: Final[tuple[tuple[str, str, Meaning], ...]] = (
    ("ready", "✓", "good"),
    ("busy", "▶", "busy"),
    ("quarantined", "✗", "bad"),
    ("unauthorized", "!", "warn"),
    ("orphaned", "~", "warn"),
    ("offline", "○", "dim"),
)


def device_state(device: DeviceView) -> Cell:
    """What a phone is doing: of a busy one the state of its run."""
    if device.state == "busy" and device.phase in RUN_STATES:
        return RUN_STATES[device.phase]
    return STATES.get(device.state, (device.state, ""))


def product(state: State, device: str, width: int) -> Cell:
    """The phone as a person calls it; where that is too long, its middle is left out."""
    return (shorten(state.names.get(device, device), width), "")


def soc(device: DeviceView) -> Cell:
    """The vendor's part number."""
    return (device.soc, "") if device.soc else NONE


def battery(device: DeviceView, sample: SampleView | None) -> Cell:
    """`97%`, with `+` while it is charged and `!` where it is low."""
    percent = device.battery
    charging = None
    if sample is not None:
        percent = sample.battery_percent if sample.battery_percent is not None else percent
        charging = sample.charging
    if percent is None:
        return NONE
    if charging:
        return (f"{percent}%+", "good")
    return (f"{percent}%!", "warn") if percent <= 20 else (f"{percent}% ", "")


def temperature_mc(device: DeviceView, sample: SampleView | None) -> int | None:
    """Of the skin, else of the battery, in milli-degrees Celsius."""
    if sample is not None and sample.temp_mc is not None:
        return sample.temp_mc
    return None if device.temp_c is None else round(device.temp_c * 1000)


def temperature(device: DeviceView, sample: SampleView | None, history: History | None) -> Cell:
    """`38.2° ↗`: how warm, and where it went in the last minute; `!` where it is hot."""
    now = temperature_mc(device, sample)
    if now is None:
        return NONE
    sign = trend(history)
    throttled = sample is not None and (sample.thermal_status or 0) >= _SEVERE
    if now >= _HOT_MC or throttled:
        return (f"{now / 1000:.1f}°{sign}!", "bad")
    return (f"{now / 1000:.1f}°{sign} ", "warn" if now >= _WARM_MC else "")


def trend(history: History | None) -> str:
    """Where the temperature went: `↗`, `↘`, `→`, or a blank where too little is known."""
    first = history.since(_TREND_S) if history else None
    if history is None or first is None or first.temp_mc is None or history.points[-1].temp_mc is None:
        return " "
    if history.points[-1].wall_s - first.wall_s < _TREND_S / 4:
        return " "
    moved = history.points[-1].temp_mc - first.temp_mc
    if abs(moved) < _TREND_MC:
        return "→"
    return "↗" if moved > 0 else "↘"


def trend_bars(history: History | None, width: int) -> Cell:
    """The temperature of the last minutes in blocks, the newest on the right; two degrees at least high."""
    values = [point.temp_mc for point in history.points if point.temp_mc is not None] if history else []
    if len(values) < 2:
        return ("", "dim")
    step = max(1, len(values) // width)
    shown = values[::-1][::step][:width][::-1]
    low = min(shown)
    height = max(2000, max(shown) - low)
    return ("".join(_BLOCKS[(value - low) * 7 // height] for value in shown).rjust(width), "dim")


def percent(value: float | None) -> Cell:
    """A load."""
    if value is None:
        return NONE
    return (f"{value:.0f}% ", "warn" if value >= 90 else "")


def gigabytes(kib: int | None, *, low_kib: int) -> Cell:
    """`7.4G`, decimal; `!` where it is low."""
    if kib is None:
        return NONE
    size = kib * 1024 / 1e9
    text = f"{size:.1f}G" if size < 99.95 else f"{size:.0f}G"
    return (f"{text}!", "warn") if kib < low_kib else (f"{text} ", "")


def rate(value: float | None, *, trusted: bool = True) -> Cell:
    """Tokens per second; `?` where the figure is not to be trusted."""
    if value is None:
        return NONE
    text = f"{value:.0f}" if value >= 999.95 else f"{value:.1f}"
    return (f"{text} ", "figure") if trusted else (f"{text}?", "warn")


def fidelity(last: LastFigures | None) -> Cell:
    """The share of the fixture that was answered as on the host, rounded down."""
    if last is None or last.fidelity is None:
        return NONE
    share = int(last.fidelity * 100 + 1e-9)
    return (f"{share}% ", "good") if share >= 99 else (f"{share}%!", "warn")


def spread(last: LastFigures | None) -> Cell:
    """How far the launches lie apart: `±` half of (highest - lowest) / median."""
    if last is None or last.spread is None:
        return NONE
    half = last.spread * 50
    text = f"±{half:.1f}% " if half < 99.95 else f"±{half:.0f}% "
    return (text, "warn" if last.spread > 0.1 else "dim")


def virtual_badge(width: int) -> Cell:
    """What marks a virtual phone and its figures."""
    return ("virtual" if width >= len("virtual") else "virt", "virtual")


def kind_badge(device: DeviceView, width: int) -> Cell:
    """What marks a device that is no real phone."""
    if device.kind == "host":
        return ("host", "dim")
    return virtual_badge(width) if device.virtual else ("", "")


def day_time(wall_s: float, utc_offset_s: int) -> str:
    """`11-23 09:41`, in the user's own time."""
    return _time(wall_s, utc_offset_s, "%m-%d %H:%M")


def clock_time(wall_s: float, utc_offset_s: int) -> str:
    """`09:41:07`, in the user's own time."""
    return _time(wall_s, utc_offset_s, "%H:%M:%S")


def _time(wall_s: float, utc_offset_s: int, form: str) -> str:
    try:
        return datetime.fromtimestamp(wall_s + utc_offset_s, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return "?"


def duration(seconds: float) -> str:
    """`870 ms`, `13.5 s`, `4 min 05 s`, `2 h 03 min`."""
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def bar(done: int, total: int, width: int) -> str:
    """`███▌      `, in eighths of a column."""
    eighths = max(0, min(width * 8, done * width * 8 // total if total > 0 else 0))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def progress(done: int, total: int) -> str:
    """`45%`; where the total is not known, blank."""
    return f"{min(100, done * 100 // total)}%" if total > 0 else ""


def run_state(run: RunView) -> Cell:
    """Where a run is, in a word."""
    return RUN_STATES.get(run.state, (run.state, ""))


def verdict(run: RunView) -> Cell:
    """How a run ended, with its cause."""
    if run.state not in ENDS:
        return run_state(run)
    sign, meaning = RUN_STATES[run.state]
    if run.state == "succeeded" and run.trusted is False:
        return ("✓ untrusted", "warn")
    return (f"{sign}: {run.cause}" if run.cause else sign, meaning)


def outcome(run: RunView) -> Cell:
    """As `verdict`, in few columns: of a run that failed the cause alone, after its sign."""
    if run.state == "failed" and run.cause:
        return (f"✗ {run.cause}", "bad")
    return RUN_STATES[run.state] if run.state == "cancelled" else verdict(run)


def job_line(job: JobView, done: int, total: int) -> Cell:
    """One job with how far it is."""
    where = f" on {job.serial}" if job.serial else ""
    share = progress(done, total) or progress(job.done, job.total)
    match job.state:
        case "running":
            return (f"▲ {job.label or job.kind}{where} {share}".rstrip(), "busy")
        case "done":
            return (f"✓ {job.label or job.kind}{where}", "good")
        case "failed":
            return (f"✗ {job.label or job.kind}{where}: {job.error or 'failed'}", "bad")
        case _:
            return (f"- {job.label or job.kind}{where}: {job.state}", "dim")
