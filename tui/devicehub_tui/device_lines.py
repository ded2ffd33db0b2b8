"""One phone as lines: what it is, how it is, what it ran last. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub_tui import format as show
from devicehub_tui.columns import fit, shorten
from devicehub_tui.run_lines import LABEL, fact, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.model import DeviceView, RunView
    from devicehub_tui.format import Cell
    from devicehub_tui.run_lines import Lines
    from devicehub_tui.state import State


_OUTCOME: Final = 16
_LEAST_MODEL: Final = 8
"""Columns; with fewer a model's name says nothing."""


def head(device: DeviceView) -> Lines:
    """What it is and what it does, in two lines; a third one says why it cannot be used."""
    soc = " ".join(part for part in (device.soc, device.soc_name) if part)
    first: list[Cell] = [(device.product or device.serial, "title"), (f"  {soc}" if soc else "", "")]
    if device.android:
        first.append((f"  Android {device.android}", "dim"))
    if device.virtual:
        first.append(("  virtual", "virtual"))
    if device.kind == "host":
        first.append(("  this computer", "dim"))
    second: list[Cell] = [show.device_state(device)]
    if device.run is not None:
        second.append((f"  {device.model or device.run}", "busy"))
    if device.waiting:
        second.append((f"  {show.some(device.waiting, 'run')} waiting", "dim"))
    lines: Lines = [first, second]
    if device.problem:
        lines.append([(f"! {device.problem}", "warn")])
    return lines


def away(device: str) -> Lines:
    """The head of a phone that is no longer listed."""
    return [[(device, "title")], [("○ not listed any more; it shows again when it is back", "dim")]]


def facts(device: DeviceView) -> Lines:
    """What does not change."""
    rows = (
        ("serial", device.serial),
        ("ro.serialno", device.serialno if device.serialno != device.serial else None),
        ("maker", device.manufacturer),
        ("vendor", device.vendor),
        ("GPU", device.gpu),
        ("HTP", None if device.htp is None else f"v{device.htp}"),
        ("Android", f"{device.android} (SDK {device.sdk})" if device.android else None),
        ("reached by", ", ".join(device.transports) if len(device.transports) > 1 else None),
        ("quarantine", device.quarantine),
    )
    return [heading("Phone"), *(fact(label, value) for label, value in rows if value)]


def readings(state: State, device: DeviceView) -> Lines:
    """The newest of everything that is read."""
    sample = state.samples.get(device.id)
    lines: Lines = [heading("Now")]
    cells: list[tuple[str, Cell]] = [
        ("battery", show.battery(device, sample)),
        ("temperature", show.temperature(device, sample, state.history.get(device.id))),
    ]
    if sample is not None:
        cells += [
            ("zone", (sample.zone or "", "dim")),
            ("CPU", show.percent(sample.cpu_percent)),
            ("GPU", show.percent(sample.gpu_percent)),
            ("RAM free", show.gigabytes(sample.mem_available_kib, low_kib=show.LOW_RAM_KIB)),
            ("disk free", show.gigabytes(sample.storage_free_kib, low_kib=show.LOW_DISK_KIB)),
            ("power", _power(sample.power_mw)),
            *(
                (f"{name}", _clock(khz, sample.caps_khz.get(name)))
                for name, khz in sorted(sample.clocks_khz.items())
            ),
        ]
    return lines + [fact(label, text.strip(), meaning) for label, (text, meaning) in cells if text]


def _power(milliwatts: float | None) -> Cell:
    if milliwatts is None:
        return show.NONE
    if milliwatts < 0:
        return (f"charging with {-milliwatts / 1000:.1f} W", "good")
    return (f"{milliwatts / 1000:.1f} W", "")


def _clock(khz: int, cap_khz: int | None) -> Cell:
    if cap_khz is None:
        return (f"{khz / 1000:.0f} MHz", "")
    return (f"{khz / 1000:.0f} of {cap_khz / 1000:.0f} MHz", "")


def last(device: DeviceView, *, width: int = 60) -> Lines:
    """The newest figures, in lines of so many columns."""
    found = device.last
    if found is None:
        return []
    speed = show.rate(found.decode_tok_s, trusted=found.trusted)
    prefill = show.rate(found.prefill_tok_s, trusted=found.trusted)
    lines: Lines = [
        heading("Last figures"),
        fact("model", shorten(found.model, width - LABEL)),
        [*fact("prefill", f"{prefill[0].strip()} tok/s", prefill[1]), *_virtual(device)],
        [*fact("decode", f"{speed[0].strip()} tok/s", speed[1]), *_virtual(device)],
    ]
    for label, (text, meaning) in (("fidelity", show.fidelity(found)), ("spread", show.spread(found))):
        if text != show.NONE[0]:
            lines.append(fact(label, text.strip(), meaning))
    if not found.trusted:
        lines.append([("? the run's figures are not to be trusted", "warn")])
    return lines


def _virtual(device: DeviceView) -> list[Cell]:
    return [("  virtual", "virtual")] if device.virtual else []


def runs(found: Sequence[RunView], utc_offset_s: int, *, width: int = 60) -> Lines:
    """Its runs, the newest first, a line of at most so many columns each: what came of it, then the model."""
    lines: Lines = [heading("Runs")]
    for run in found:
        told: Cell = show.outcome(run)
        if run.decode_tok_s is not None:
            speed, meaning = show.rate(run.decode_tok_s, trusted=run.trusted is not False)
            told = (f"{show.RUN_STATES[run.state][0][0]} {speed.strip()} tok/s", meaning)
        when = show.day_time(run.started or run.created, utc_offset_s)
        room = max(0, width - len(when) - 1)
        outcome = fit(told[0], min(room, _OUTCOME))
        room -= len(outcome) + 1
        model = fit(run.model, room).rstrip() if room >= _LEAST_MODEL else ""
        lines.append([(f"{when} ", "dim"), (outcome, told[1]), (f" {model}", "")])
    return lines if found else []
