"""The table of runs, a column each, that `run`, `compare`, `demo` and `runs show` print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from devicehub.cli.conditions_view import throttling_text
from devicehub.cli.eval_view import accuracy_text, perplexity_text, print_subjects
from devicehub.cli.figures import (
    cost_text,
    count_text,
    energy_text,
    fidelity_text,
    figure_text,
    flag_lines,
    launches_text,
    measured,
    protocol_text,
    temperature_text,
)
from devicehub.cli.output import emphasize, print_table, terminal_width
from devicehub.cli.suite_view import print_suites, suite_text
from devicehub.columns import wrap_text
from devicehub.units import format_bytes, format_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.runs.model import FigureName, RunRecord

_NARROWEST: Final = 26
"""A run's column; where a terminal has no room for all, the rest follows below."""
_LABELS: Final = 19
_VIRTUAL: Final = "virtual: the engine ran on this host in a simulated phone; its speeds are not a phone's"


def print_records(records: Sequence[RunRecord]) -> None:
    """Print the figures with what they depend on, and of each run that failed why, and what to do."""
    room = terminal_width()
    beside = max(1, (room - _LABELS) // (_NARROWEST + 2))
    for first in range(0, len(records), beside):
        _print_block(records[first : first + beside], room)
    for record in records:
        _print_flags(record, room, alone=len(records) == 1)
    print_suites(records)
    print_subjects(records)
    print_failures(records)
    if any(record.virtual for record in records):
        print()
        print_lines([_VIRTUAL], room, sign="")
    sys.stdout.flush()


def print_failures(records: Sequence[RunRecord]) -> None:
    """Print of each run that did not succeed why, and what to do."""
    for record in records:
        if record.verdict != "succeeded":
            _print_failure(record, terminal_width())


def print_lines(lines: Sequence[str], room: int, *, sign: str = "  ") -> None:
    """Print sentences, each behind a sign, what does not fit below it."""
    for line in lines:
        for part in wrap_text(line, max(room - len(sign), 20)):
            print(f"{sign}{part}")


def _print_block(records: Sequence[RunRecord], room: int) -> None:
    print()
    headers = ["", *(_title(record) for record in records)]
    rows = [[name, *(cell(record) for record in records)] for name, cell in _ROWS]
    shown = [row for row in rows if any(value not in (None, "-") for value in row[1:])]
    print_table(headers, shown, room=room)


def _print_flags(record: RunRecord, room: int, *, alone: bool) -> None:
    if lines := flag_lines(record):
        print(
            emphasize(
                "\nto know beside the figures" if alone else f"\n{record.id}: to know beside the figures"
            )
        )
        for line in lines:
            print_lines([line], room)


def _print_failure(record: RunRecord, room: int) -> None:
    """Why a run gave no figures, the lines that prove it, and what to do."""
    print(emphasize(f"\n{record.id} {record.verdict or record.state}: {record.cause}"))
    failed = next((launch for launch in record.launches if launch.cause == record.cause), None)
    for line in [*(failed.evidence if failed else ()), *(failed.crash if failed else ())]:
        print(f"  | {line}")
    for reason in record.trust_reasons if failed is None else ():
        print_lines([reason], room, sign="  | ")
    for line in record.diagnosis:
        print(f"  > {line}")
    from devicehub.dispatch.outcome import remedy_for

    if remedy := remedy_for(record):
        print_lines([remedy], room)


def _title(record: RunRecord) -> str:
    name = record.device.product or record.device.serial
    titled = f"{name} (virtual)" if record.virtual and "irtual" not in name else name
    return f"{record.comparison.arm}: {titled}" if record.comparison else titled


def _figure(name: FigureName, digits: int) -> Callable[[RunRecord], str | None]:
    return lambda record: figure_text(record, name, digits)


def _count(name: str) -> Callable[[RunRecord], str | None]:
    return lambda record: count_text(record, name)


def _source(record: RunRecord) -> str | None:
    rows = [row for launch in measured(record) for row in launch.records]
    return " and ".join(dict.fromkeys(row.source for row in rows)) or None


def _backend(record: RunRecord) -> str | None:
    """As the tool names it: llm_bench names the one that was asked for."""
    rows = [row for launch in measured(record) for row in launch.records]
    if not rows or rows[-1].backend is None:
        return None
    row = rows[-1]
    threads = None if row.threads is None else f"{row.threads} thread{'' if row.threads == 1 else 's'}"
    precision = None if row.precision is None else f"precision {row.precision}"
    return ", ".join(part for part in (row.backend, threads, precision) if part)


def _push(record: RunRecord) -> str:
    timings = record.timings
    if timings.push_mb_s is None:
        return "nothing to push"
    return f"{timings.push_mb_s:.1f} ({format_bytes(timings.pushed_bytes)})"


def _verdict(record: RunRecord) -> str:
    verdict = record.verdict or str(record.state)
    return verdict if record.cause in (None, verdict) else f"{verdict}: {record.cause}"


_ROWS: Final[tuple[tuple[str, Callable[[RunRecord], object]], ...]] = (
    ("serial", lambda record: record.device.serial),
    ("SoC", lambda record: record.device.soc.model or record.device.soc.name),
    ("Android", lambda record: record.device.android),
    ("engine", lambda record: record.engine.name),
    ("model", lambda record: record.model.name),
    ("workload", lambda record: record.workload),
    ("profile", lambda record: record.profile or None),
    ("backend", _backend),
    ("protocol", protocol_text),
    ("verdict", _verdict),
    ("prompt tokens", _count("prompt_tokens")),
    ("decode tokens", _count("decode_tokens")),
    ("load ms", _figure("load_ms", 1)),
    ("prefill tok/s", _figure("prefill_tok_s", 2)),
    ("decode tok/s", _figure("decode_tok_s", 2)),
    ("fidelity", fidelity_text),
    ("suite", suite_text),
    ("accuracy", accuracy_text),
    ("perplexity", perplexity_text),
    ("launches", launches_text),
    ("energy", energy_text),
    ("sampling takes", cost_text),
    ("temperature", temperature_text),
    ("throttled", lambda record: throttling_text(record.conditions) or "not known"),
    ("figures from", _source),
    ("push MB/s", _push),
    ("time: check", lambda record: format_ms(record.timings.check_ms)),
    ("time: push engine", lambda record: format_ms(record.timings.push_engine_ms)),
    ("time: push model", lambda record: format_ms(record.timings.push_model_ms)),
    ("time: start", lambda record: format_ms(record.timings.start_ms)),
    ("time: run", lambda record: format_ms(record.timings.run_ms)),
    ("time: collect", lambda record: format_ms(record.timings.collect_ms)),
)
