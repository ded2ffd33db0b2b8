"""`devicehub runs show`: all that is known of one run."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from devicehub.cli.output import emphasize, format_time, print_json, print_table, say
from devicehub.cli.run_view import print_records
from devicehub.cli.runs import collect_left, is_left, open_store
from devicehub.cli.runs_list import run_row, state_text
from devicehub.runs.model import RunHeader, RunRecord
from devicehub.telemetry.sample import SampleReader
from devicehub.units import KIB, format_bytes, format_celsius, format_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devicehub.runs.model import Launch
    from devicehub.store.model import EndRow, EventRow, RunRow
    from devicehub.store.store import Store


@click.command("show")
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(run_id: str, *, as_json: bool) -> None:
    """Show all that is known of one run: figures, launches, evidence, conditions, what happened when.

    ID may be shortened to its beginning.
    """
    collect_left()
    with open_store() as store:
        row = store.run(run_id)
        if as_json:
            print_json(run_document(store, row))
        else:
            _show(store, row)
    sys.stdout.flush()


def run_document(store: Store, row: RunRow) -> dict[str, Any]:
    """The run record as `run --json` prints it, or before the end what is known of it; and what happened."""
    known = json.loads(row.record or row.request)
    return {
        **known,
        **{name: value for name, value in run_row(row).items() if name not in known},
        "phone_run_id": row.phone_run_id,
        "last_contact": row.last_contact,
        "events": [msgspec.to_builtins(event) for event in store.events(row.id)],
        "excerpts": [msgspec.to_builtins(part) for part in store.excerpts(row.id)],
        "samples": {"attempt": row.attempt, "lines": store.samples_stored(row.id, row.attempt)},
        "ends": [
            {"number": end.number, "state": end.state, "wall_s": end.wall_s} for end in store.ends(row.id)
        ],
    }


def _show(store: Store, row: RunRow) -> None:
    print(emphasize(f"{row.id}  {state_text(row)}"))
    ends = store.ends(row.id)
    print_table(("", ""), [pair for pair in _facts(row, ends) if pair[1] is not None])
    header, record = _read(row)
    if header is None:
        say("another version of DeviceHub wrote its record; `--json` shows it as it is")
    if header is not None and header.cautions:
        _section("warned before the start")
        for caution in header.cautions:
            print(f"  {caution.sentence}; {caution.remedy}")
    if record is not None:
        print_records([record])
        _show_launches(record.launches)
        _show_conditions(record)
    _show_samples(store, row)
    _show_events(store.events(row.id))


def _facts(row: RunRow, ends: Sequence[EndRow]) -> list[tuple[str, str | None]]:
    replaced = [end for end in ends if end.number < len(ends)]
    return [
        ("workload", f"{row.workload}, {row.model}, {row.engine}, profile {row.profile}"),
        ("phone", f"{row.product or row.serial} ({row.serial})" + (", virtual" if row.virtual else "")),
        ("started", format_time(row.started)),
        ("ended", format_time(row.ended)),
        ("replaces", f"{replaced[0].state} of {format_time(replaced[0].wall_s)}" if replaced else None),
        ("attempt", str(row.attempt) if row.attempt > 1 else None),
        ("carried by", f"process {row.owner_pid}" if not is_left(row) and row.owner_pid else None),
        ("to take it up", f"devicehub runs watch {row.id}" if is_left(row) else None),
        ("phone heard of", format_time(row.last_contact) if row.ended is None else None),
        ("stop asked for", format_time(row.stop_requested)),
    ]


def _read(row: RunRow) -> tuple[RunHeader | None, RunRecord | None]:
    """What was asked and what came of it; None for what another version wrote."""
    try:
        if row.record is not None:
            record = msgspec.json.decode(row.record, type=RunRecord)
            return record, record
        return msgspec.json.decode(row.request, type=RunHeader), None
    except msgspec.MsgspecError:
        return None, None


def _section(title: str) -> None:
    print(emphasize(f"\n{title}"))


def _show_launches(launches: Sequence[Launch]) -> None:
    if not launches:
        return
    _section("launches")
    rows = []
    for launch in launches:
        counters = launch.records[-1] if launch.records else None
        rows.append(
            [
                launch.number,
                launch.verdict,
                launch.cause,
                launch.exit_status,
                format_ms(None if launch.duration_s is None else launch.duration_s * 1000),
                _rate(counters.prefill_tok_s if counters else None),
                _rate(counters.decode_tok_s if counters else None),
            ]
        )
    headers = ("launch", "verdict", "cause", "exit", "took", "prefill tok/s", "decode tok/s")
    print_table(headers, rows)
    said: str | None = None
    for launch in launches:
        if launch.text and launch.text != said:
            _section(f"text of launch {launch.number}")
            print(launch.text.rstrip("\n"))
            said = launch.text
        _show_lines(f"launch {launch.number}: crash", launch.crash)
        _show_lines(f"launch {launch.number}: holes in the log", launch.log_loss)


def _show_lines(title: str, lines: Sequence[str]) -> None:
    if lines:
        _section(title)
        for line in lines:
            print(f"  | {line}")


def _rate(figure: float | None) -> str | None:
    return None if figure is None else f"{figure:.2f}"


def _show_conditions(record: RunRecord) -> None:
    found = record.conditions
    memory = found.mem_available_kib_lowest
    rows: Iterable[tuple[str, str | None]] = (
        ("trusted", "yes" if record.trusted else "no: " + "; ".join(record.trust_reasons)),
        ("config", json.dumps(record.config, ensure_ascii=False)),
        ("temperature", _course(found.temp_mc_start, found.temp_mc_end, format_celsius)),
        ("at most", None if found.temp_mc_highest is None else format_celsius(found.temp_mc_highest)),
        ("battery", _course(found.battery_percent_start, found.battery_percent_end, _percent)),
        ("memory left", None if memory is None else f"at least {format_bytes(memory * KIB)}"),
        ("throttled", "; ".join(found.throttle_signs) or None),
    )
    _section("conditions")
    print_table(("", ""), [row for row in rows if row[1] is not None])
    if len(record.attempts) > 1:
        _section("attempts")
        print_table(
            ("attempt", "on the phone", "cause", ""),
            [[item.number, item.phone_run_id, item.cause, item.sentence or ""] for item in record.attempts],
        )


def _course(start: int | None, end: int | None, text: Callable[[int], str]) -> str | None:
    """From what to what a figure went, as far as it is known."""
    if start is None or end is None:
        return None if start is None else f"{text(start)} at the start"
    return f"{text(start)} to {text(end)}"


def _percent(figure: int) -> str:
    return f"{figure} %"


def _show_samples(store: Store, row: RunRow) -> None:
    samples = list(SampleReader().feed(store.samples(row.id, row.attempt)))
    times = [sample.uptime_s for sample in samples if sample.uptime_s is not None]
    if not times:
        return
    hottest = max((sample.hottest_mc for sample in samples if sample.hottest_mc is not None), default=None)
    _section("samples")
    print(
        f"{len(samples)} over {max(times) - min(times):.0f} s"
        + (f", hottest {format_celsius(hottest)}" if hottest is not None else "")
        + f"; devicehub runs export --samples {row.id}"
    )


def _show_events(events: Sequence[EventRow]) -> None:
    _section("what happened")
    print_table(
        ("", "", "", ""),
        [[format_time(event.wall_s), event.kind, event.state, event.detail] for event in events],
    )
