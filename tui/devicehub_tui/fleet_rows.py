"""The fleet as rows: the columns that fit, what is in them, order and groups. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub_tui import format as show
from devicehub_tui.columns import Field, Row, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devicehub.api.model import DeviceView, JobView, ProgressMade
    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell
    from devicehub_tui.state import State


# What is right-aligned ends in a blank, or in the sign of a figure that wants attention.
_FIELDS: Final = (
    Field("state", "state", 0, 13),
    Field("product", "phone", 1, 15, 22),
    Field("virtual", "", 2, 4, 7),
    Field("soc", "SoC", 8, 9, 14),
    Field("android", "os ", 14, 4, right=True),
    Field("battery", "batt ", 5, 5, right=True),
    Field("temperature", "temp  ", 3, 7, right=True),
    Field("trend", "5 min", 17, 12, 16),
    Field("cpu", "cpu ", 9, 5, right=True),
    Field("gpu", "gpu ", 13, 5, right=True),
    Field("ram", "ram ", 12, 6, right=True),
    Field("storage", "disk ", 15, 6, right=True),
    Field("work", "runs, ran", 6, 11, 32),
    Field("progress", "", 16, 12, 14),
    Field("prefill", "prefill ", 11, 8, right=True),
    Field("decode", "decode ", 4, 8, right=True),
    Field("fidelity", "fid ", 7, 5, right=True),
    Field("spread", "± ", 10, 7, right=True),
    Field("serial", "serial", 18, 16, 18),
)


def columns_for(width: int) -> list[Column]:
    """The columns that fit a window."""
    return lay_out(_FIELDS, width)


def cells(state: State, device: str, columns: Sequence[Column]) -> list[Cell]:
    """What a phone's row shows."""
    view = state.devices.get(device)
    if view is None:
        return [("", "")] * len(columns)
    alone = all(column.name != "progress" for column in columns)
    found: list[Cell] = []
    for column in columns:
        text, meaning = _CELLS[column.name](state, view, column.width)
        if alone and column.name == "work" and (made := _made(state, view)) is not None and made.total > 0:
            text = f"{show.progress(made.done, made.total)} {text}"
        found.append((text, meaning))
    return found


def _work(state: State, device: DeviceView, width: int) -> Cell:
    if device.problem and device.run is None and device.state != "ready":
        return (device.problem, "dim")
    if device.run is not None:
        return (device.model or "a run", "busy")
    job = _job(state, device)
    if job is not None:
        return (f"▲ {job.label or job.kind}", "busy")
    if device.waiting:
        return (f"{device.waiting} waiting", "dim")
    return (device.last.model, "dim") if device.last else show.NONE


def _made(state: State, device: DeviceView) -> ProgressMade | None:
    """How far its run is, else the job that is about it."""
    made = state.progress.get(device.run or "")
    if made is not None:
        return made
    job = _job(state, device)
    return state.progress.get(job.id) if job is not None else None


def _job(state: State, device: DeviceView) -> JobView | None:
    jobs = state.jobs.values()
    return next((job for job in jobs if job.state == "running" and job.serial == device.serial), None)


def _progress(state: State, device: DeviceView, width: int) -> Cell:
    made = _made(state, device)
    if made is None:
        return ("", "")
    if made.total <= 0:
        return (made.label, "dim")
    return (f"{show.bar(made.done, made.total, width - 5)} {show.progress(made.done, made.total):>4}", "busy")


def _decode(state: State, device: DeviceView, width: int) -> Cell:
    sample = state.samples.get(device.id)
    if device.run is not None and sample is not None and sample.decode_tok_s is not None:
        return (f"{sample.decode_tok_s:.1f}▸", "busy")
    last = device.last
    return show.rate(last.decode_tok_s, trusted=last.trusted) if last else show.NONE


def _prefill(state: State, device: DeviceView, width: int) -> Cell:
    last = device.last
    return show.rate(last.prefill_tok_s, trusted=last.trusted) if last else show.NONE


_CELLS: Final[dict[str, Callable[[State, DeviceView, int], Cell]]] = {
    "state": lambda s, d, w: show.device_state(d),
    "product": lambda s, d, w: show.product(s, d.id, w),
    "virtual": lambda s, d, w: show.kind_badge(d, w),
    "soc": lambda s, d, w: show.soc(d),
    "android": lambda s, d, w: (f"{d.android} ", "") if d.android else show.NONE,
    "battery": lambda s, d, w: show.battery(d, s.samples.get(d.id)),
    "temperature": lambda s, d, w: show.temperature(d, s.samples.get(d.id), s.history.get(d.id)),
    "trend": lambda s, d, w: show.trend_bars(s.history.get(d.id), w),
    "cpu": lambda s, d, w: show.percent(_of(s, d, "cpu_percent")),
    "gpu": lambda s, d, w: show.percent(_of(s, d, "gpu_percent")),
    "ram": lambda s, d, w: show.gigabytes(_of(s, d, "mem_available_kib"), low_kib=show.LOW_RAM_KIB),
    "storage": lambda s, d, w: show.gigabytes(_of(s, d, "storage_free_kib"), low_kib=show.LOW_DISK_KIB),
    "work": _work,
    "progress": _progress,
    "prefill": _prefill,
    "decode": _decode,
    "fidelity": lambda s, d, w: show.fidelity(d.last),
    "spread": lambda s, d, w: show.spread(d.last),
    "serial": lambda s, d, w: (d.serial, "dim"),
}


