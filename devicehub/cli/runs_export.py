"""`devicehub runs export`: records and samples for other programs."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import say
from devicehub.cli.runs import collect_left, open_store, parse_since
from devicehub.errors import InputError
from devicehub.telemetry.sample import SampleReader
from devicehub.workloads.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from devicehub.store.model import RunRow
    from devicehub.store.store import Store

_RECORD_FIELDS: Final = tuple(name for name in Record.__struct_fields__ if name != "model")
_RUN_COLUMNS: Final = (
    "id", "state", "verdict", "cause", "trusted", "virtual", "serial", "serialno", "product", "android",
    "soc", "model", "model_id", "engine", "engine_id", "abi", "profile", "workload", "config_sha256",
    "started", "ended", "temp_mc_start", "temp_mc_highest", "battery_percent_start", "launches",
)  # fmt: skip
_LAUNCH_COLUMNS: Final = ("launch", "launch_verdict", "launch_cause", "exit_status", "duration_s", "row")
_SAMPLE_COLUMNS: Final = ("id", "attempt", "lane", "uptime_s", "wall_s")


@click.command("export")
@click.argument("run_ids", metavar="[ID]...", nargs=-1)
@click.option("--since", metavar="TIME", help="Without an ID: only newer runs: 90m, 12h, 3d or a date.")
@click.option("--samples", is_flag=True, help="The telemetry of the newest attempt, not the records.")
@click.option("--csv", "as_csv", is_flag=True, help="A table: one row per measured row, or per sample.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line; so it is without --csv.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write there, not to stdout.")
def command(
    run_ids: tuple[str, ...], since: str | None, samples: bool, as_csv: bool, as_json: bool, out: Path | None
) -> None:
    """Write the records of runs, of all that have ended where no ID is given, the oldest first.

    A run that has not ended has no record yet: if it was named, the exit status is 1.
    """
    if as_csv and as_json:
        raise click.UsageError("give either --csv or --json")
    if run_ids and since:
        raise click.UsageError("--since is for all runs; leave it out, or leave out the IDs")
    collect_left()
    with open_store() as store:
        rows = _chosen(store, run_ids, parse_since(since))
        ready = [row for row in rows if row.ended is not None or samples]
        documents = _samples(store, ready) if samples else _records(store, ready)
        with _writing(out) as stream:
            if as_csv:
                _write_csv(stream, documents, samples=samples)
            else:
                _write_lines(stream, documents)
    missing = [row.id for row in rows if row not in ready]
    if missing:
        say(f"not ended yet, so left out: {', '.join(missing)}")
    if out is not None:
        say(f"{len(ready)} run{'' if len(ready) == 1 else 's'} written to {out}")
    elif not rows:
        say("no run has ended yet")
    sys.exit(ExitCode.FAILED if run_ids and missing else ExitCode.OK)


def _chosen(store: Store, run_ids: Sequence[str], since: float | None) -> list[RunRow]:
    """The named runs in the order of their naming, each once; else all that ended, the oldest first."""
    if run_ids:
        return list({(row := store.run(run_id)).id: row for run_id in run_ids}.values())
    return [row for row in reversed(store.runs(since=since, limit=-1)) if row.ended is not None]


def _records(store: Store, rows: Iterable[RunRow]) -> Iterator[dict[str, Any]]:
    for row in rows:
        record = store.run(row.id).record
        if record is not None:  # forgotten meanwhile, else
            yield json.loads(record)


def _samples(store: Store, rows: Iterable[RunRow]) -> Iterator[dict[str, Any]]:
    for row in rows:
        for sample in SampleReader().feed(store.samples(row.id, row.attempt)):
            yield {
                "id": row.id,
                "attempt": row.attempt,
                "lane": sample.lane,
                "uptime_s": sample.uptime_s,
                "wall_s": sample.wall_s,
                **{name: _plain(sample.number(name), text) for name, text in sample.values.items()},
            }


def _plain(number: float | None, text: str) -> float | int | str:
    if number is None:
        return text
    return int(number) if number.is_integer() else number


def _write_lines(stream: TextIO, documents: Iterable[dict[str, Any]]) -> None:
    for document in documents:
        # Escaped where the terminal's encoding could not carry it.
        plain = json.dumps(document, ensure_ascii=stream.encoding.lower().replace("-", "") != "utf8")
        stream.write(plain + "\n")


def _write_csv(stream: TextIO, documents: Iterable[dict[str, Any]], *, samples: bool) -> None:
    if samples:
        rows: Iterable[dict[str, Any]] = list(documents)
        columns = list(dict.fromkeys([*_SAMPLE_COLUMNS, *(name for row in rows for name in row)]))
    else:
        rows = (row for document in documents for row in csv_rows(document))
        columns = [*_RUN_COLUMNS, *_LAUNCH_COLUMNS, *_RECORD_FIELDS]
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row.get(name)) for name in columns})


def csv_rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each measured row of a record; one for a launch, or a run, that has none."""
    run = _run_columns(document)
    launches = document.get("launches") or [{}]
    for launch in launches:
        columns = {
            "launch": launch.get("number"),
            "launch_verdict": launch.get("verdict"),
            "launch_cause": launch.get("cause"),
            "exit_status": launch.get("exit_status"),
            "duration_s": launch.get("duration_s"),
        }
        for number, measured in enumerate(launch.get("records") or [{}], start=1):
            counters = {name: measured.get(name) for name in _RECORD_FIELDS}
            yield {**counters, **run, **columns, "row": number if measured else None}


def _run_columns(document: dict[str, Any]) -> dict[str, Any]:
    device, model, engine = document["device"], document["model"], document["engine"]
    conditions = document["conditions"]
    same = {name: document.get(name) for name in _RUN_COLUMNS}
    return same | {
        "serial": device.get("serial"),
        "serialno": device.get("serialno"),
        "product": device.get("product"),
        "android": device.get("android"),
        "soc": (device.get("soc") or {}).get("model"),
        "model": model.get("name"),
        "model_id": model.get("id"),
        "engine": engine.get("name"),
        "engine_id": engine.get("id"),
        "abi": engine.get("abi"),
        "temp_mc_start": conditions.get("temp_mc_start"),
        "temp_mc_highest": conditions.get("temp_mc_highest"),
        "battery_percent_start": conditions.get("battery_percent_start"),
        "launches": len(document.get("launches") or []),
    }


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


@contextlib.contextmanager
def _writing(out: Path | None) -> Iterator[TextIO]:
    """Stdout, or a file that appears whole or not at all; a pipe or a device is written as it is."""
    if out is None or str(out) == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        if out.exists() and not out.is_file():
            with out.open("w", encoding="utf-8") as stream:
                yield stream
        else:
            with _replacing(out.resolve()) as stream:
                yield stream
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise InputError(out, problem, remedy="name another file with --out") from error


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[TextIO]:
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
