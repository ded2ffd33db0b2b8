"""`devicehub runs export`: records and samples for other programs."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import run_async, say
from devicehub.cli.runs import parse_since
from devicehub.errors import InputError
from devicehub.runs.lifecycle import RunState
from devicehub.runs.model import Conditions
from devicehub.telemetry.sample import SampleReader
from devicehub.workloads.record import Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from typing import TextIO

    from devicehub.api.client import Client
    from devicehub.api.model import RunView
    from devicehub.cli.at_hub import Place

_RECORD_FIELDS: Final = tuple(name for name in Record.__struct_fields__ if name != "model")
_RUN_COLUMNS: Final = (
    "id", "state", "verdict", "cause", "trusted", "virtual", "serial", "serialno", "product", "android",
    "soc", "model", "model_id", "engine", "engine_id", "abi", "profile", "workload", "config_sha256",
    "started", "ended", "temp_mc_start", "temp_mc_highest", "battery_percent_start", "launches",
    "protocol", "protocol_changed", "fidelity", "fidelity_reason", "flags", "joules_per_token",
    "sampling_cost", "comparison", "arm",
)  # fmt: skip
_CONDITIONS: Final = tuple(name for name in Conditions.__struct_fields__ if name not in _RUN_COLUMNS)
_LAUNCH_COLUMNS: Final = (
    "launch", "launch_verdict", "launch_cause", "exit_status", "duration_s", "kind", "cold", "sampled",
    "gate_waited_s", "gate_timed_out", "gate_temp_mc", "gate_zone", "gate_throttled", "launch_flags", "row",
)  # fmt: skip
_SAMPLE_COLUMNS: Final = ("id", "attempt", "lane", "uptime_s", "wall_s")
_ENDS: Final = [state.value for state in RunState if state.is_end]


@click.command("export")
@click.argument("run_ids", metavar="[ID]...", nargs=-1)
@click.option("--since", metavar="TIME", help="Without an ID: only newer runs: 90m, 12h, 3d or a date.")
@click.option("--samples", is_flag=True, help="The telemetry of the newest attempt, not the records.")
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="A table, as for --out FILE.csv: a row per measured row, or per sample.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line: so it is without --csv.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write there, not to stdout.")
@at_hub
def command(
    run_ids: tuple[str, ...],
    since: str | None,
    samples: bool,
    as_csv: bool,
    as_json: bool,
    out: Path | None,
    place: Place,
) -> None:
    """Write the records of runs, of all that have ended where no ID is given, the oldest first.

    A run that has not ended has no record yet: if it was named, the exit status is 1.
    """
    if as_csv and as_json:
        raise click.UsageError("give either --csv or --json")
    if run_ids and since:
        raise click.UsageError("--since is for all runs; leave it out, or leave out the IDs")
    as_csv = as_csv or (not as_json and out is not None and out.suffix.lower() == ".csv")
    since_s = parse_since(since)

    async def export() -> tuple[list[RunView], list[RunView]]:
        async with place.client() as client:
            views = await _chosen(client, run_ids, since_s)
            ready = [view for view in views if _has_any(view, samples=samples)]
            documents = (_samples if samples else _records)(client, [view.id for view in ready])
            with _writing(out) as stream:
                await (_write_csv if as_csv else _write_lines)(stream, documents, samples=samples)
            return views, ready

    views, ready = run_async(export())
    missing = [view.id for view in views if view not in ready]
    if missing:
        say(f"not ended yet, so left out: {', '.join(missing)}")
    if out is not None:
        say(f"{len(ready)} run{'' if len(ready) == 1 else 's'} written to {out}")
    elif not views:
        say("no run has ended yet")
    sys.exit(ExitCode.FAILED if run_ids and missing else ExitCode.OK)


async def _chosen(client: Client, run_ids: Sequence[str], since: float | None) -> list[RunView]:
    """The named runs in the order of their naming, each once; else all that ended, the oldest first."""
    from devicehub.api.contract import RUN, RunNamed, RunsQuery
    from devicehub.cli.run_pages import fetch_runs

    if run_ids:
        named = [(await client.call(RUN, RunNamed(run=run_id))).run for run_id in run_ids]
        return list({view.id: view for view in named}.values())
    views, _, _ = await fetch_runs(client, RunsQuery(states=_ENDS, since=since), None)
    return views[::-1]


def _has_any(view: RunView, *, samples: bool) -> bool:
    """Whether there is something to write of a run: one that waits has neither record nor samples."""
    return view.ended is not None or (samples and view.place is None)


async def _records(client: Client, run_ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
    from devicehub.cli.run_pages import fetch_documents

    async for documents in fetch_documents(client, run_ids):
        yield documents


async def _samples(client: Client, run_ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
    from devicehub.cli.run_pages import fetch_samples

    for run_id in run_ids:
        reader = SampleReader()
        async for attempt, lines in fetch_samples(client, run_id):
            yield [
                {
                    "id": run_id,
                    "attempt": attempt,
                    "lane": sample.lane,
                    "uptime_s": sample.uptime_s,
                    "wall_s": sample.wall_s,
                    **{name: _plain(sample.number(name), text) for name, text in sample.values.items()},
                }
                for sample in reader.feed("".join(f"{line}\n" for line in lines).encode())
            ]


def _plain(number: float | None, text: str) -> float | int | str:
    if number is None:
        return text
    return int(number) if number.is_integer() else number


async def _write_lines(
    stream: TextIO, documents: AsyncIterator[list[dict[str, Any]]], *, samples: bool
) -> None:
    # Escaped where the terminal's encoding could not carry it.
    escaped = stream.encoding.lower().replace("-", "") != "utf8"
    async for some in documents:
        text = "".join(json.dumps(document, ensure_ascii=escaped) + "\n" for document in some)
        await _write(stream, text)


async def _write_csv(
    stream: TextIO, documents: AsyncIterator[list[dict[str, Any]]], *, samples: bool
) -> None:
    columns = [*_RUN_COLUMNS, *_LAUNCH_COLUMNS, *_RECORD_FIELDS, *_CONDITIONS]
    if samples:
        # The head names every column that some sample has, so all of them come first.
        everything = [sample async for some in documents for sample in some]
        columns = list(dict.fromkeys([*_SAMPLE_COLUMNS, *(name for row in everything for name in row)]))
        documents = _once(everything)
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    async for some in documents:
        for document in some:
            for row in [document] if samples else csv_rows(document):
                writer.writerow({name: _cell(row.get(name)) for name in columns})
        await _write(stream, table.getvalue())
        table.seek(0)
        table.truncate()
    await _write(stream, table.getvalue())


async def _write(stream: TextIO, text: str) -> None:
    """Write without holding up the connection: who reads our stdout may take minutes."""
    import asyncio

    await asyncio.to_thread(stream.write, text)


async def _once(rows: list[dict[str, Any]]) -> AsyncIterator[list[dict[str, Any]]]:
    yield rows


def csv_rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each measured row of a record; one for a launch, or a run, that has none."""
    run = _run_columns(document)
    launches = document.get("launches") or [{}]
    for launch in launches:
        columns = _launch_columns(launch)
        for number, measured in enumerate(launch.get("records") or [{}], start=1):
            counters = {name: measured.get(name) for name in _RECORD_FIELDS}
            yield {**counters, **run, **columns, "row": number if measured else None}


