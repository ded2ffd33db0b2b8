"""How a run's figures read, each with what it depends on."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from devicehub.runs.model import figure_of
from devicehub.units import format_celsius, format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.profiles.schema import GateSpec
    from devicehub.runs.model import Fidelity, FigureName, Launch, Protocol, RunHeader, RunRecord, Spread


def figure_text(record: RunRecord, name: FigureName, digits: int) -> str | None:
    """A figure's median over the launches that count, and its range where there are several."""
    spread = getattr(record.summary, name) if record.summary else _spread_of_failed(record, name)
    if spread is None:
        return None
    text = f"{spread.median:.{digits}f}"
    counted = record.summary.launches if record.summary else 1
    if counted > 1:
        text += f" ({spread.lowest:.{digits}f} to {spread.highest:.{digits}f})"
    return text if record.trusted else f"{text}, untrusted"


def count_text(record: RunRecord, name: str) -> str | None:
    """A number of tokens, of the last measured launch that tells one."""
    for launch in reversed(measured(record)):
        for row in reversed(launch.records):
            if (count := getattr(row, name)) is not None:
                return str(count)
    return None


def measured(record: RunRecord) -> list[Launch]:
    """The launches whose figures may count."""
    return [launch for launch in record.launches if launch.kind == "measured"]


def launches_text(record: RunRecord) -> str | None:
    """How many launches the figures are of, how warm these were, and what was left out."""
    launches = measured(record)
    if not launches:
        return None
    good = [launch for launch in launches if launch.verdict == "succeeded"]
    if record.summary is None:
        return f"{_count(len(launches), 'launch', 'launches')}, none succeeded"
    counted, cold = record.summary.launches, record.summary.cold
    parts = ["1 launch, no spread" if counted == 1 else f"{counted} launches", _warmth(good, cold)]
    parts += [f"{cold} cold left out"] if cold else []
    parts += [f"{left} failed"] if (left := len(launches) - len(good)) else []
    parts += ["without sampling"] if record.summary.sampled is False else []
    warmups = sum(launch.kind == "warmup" for launch in record.launches)
    parts += [f"after {_count(warmups, 'warm-up', 'warm-ups')}"] if warmups else []
    return ", ".join(parts)


def fidelity_text(record: RunRecord) -> str:
    """The share of the fixture that was answered as on the host, or why it is not known."""
    answered = record.answered
    if answered.share is None:
        return f"not known: {answered.reason or 'the model was not asked its fixture'}"
    text = f"{format_share(answered.share)} as on the host, source {answered.source}"
    if answered.run_id not in (None, record.id):
        text += f", answered in run {answered.run_id}"
    return text


def fidelity_mark(fidelity: Fidelity) -> str | None:
    """What stands beside a speed in a narrow column."""
    return None if fidelity.share is None else format_share(fidelity.share)


def protocol_text(header: RunHeader) -> str:
    """The protocol's name and what was changed of it."""
    protocol = header.protocol
    if protocol is None:
        return "none"
    if not protocol.changed:
        return protocol.id
    return f"{protocol.id}, changed: {', '.join(name.replace('_', ' ') for name in protocol.changed)}"


def protocol_details(protocol: Protocol) -> str:
    """What a protocol asks for."""
    tokens = f"{protocol.prompt_tokens} + {protocol.decode_tokens} tokens"
    parts = [tokens, _count(protocol.repeats, "repeat", "repeats")] if protocol.workload == "bench" else []
    parts += ["3 loads timed in each launch"] if protocol.load else []
    parts += [_count(protocol.warmups, "warm-up", "warm-ups")] if protocol.warmups else ["no warm-up"]
    parts += [_count(protocol.launches, "measured launch", "measured launches")]
    parts += [gate_details(protocol.gate) if protocol.gate else "no gate"]
    return ", ".join([*parts, "steady"] if protocol.steady else parts)


def gate_details(gate: GateSpec) -> str:
    """What a phone must be before a launch."""
    return f"gate: {gate.zone} at most {gate.temp_c:g} °C, not throttled, {gate.cap_s} s at most"


def temperature_text(record: RunRecord) -> str | None:
    """From what to what the phone's temperature went, and its peak."""
    found = record.conditions
    text = course_text(found.temp_mc_start, found.temp_mc_end)
    if text is None or found.temp_mc_highest is None:
        return text
    return f"{text}, at most {format_celsius(found.temp_mc_highest)}"


def course_text(start: int | None, end: int | None) -> str | None:
    """From what to what a temperature went, as far as it is known."""
    if start is None:
        return None
    if end is None:
        return f"{format_celsius(start)} at the start"
    return f"{format_celsius(start)} to {format_celsius(end)}"


def energy_text(record: RunRecord) -> str | None:
    """What a token took from the battery; None where nobody asked."""
    energy = record.energy
    if energy is None:
        return None
    if energy.joules_per_token is None:
        return f"not known: {energy.reason or 'nothing was measured'}"
    return f"{energy.joules_per_token:.3g} J per token"


def cost_text(record: RunRecord) -> str | None:
    """What sampling takes of the decode speed, where this run measured it."""
    if record.sampling_cost is None:
        return None
    return f"{record.sampling_cost * 100:.1f} % of decode tok/s"


def flag_lines(record: RunRecord) -> list[str]:
    """What a reader must know beside the figures, a sentence each; equal ones of several launches once."""
    lines = [flag.sentence for flag in record.flags]
    numbers: dict[str, list[int]] = {}
    for launch in record.launches:
        for flag in launch.flags:
            numbers.setdefault(flag.sentence, []).append(launch.number)
    return lines + [
        f"{'launch' if len(found) == 1 else 'launches'} {', '.join(map(str, found))}: {sentence}"
        for sentence, found in numbers.items()
        if sentence not in lines
    ]


def _spread_of_failed(record: RunRecord, name: FigureName) -> Spread | None:
    """What launches of a run without a summary gave."""
    from devicehub.runs.model import Spread

    figures = [value for launch in measured(record) if (value := figure_of(launch, name)) is not None]
    if not figures:
        return None
    return Spread(median=statistics.median(figures), lowest=min(figures), highest=max(figures))


def _warmth(good: Sequence[Launch], left_out: int) -> str:
    if left_out or (good and all(launch.cold is False for launch in good)):
        return "warm"
    return "cold" if good and all(launch.cold for launch in good) else "cold or warm not known"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
