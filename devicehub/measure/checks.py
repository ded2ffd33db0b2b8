"""What a reader of a launch's or a run's figures must know beside them. Pure.

None of these makes a run fail; each is a flag beside the figures, told where the phone told enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.measure.clockwork import find_stall
from devicehub.runs.model import FigureName, Flag, figure_of
from devicehub.units import format_celsius

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.runs.model import Conditions, Launch, RunHeader

MOST_DRIFT: Final = 0.03
"""Between the first and the last measured launch."""
LOW_BATTERY_PERCENT: Final = 20
_FIGURES: Final[tuple[tuple[FigureName, str], ...]] = (
    ("prefill_tok_s", "prefill"),
    ("decode_tok_s", "decode"),
)
_UNSTEADY: Final = {
    "unsupported": "the phone has no fixed-performance mode",
    "refused": "the phone refused its fixed-performance mode",
}


def check_launch(launch: Launch, header: RunHeader) -> list[Flag]:
    """The flags of one launch.

    Args:
        launch: judged, its own flags still empty.
        header: of its run.
    """
    return [*_cold(launch), *_gate(launch, header), *_cores(launch, header), *_stalled(launch, header)]


def check_run(header: RunHeader, launches: Sequence[Launch], conditions: Conditions) -> list[Flag]:
    """The flags of a whole run.

    Args:
        header: of the run.
        launches: warm-up and measured ones, those of a comparison's other run left out.
        conditions: with all that the phone told.
    """
    return [
        *(() if header.asked_suite else _drift(launches)),  # its prompts are of different lengths
        *_throttled(conditions),
        *_steady(header, conditions),
        *_screen(conditions),
        *_power(conditions),
    ]


# of a launch


def _cold(launch: Launch) -> Iterator[Flag]:
    if launch.cold:
        yield Flag(slug="cold", sentence="a cold launch: the engine made its caches anew")


def _gate(launch: Launch, header: RunHeader) -> Iterator[Flag]:
    step = header.steps[launch.order - 1] if 0 < launch.order <= len(header.steps) else None
    spec = header.protocol.gate if header.protocol is not None else None
    if step is None or spec is None or not step.gated:
        return
    end = launch.gate
    if end is None or end.temp_mc is None:
        yield Flag(
            slug="gate_blind",
            sentence=f"the phone tells no temperature of its {spec.zone}: the gate could not wait for it",
        )
    if end is None or not end.timed_out:
        return
    held = []
    if end.temp_mc is not None and end.temp_mc > spec.temp_c * 1000:
        held.append(f"was still at {format_celsius(end.temp_mc)} ({end.zone or spec.zone})")
    if end.throttled:
        held.append("still held its processor back")
    what = " and ".join(held) or "was not ready"
    yield Flag(
        slug="gate_timed_out",
        sentence=f"the phone {what} after {end.waited_s:.0f} s at the gate",
    )


def _cores(launch: Launch, header: RunHeader) -> Iterator[Flag]:
    """A thread without a core of its own holds all others up, which wait for it spinning."""
    config = header.config
    threads = config.get("thread_num", 4)
    if launch.cpus_allowed is None or str(config.get("backend_type", "cpu")) != "cpu":
        return
    cores = count_cpus(launch.cpus_allowed)
    if cores is None or not isinstance(threads, int) or header.workload not in ("demo", "bench"):
        return
    # A virtual phone grants what threads it chooses, whatever is asked.
    if cores < threads and not header.virtual:
        yield Flag(
            slug="cores",
            sentence=f"{threads} threads shared {cores} of the phone's cores ({launch.cpus_allowed})",
        )


def _stalled(launch: Launch, header: RunHeader) -> Iterator[Flag]:
    sentence = find_stall(launch, header)
    if sentence is not None:
        yield Flag(slug="stalled", sentence=sentence)


def count_cpus(text: str) -> int | None:
    """How many a list of the kernel holds, `0-3,7`; None where it is none."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not all(word.isascii() and word.isdigit() and len(word) <= 4 for word in (first, last)):
            return None
        found |= set(range(int(first), int(last) + 1))
    return len(found) or None


# of a run


def _drift(launches: Sequence[Launch]) -> Iterator[Flag]:
    """The first against the last of those that the sampler disturbed alike."""
    counted = [
        launch
        for launch in launches
        if launch.kind == "measured" and launch.verdict == "succeeded" and not launch.cold
    ]
    alike = [launch for launch in counted if launch.sampled == counted[0].sampled]
    if len(alike) < 2:
        return
    drifts = []
    for name, word in _FIGURES:
        first, last = figure_of(alike[0], name), figure_of(alike[-1], name)
        if first and last and abs(last / first - 1) > MOST_DRIFT:
            drifts.append(f"{word} moved by {last / first - 1:+.1%}".replace("%", " %"))
    if drifts:
        yield Flag(
            slug="unsteady",
            sentence=f"from the first to the last measured launch {' and '.join(drifts)}",
        )


def _throttled(conditions: Conditions) -> Iterator[Flag]:
    if conditions.throttling in ("yes", "inferred") or conditions.throttled:
        signs = "; ".join(conditions.throttle_signs) or "the phone says so"
        held = "seems to have held" if conditions.throttling == "inferred" else "held"
        yield Flag(slug="throttled", sentence=f"the phone {held} its processor back: {signs}")
    if conditions.power_saver:
        yield Flag(slug="power_saver", sentence="Android's battery saver was on")


def _steady(header: RunHeader, conditions: Conditions) -> Iterator[Flag]:
    if conditions.steady == "left":
        yield Flag(
            slug="steady_left",
            sentence="the fixed-performance mode of an earlier run was on, which nobody asked for",
        )
    elif header.steady and conditions.steady != "on":
        why = _UNSTEADY.get(conditions.steady or "", "it is not known whether the phone held its clocks")
        yield Flag(slug="not_steady", sentence=f"asked for steady clocks, but {why}")


def _screen(conditions: Conditions) -> Iterator[Flag]:
    start, end = conditions.screen_on_start, conditions.screen_on_end
    if start is not None and end is not None and start != end:
        words = ("off", "on")
        yield Flag(
            slug="screen_changed",
            sentence=f"the screen was {words[start]} when the run began and {words[end]} when it had ended",
        )
    elif start is False or end is False:
        yield Flag(slug="screen_off", sentence="the screen was off: many phones slow down then")


def _power(conditions: Conditions) -> Iterator[Flag]:
    start, end = conditions.external_power, conditions.plugged_end
    if start is not None and end is not None and (start != "none") != end:
        how = "plugged in" if end else "unplugged"
        yield Flag(slug="power_changed", sentence=f"the phone was {how} while the run went on")
    elif len(conditions.charges) > 1 and "discharging" in conditions.charges:
        seen = ", then ".join(charge.replace("_", " ") for charge in conditions.charges)
        yield Flag(slug="power_changed", sentence=f"the battery was {seen}")
    ends = (conditions.battery_percent_start, conditions.battery_percent_end)
    lowest = min((percent for percent in ends if percent is not None), default=None)
    if lowest is not None and lowest <= LOW_BATTERY_PERCENT:
        yield Flag(
            slug="battery_low",
            sentence=f"the battery was at {lowest} %, from {LOW_BATTERY_PERCENT} % down phones save power",
        )
