"""`devicehub runs show`: all that is known of one run."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from devicehub.cli.at_hub import at_hub
from devicehub.cli.conditions_view import condition_rows
from devicehub.cli.figures import energy_text, protocol_details, protocol_text
from devicehub.cli.launches_view import show_fidelity, show_launches
from devicehub.cli.output import (
    emphasize,
    format_time,
    print_json,
    print_table,
    run_async,
    say,
    terminal_width,
)
from devicehub.cli.record_table import print_lines, print_records
from devicehub.cli.runs_list import state_text
from devicehub.runs.model import RunHeader, RunRecord
from devicehub.telemetry.sample import SampleReader
from devicehub.units import format_celsius

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from devicehub.api.model import RunDocument, RunEventView, RunView
    from devicehub.cli.at_hub import Place
    from devicehub.telemetry.sample import Sample


@click.command("show")
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command(run_id: str, *, as_json: bool, place: Place) -> None:
    """Show all that is known of one run: figures, launches, evidence, conditions, what happened when.

    ID may be shortened to its beginning.
    """
    from devicehub.api.contract import RUN, RunNamed

    if as_json:
        print_json(place.ask(RUN, RunNamed(run=run_id)).document)
    else:
        _show(*run_async(_fetch(place, run_id)))
    sys.stdout.flush()


async def _fetch(place: Place, run_id: str) -> tuple[RunDocument, list[Sample]]:
    from devicehub.api.contract import RUN, RunNamed
    from devicehub.cli.run_pages import fetch_samples

    async with place.client() as client:
        found = await client.call(RUN, RunNamed(run=run_id))
        if found.run.place is not None:
            return found, []
        reader = SampleReader()
        samples: list[Sample] = []
        async for _, lines in fetch_samples(client, found.run.id):
            samples += reader.feed("".join(f"{line}\n" for line in lines).encode())
    return found, samples


def _show(found: RunDocument, samples: Sequence[Sample]) -> None:
    room = terminal_width()
    view, document = found.run, found.document
    print(emphasize(f"{view.id}  {state_text(view)}"))
    if view.place is not None:
        print_table(("", ""), _known(_waiting(view, document)), room=room)
        return
    header, record = _read(found)
    print_table(("", ""), _known([*_facts(view, document), *_asked(header)]), room=room)
    if header is None:
        say("another version of DeviceHub wrote its record; `--json` shows it as it is")
    if header is not None and header.cautions:
        _section("warned before the start")
        for caution in header.cautions:
            print_lines([f"{caution.sentence}; {caution.remedy}"], room)
    if record is not None:
        print_records([record])
        show_launches(record.launches)
        show_fidelity(record)
        _show_conditions(record)
        _show_energy(record)
        _show_attempts(record)
    elif found.text:
        _section("said so far")
        print(found.text.rstrip("\n"))
    _show_samples(view.id, samples)
    _show_events(found.events)


def _known(rows: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    return [row for row in rows if row[1] is not None]


def _asked(header: RunHeader | None) -> Iterator[tuple[str, str | None]]:
    """How the figures were to be made."""
    if header is None:
        return
    yield "protocol", protocol_text(header)
    yield "", protocol_details(header.protocol) if header.protocol else None
    if half := header.comparison:
        yield "compared", f"{half.arm} of a comparison by {half.by}; the other half is {half.other}"
        first, second = (header.id, half.other) if half.arm == "A" else (half.other, header.id)
        yield "", f"devicehub runs compare {first} {second}"


def _waiting(view: RunView, document: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """What a run that waits is to be."""
    yield "workload", ", ".join(filter(None, (view.workload, view.model, view.engine)))
    yield "phone", view.serial
    yield "waits for", view.waits_for or "nothing: it begins this moment"
    yield "asked for by", view.client
    yield "since", format_time(view.created)
    yield "asked", json.dumps(_briefly(document.get("asked")), ensure_ascii=False)


def _briefly(asked: Any) -> Any:
    """What was asked, of suites, files and texts their names alone."""
    if not isinstance(asked, dict):
        return asked
    brief = dict(asked)
    if isinstance(asked.get("suite"), dict):
        brief["suite"] = asked["suite"].get("name")
    if isinstance(asked.get("eval_files"), dict):
        brief["eval_files"] = list(asked["eval_files"])
    if isinstance(asked.get("perplexity_text"), str):
        brief["perplexity_text"] = f"{len(asked['perplexity_text'])} characters"
    return brief


def _facts(view: RunView, document: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    ends = document["ends"]
    replaced = [
        f"{end['state']} of {format_time(end['wall_s'])}" for end in ends if end["number"] < len(ends)
    ]
    has_ended = view.ended is not None
    return [
        ("workload", f"{view.workload}, {view.model}, {view.engine}, profile {view.profile}"),
        ("phone", f"{view.product or view.serial} ({view.serial})" + (", virtual" if view.virtual else "")),
        ("asked for by", view.client),
        ("started", format_time(view.started)),
        ("ended", format_time(view.ended)),
        ("replaces", replaced[0] if replaced else None),
        ("attempt", str(view.attempt) if view.attempt > 1 else None),
        ("left", "the hub takes it up when its phone is there" if view.left else None),
        ("to follow it", None if has_ended else f"devicehub runs watch {view.id}"),
        ("phone heard of", None if has_ended else format_time(document["last_contact"])),
        ("stop asked for", format_time(view.stop_requested)),
    ]


def _read(found: RunDocument) -> tuple[RunHeader | None, RunRecord | None]:
    """What was asked and what came of it; None for what another version wrote."""
    try:
        if found.run.ended is not None:
            record = msgspec.convert(found.document, RunRecord)
            return record, record
        return msgspec.convert(found.document, RunHeader), None
    except msgspec.ValidationError:
        return None, None


def _section(title: str) -> None:
    print(emphasize(f"\n{title}"))


def _show_conditions(record: RunRecord) -> None:
    _section("conditions")
    engine, model = record.engine, record.model
    version = f" {engine.version}" if engine.version else ""
    rows = [
        ("trusted", "yes" if record.trusted else "no: " + "; ".join(record.trust_reasons)),
        ("engine", f"{engine.name}{version}, {engine.abi}, {engine.id}"),
        ("model", f"{model.name}, {model.id}"),
        ("config", json.dumps(record.config, ensure_ascii=False)),
        ("config SHA-256", f"{record.config_sha256[:16]}..."),
        *condition_rows(record.conditions),
    ]
    print_table(("", ""), rows, room=terminal_width())


def _show_energy(record: RunRecord) -> None:
    """What decoding took, and how that was had."""
    energy = record.energy
    if energy is None:
        return
    _section("energy")
    rows = (
        ("per token", energy_text(record)),
        ("over all", None if energy.joules is None else f"{energy.joules:.3g} J for {energy.tokens} tokens"),
        ("idle phone", None if energy.idle_w is None else f"{energy.idle_w:.3g} W, taken off"),
        ("method", energy.method or None),
        ("first read", ", ".join(f"{name} {text}" for name, text in energy.raw.items()) or None),
    )
    print_table(("", ""), _known(rows), room=terminal_width())


def _show_attempts(record: RunRecord) -> None:
    if len(record.attempts) < 2:
        return
    _section("attempts")
    print_table(
        ("attempt", "on the phone", "cause", ""),
        [[item.number, item.phone_run_id, item.cause, item.sentence or ""] for item in record.attempts],
        room=terminal_width(),
    )


def _show_samples(run_id: str, samples: Sequence[Sample]) -> None:
    times = [sample.uptime_s for sample in samples if sample.uptime_s is not None]
    if not times:
        return
    hottest = max((sample.hottest_mc for sample in samples if sample.hottest_mc is not None), default=None)
    _section("samples")
    told = f"{len(samples)} over {max(times) - min(times):.0f} s"
    told += f", hottest {format_celsius(hottest)}" if hottest is not None else ""
    print(told)
    print(f"devicehub runs export --samples {run_id}")


def _show_events(events: Sequence[RunEventView]) -> None:
    _section("what happened")
    print_table(
        ("", "", "", ""),
        [[format_time(event.wall_s), event.kind, event.state, event.detail] for event in events],
        room=terminal_width(),
    )