def _run_columns(document: dict[str, Any]) -> dict[str, Any]:
    device, model, engine = document["device"], document["model"], document["engine"]
    conditions, protocol = document["conditions"], document.get("protocol") or {}
    comparison = document.get("comparison") or {}
    same = {name: document.get(name) for name in _RUN_COLUMNS} | {
        name: conditions.get(name) for name in Conditions.__struct_fields__
    }
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
        "launches": len(document.get("launches") or []),
        "protocol": protocol.get("id"),
        "protocol_changed": protocol.get("changed"),
        "fidelity_reason": (document.get("answered") or {}).get("reason"),
        "flags": _slugs(document),
        "joules_per_token": (document.get("energy") or {}).get("joules_per_token"),
        "comparison": comparison.get("id"),
        "arm": comparison.get("arm"),
    }


def _launch_columns(launch: dict[str, Any]) -> dict[str, Any]:
    gate = launch.get("gate") or {}
    return {
        "launch": launch.get("number"),
        "launch_verdict": launch.get("verdict"),
        "launch_cause": launch.get("cause"),
        **{name: launch.get(name) for name in ("exit_status", "duration_s", "kind", "cold", "sampled")},
        **{
            f"gate_{name}": gate.get(name)
            for name in ("waited_s", "timed_out", "temp_mc", "zone", "throttled")
        },
        "launch_flags": _slugs(launch),
    }


def _slugs(flagged: dict[str, Any]) -> str | None:
    return " ".join(flag["slug"] for flag in flagged.get("flags") or ()) or None


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else None
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
