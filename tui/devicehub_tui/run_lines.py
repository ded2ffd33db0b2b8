"""One run as lines: what it is, its phases, its figures, what they depend on, how it ended. Knows no Textual.

Read from the run's document, which another version may have written: what is not there, or of another shape,
is left out.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from devicehub.units import format_bytes, format_celsius
from devicehub_tui import format as show
from devicehub_tui.document import at, items, number, text
from devicehub_tui.format import clock_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.api.model import ProgressMade, RunEventView, RunView, SampleView
    from devicehub_tui.format import Cell

Lines = list[list["Cell"]]

LABEL: Final = 13
"""Columns of a fact's name, with the blank after it."""


def fact(label: str, value: str, meaning: show.Meaning = "") -> list[Cell]:
    """A line of a name and a value."""
    return [(f"{label:<{LABEL}}", "dim"), (value, meaning)]


def heading(title: str) -> list[Cell]:
    """The line over a part."""
    return [(title, "title")]


def head(run: RunView, progress: ProgressMade | None, sample: SampleView | None) -> Lines:
    """What it is, how it stands and what was asked, in three lines."""
    word, meaning = show.verdict(run)
    second: list[Cell] = [(word, meaning)]
    if run.trusted is False and run.state in ("succeeded", "failed"):
        second.append(("  ! not to be trusted", "warn"))
    if run.waits_for:
        second.append((f"  {run.waits_for}", "dim"))
    if progress is not None:
        share = show.progress(progress.done, progress.total)
        second.append((f"  {progress.label} {show.bar(progress.done, progress.total, 20)} {share}", "busy"))
    if sample is not None and sample.run == run.id and sample.decode_tok_s is not None:
        second.append((f"  decode {sample.decode_tok_s:.1f} tok/s so far", "figure"))
    phone = run.product or run.serial or "any phone that is free"
    first: list[Cell] = [(f"{run.model}", "title"), (f" on {phone}", "")]
    if run.virtual:
        first.append(("  virtual", "virtual"))
    first.append((f"  {run.id}", "dim"))
    asked = ", ".join(
        part
        for part in (run.workload, run.engine, run.profile and f"profile {run.profile}", run.protocol)
        if part
    )
    return [first, second, [(asked, "dim")]]


_PHASES: Final = ("queued", "checking", "deploying", "starting", "running", "detached", "collecting")


def phases(run: RunView, events: Sequence[RunEventView], now_s: float) -> Lines:
    """Each phase with the time it took; the one under way with the time so far."""
    lines: Lines = [heading("Phases")]
    steps = [event for event in events if event.state in _PHASES]
    merged: list[tuple[str, float, int]] = []
    for event in steps:
        if not merged or merged[-1][0] != event.state or merged[-1][2] != event.attempt:
            merged.append((event.state, event.wall_s, event.attempt))
    if not merged:
        return [*lines, [("not begun", "dim")]]
    ends = [began for _, began, _ in merged[1:]] + [run.ended if run.ended is not None else now_s]
    for (state, began, attempt), end in zip(merged, ends, strict=True):
        going = run.ended is None and (state, began, attempt) == merged[-1]
        word, meaning = show.RUN_STATES[state] if going else (f"  {state}", "")
        again = f"  attempt {attempt}" if attempt > 1 else ""
        took = show.duration(end - began)
        lines.append([(f"{word:<14}", meaning), (f"{took:>11}", "figure" if going else ""), (again, "dim")])
    return lines


def figures(run: RunView, document: dict[str, Any]) -> Lines:
    """The counters: medians with their range where the run has a summary, then launch by launch."""
    lines: Lines = [heading("Figures")]
    summary = at(document, "summary")
    for name, label, unit in (
        ("prefill_tok_s", "prefill", "tok/s"),
        ("decode_tok_s", "decode", "tok/s"),
        ("load_ms", "load", "ms"),
    ):
        median = number(at(summary, name, "median"))
        if median is None:
            continue
        low, high = number(at(summary, name, "lowest")), number(at(summary, name, "highest"))
        line: list[Cell] = [(f"{label:<{LABEL}}", "dim"), (f"{median:.1f} {unit}", "figure")]
        if low is not None and high is not None and low != high:
            line.append((f"  {low:.1f} to {high:.1f}", "dim"))
        if run.virtual:
            line.append(("  virtual", "virtual"))
        lines.append(line)
    fidelity = _fidelity(run)
    if fidelity is not None:
        lines.append(fidelity)
    lines += [[("! ", "warn"), (text(at(flag, "sentence")), "")] for flag in items(at(document, "flags"))]
    lines += _launches(document)
    return lines if len(lines) > 1 else [*lines, [("none yet", "dim")]]


def _fidelity(run: RunView) -> list[Cell] | None:
    if run.fidelity is not None:
        share = int(run.fidelity * 1000 + 1e-9) / 10
        return fact("fidelity", f"{share:g} % of the fixture", "good" if share >= 99 else "warn")
    return fact("fidelity", run.fidelity_reason, "dim") if run.fidelity_reason else None