def _of(state: State, device: DeviceView, name: str) -> Any:
    """A field of the phone's newest sample."""
    sample = state.samples.get(device.id)
    return None if sample is None else getattr(sample, name)


# Order and groups

_STATE_ORDER: Final = (
    *("busy", "ready", "orphaned", "identifying", "unauthorized", "quarantined", "offline", "absent"),
)


def _by_name(state: State, device: DeviceView) -> object:
    return ()


def _falling(value: float | None) -> tuple[bool, float]:
    """The highest first, what is not known last."""
    return (value is None, -(value or 0))


def _by_state(state: State, device: DeviceView) -> object:
    return _STATE_ORDER.index(device.state) if device.state in _STATE_ORDER else len(_STATE_ORDER)


def _by_temperature(state: State, device: DeviceView) -> object:
    return _falling(show.temperature_mc(device, state.samples.get(device.id)))


def _by_battery(state: State, device: DeviceView) -> object:
    """The lowest first: it is the one to look after."""
    sample = state.samples.get(device.id)
    percent = sample.battery_percent if sample and sample.battery_percent is not None else device.battery
    return (percent is None, percent or 0)


ORDERS: Final[dict[str, Callable[[State, DeviceView], Any]]] = {
    "product": _by_name,
    "state": _by_state,
    "temperature": _by_temperature,
    "decode": lambda state, device: _falling(device.last.decode_tok_s if device.last else None),
    "cpu": lambda state, device: _falling(_of(state, device, "cpu_percent")),
    "battery": _by_battery,
    "soc": lambda state, device: (device.soc is None, device.soc or ""),
}
"""What `o` goes through, by the column that shows it; phones that are equal in it go by their names."""

_ORDER_NAMES: Final = {"product": "name", "decode": "decode speed", "cpu": "CPU load", "soc": "SoC"}


def order_name(order: str) -> str:
    """What to call an order in a sentence."""
    return _ORDER_NAMES.get(order, order)


LIVE_ORDERS: Final = frozenset({"temperature", "cpu", "battery"})
"""Those that move with every sample."""


def rows(state: State, lets_pass: Callable[[DeviceView], bool], *, order: str, grouped: bool) -> list[Row]:
    """The rows of the phones that pass, in order; grouped, each SoC's under a heading."""
    by = ORDERS[order]
    passing = filter(lets_pass, state.devices.values())
    devices = sorted(passing, key=lambda d: (d.kind == "host", by(state, d), *_name(d)))
    if not grouped:
        return [Row(device.id) for device in devices]
    groups: dict[str, list[DeviceView]] = {}
    for device in devices:
        groups.setdefault(group_of(device), []).append(device)
    found: list[Row] = []
    for name in sorted(groups, key=lambda name: (name == _HOST, name == _NO_SOC, name)):
        found.append(Row(f"{_HEADING}{name}", heading=_heading(name, groups[name])))
        found += [Row(device.id) for device in groups[name]]
    return found


_NO_SOC: Final = "unknown SoC"
_HOST: Final = "this computer"
_HEADING: Final = "\0"
"""Begins a heading's key; no serial can."""


def group_of(device: DeviceView) -> str:
    """The group a phone is in."""
    return _HOST if device.kind == "host" else device.soc or _NO_SOC


def heading_group(key: str) -> str | None:
    """The group that a row's key is the heading of."""
    return key.removeprefix(_HEADING) if key.startswith(_HEADING) else None


def _heading(name: str, devices: Sequence[DeviceView]) -> str:
    title = next((device.soc_name for device in devices if device.soc_name), None)
    busy = sum(device.state == "busy" for device in devices)
    words = [f"{name} {title}" if title else name]
    if name != _HOST:
        words.append(show.some(len(devices), "phone"))
    if busy:
        words.append(f"{busy} busy")
    return " · ".join(words)


def _name(device: DeviceView) -> Iterable[str]:
    return ((device.product or device.serial).lower(), device.id)


def copy_lines(state: State, devices: Iterable[str]) -> str:
    """Some phones as lines of fields between tabs: serial, product, SoC, Android, model, figures."""
    lines = []
    for name in devices:
        view = state.devices.get(name)
        if view is None:
            continue
        last = view.last
        figures = [last.model, _text(last.prefill_tok_s), _text(last.decode_tok_s)] if last else []
        known = [view.serial, view.product, view.soc, view.android, *figures]
        if last and view.virtual:
            known.append("virtual")
        lines.append("\t".join(field or "-" for field in known))
    return "\n".join(lines)


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
