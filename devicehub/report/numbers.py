"""Figures as reports print them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.campaign.planned import SHARES

if TYPE_CHECKING:
    from devicehub.campaign.planned import Limit
    from devicehub.campaign.result import CellResult, FigureSummary, LimitResult

SHOWN: Final = (
    ("prefill_tok_s", "prefill", "tok/s"),
    ("decode_tok_s", "decode", "tok/s"),
    ("load_ms", "load", "ms"),
    ("ttft_ms", "first token", "ms"),
    ("peak_memory_mib", "peak memory", "MiB"),
    ("joules_per_token", "energy", "J/token"),
)
"""Name, word and unit of the figures, in the order of every report."""


def number(value: float | None) -> str:
    """A figure with as many digits as say something: four; `-` for none."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}"


def percent(share: float | None) -> str:
    """A share as percent."""
    return "-" if share is None else f"{share * 100:.4g} %"


def change(ratio: float | None) -> str:
    """A ratio as the change that it is: `-3.1 %`."""
    return "-" if ratio is None else f"{(ratio - 1) * 100:+.1f} %"


def interval(figure: FigureSummary) -> str:
    """The change against the baseline with its interval: `-3.1 % (-5.0 to -1.2)`; empty without one."""
    if figure.ratio is None:
        return ""
    if figure.low is None or figure.high is None:
        return change(figure.ratio)
    return f"{change(figure.ratio)} ({(figure.low - 1) * 100:+.1f} to {(figure.high - 1) * 100:+.1f})"


def limit_interval(limit: LimitResult, demand: Limit) -> str:
    """What was found of a figure, with its interval (95 %): `-3.1 % (-5.0 to -1.2)`, `24.1 (23.5 to 24.8)`.

    Args:
        limit: with a value, or the text is empty.
        demand: the limit itself.
    """
    if limit.value is None:
        return ""
    low, high = limit.low, limit.high
    if demand.is_relative:
        span = "" if low is None or high is None else f" ({(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f})"
        return f"{change(limit.value)}{span}"
    show = percent if demand.figure in SHARES else number
    return show(limit.value) + ("" if low is None or low == high else f" ({show(low)} to {show(high)})")


def vendor_words(vendor: str) -> str:
    """A vendor's name."""
    known = {"qualcomm": "Qualcomm", "mediatek": "MediaTek", "hisilicon": "HiSilicon"}
    return known.get(vendor, vendor.capitalize())


def soc_words(result: CellResult) -> str:
    """The SoC that a cell ran on, or was planned for."""
    phone = result.outcome.phone if result.outcome else result.cell.phone
    return phone.soc or phone.product or "unknown"


def variant_words(result: CellResult) -> str:
    """What a cell is apart from its phone: `model / engine / profile / workload`."""
    cell = result.cell
    engine = cell.variant.engine.name if cell.variant.engine else "app"
    settings = " ".join(f"{key}={value}" for key, value in cell.variant.settings.items())
    words = [cell.variant.model.name, engine, cell.variant.profile, cell.suite or cell.workload]
    return " / ".join([*words, *([settings] if settings else [])])


def duration(seconds: float | None) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds is None:
        return "-"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