def _launches(document: dict[str, Any]) -> Iterator[list[Cell]]:
    for launch in items(at(document, "launches")):
        records = items(at(launch, "records"))
        last = records[-1] if records else None
        speeds = "  ".join(
            f"{label} {value:.1f}"
            for label, name in (("prefill", "prefill_tok_s"), ("decode", "decode_tok_s"))
            if (value := number(at(last, name))) is not None
        )
        kind = text(at(launch, "kind")) or "launch"
        sign, meaning = show.RUN_STATES.get(text(at(launch, "verdict")), ("·", "dim"))
        cause = text(at(launch, "cause"))
        yield [
            (f"{sign[:1]} ", meaning),
            (f"{kind} {at(launch, 'number')}".ljust(LABEL - 1), "dim"),
            (speeds, ""),
            (f"  {cause}" if cause else "", "bad"),
        ]


def conclusion(run: RunView, document: dict[str, Any]) -> Lines:
    """Why it ended as it did: the cause, the lines that prove it, what to do; nothing of a run under way."""
    if run.ended is None:
        return []
    lines: Lines = []
    word, meaning = show.verdict(run)
    lines.append([(word, meaning)])
    lines += [[("! ", "warn"), (text(reason), "")] for reason in items(at(document, "trust_reasons"))]
    lines += [
        [("  │ ", "bad"), (f"prompt {text(at(answer, 'id'))}: {text(at(answer, 'why'))}", "")]
        for answer in items(at(document, "suite", "answers"))
        if at(answer, "passed") is False
    ]
    for launch in items(at(document, "launches")):
        proof = items(at(launch, "evidence"))
        remedy = text(at(launch, "remedy"))
        if not proof and not remedy:
            continue
        sign: show.Meaning = "good" if text(at(launch, "verdict")) == "succeeded" else "bad"
        lines += [[("  │ ", sign), (text(line) or text(at(line, "line")), "")] for line in proof]
        if remedy:
            lines.append([("→ ", "good"), (remedy, "")])
        break
    attempts = items(at(document, "attempts"))
    lines += [
        fact(f"attempt {at(attempt, 'number')}", text(at(attempt, "sentence")) or text(at(attempt, "cause")))
        for attempt in attempts
        if len(attempts) > 1 or text(at(attempt, "sentence"))
    ]
    if len(lines) == 1 and run.state == "succeeded" and run.trusted is not False:
        return []  # the head says as much
    return [heading("Verdict"), *lines]


def conditions(document: dict[str, Any]) -> Lines:
    """What the figures depend on, as far as it fits a glance; the record has all of it."""
    found = at(document, "conditions") or at(document, "at_start")
    if not isinstance(found, dict):
        return []
    rows = (
        ("temperature", _course(found)),
        ("throttling", text(found.get("throttling"))),
        ("battery", _pair(found.get("battery_percent_start"), found.get("battery_percent_end"), " %")),
        ("power", text(found.get("external_power"))),
        ("steady", text(found.get("steady"))),
        ("USB", text(found.get("usb_mode"))),
        ("link", text(at(found, "link", "kind"))),
        ("memory", _memory(number(found.get("mem_available_kib_lowest")), "at least", "left")),
        ("taken", _memory(number(found.get("rss_kib_highest")), "at most", "")),
        ("caps", _caps(found)),
        ("build", text(found.get("build"))),
        ("config", text(document.get("config_sha256"))[:16]),
    )
    lines = [fact(label, value) for label, value in rows if value]
    return [heading("Conditions"), *lines] if lines else []


def _course(found: dict[str, Any]) -> str:
    start, highest = number(found.get("temp_mc_start")), number(found.get("temp_mc_highest"))
    if start is None:
        return ""
    most = f", at most {format_celsius(int(highest))}" if highest is not None else ""
    return f"from {format_celsius(int(start))}{most}"


def _pair(first: Any, last: Any, unit: str) -> str:
    start, end = number(first), number(last)
    if start is None:
        return ""
    return f"{start:g}{unit}" if end in (None, start) else f"{start:g} to {end:g}{unit}"


def _memory(kib: float | None, before: str, after: str) -> str:
    return "" if kib is None else f"{before} {format_bytes(int(kib) * 1024)} {after}".rstrip()


def _caps(found: dict[str, Any]) -> str:
    caps = found.get("caps_khz")
    if not isinstance(caps, dict):
        return ""
    lowest = {name: number(at(course, "lowest")) for name, course in caps.items()}
    return ", ".join(f"{name} {khz / 1000:.0f}" for name, khz in lowest.items() if khz is not None) + " MHz"


def happened(events: Sequence[RunEventView], utc_offset_s: int) -> Lines:
    """What was written down, in its order."""
    lines: Lines = [heading("What happened")]
    lines += [
        [
            (f"{clock_time(event.wall_s, utc_offset_s)}  ", "dim"),
            (f"{event.kind:<14} ", ""),
            (event.detail, "dim"),
        ]
        for event in events
    ]
    return lines


def said(document: dict[str, Any], text_so_far: str) -> str:
    """What the model says: so far, else in the launches of the record."""
    if text_so_far:
        return text_so_far
    texts = [text(at(launch, "text")) for launch in items(at(document, "launches"))]
    told = [(found, len(list(alike))) for found, alike in itertools.groupby(texts) if found]
    if len(told) == 1:
        return told[0][0]
    return "\n\n".join(f"{found}\n({times} launches alike)" if times > 1 else found for found, times in told)
