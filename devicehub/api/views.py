"""From what the hub knows to what clients are shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.api.model import (
    LISTED,
    DeviceView,
    EngineView,
    LastFigures,
    ModelView,
    ProfileView,
    RunDocument,
    RunEventView,
    RunView,
    SampleView,
    SettingView,
)
from devicehub.device.lifecycle import DeviceState
from devicehub.device.select import problem_of
from devicehub.dispatch.journal import is_alive
from devicehub.models.origin import read_origin
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from devicehub.device.model import Device
    from devicehub.dispatch.queued import QueuedRun
    from devicehub.engines.catalog import Engine
    from devicehub.models.catalog import Model, ModelCatalog
    from devicehub.profiles.load import Located
    from devicehub.settings import Value
    from devicehub.store.model import EventRow, RunRow
    from devicehub.store.store import Store
    from devicehub.telemetry.reading import Reading


def device_id(device: Device, *, shared: bool = False) -> str:
    """What names a device while the hub runs; `shared` says that another one has its serial."""
    return f"{device.serial}#{device.transport_id}" if shared else device.serial


def device_view(
    device: Device,
    *,
    shared: bool = False,
    run: RunRow | None = None,
    waiting: int = 0,
    last: LastFigures | None = None,
) -> DeviceView:
    """One device.

    Args:
        device: as the fleet knows it.
        shared: another one has its serial.
        run: the run under way on it.
        waiting: runs that wait for it alone.
        last: the newest figures that it gave.
    """
    facts, soc = device.facts, device.facts.soc if device.facts else None
    temp_mc = device.battery.temp_mc
    return DeviceView(
        id=device_id(device, shared=shared),
        serial=device.serial,
        transport_id=device.transport_id,
        state=str(device.state),
        adb_state=device.transports[0].state if device.transports else None,
        product=facts.product if facts else None,
        manufacturer=facts.manufacturer if facts else None,
        soc=soc.model if soc else None,
        soc_name=soc.name if soc else None,
        vendor=soc.vendor if soc else None,
        gpu=soc.gpu if soc else None,
        htp=soc.htp if soc else None,
        android=facts.android if facts else None,
        sdk=facts.sdk if facts else None,
        battery=device.battery.level_percent,
        temp_c=None if temp_mc is None else temp_mc / 1000,
        run=device.run,
        phase=run.state if run else None,
        model=run.model if run else None,
        quarantine=device.quarantine,
        virtual=device.virtual,
        serialno=device.identity.serialno if device.identity else None,
        boot_id=device.identity.boot_id if device.identity else None,
        transports=[line.serial for line in device.transports],
        waiting=waiting,
        last=last,
        problem=None if device.state is DeviceState.IDENTIFYING else problem_of(device),
        abis=list(facts.abis) if facts else [],
        kind="host" if device.is_host else "phone",
    )


def last_figures(row: RunRow) -> LastFigures:
    """The figures of a run that has some."""
    return LastFigures(
        run=row.id,
        model=row.model,
        prefill_tok_s=row.prefill_tok_s,
        decode_tok_s=row.decode_tok_s,
        fidelity=row.fidelity,
        spread=row.decode_spread,
        trusted=bool(row.trusted),
    )


def sample_view(device: str, reading: Reading) -> SampleView:
    """The newest reading of a device, which is named by its id."""
    return msgspec.convert({**vars(reading), "device": device}, SampleView)


def run_view(row: RunRow, *, device: str | None = None) -> RunView:
    """One run that has begun."""
    return RunView(
        id=row.id,
        state=row.state,
        verdict=row.verdict,
        cause=row.cause,
        trusted=row.trusted,
        serial=row.serial,
        serialno=row.serialno,
        product=row.product,
        model=row.model,
        engine=row.engine,
        profile=row.profile,
        workload=row.workload,
        virtual=row.virtual,
        prefill_tok_s=row.prefill_tok_s,
        decode_tok_s=row.decode_tok_s,
        fidelity=row.fidelity,
        fidelity_reason=row.fidelity_reason,
        protocol=row.protocol,
        launches=row.launches,
        attempt=row.attempt,
        created=row.created,
        started=row.started,
        updated=row.updated,
        ended=row.ended,
        stop_requested=row.stop_requested,
        left=is_left(row),
        client=row.client,
        device=device,
    )


def queued_view(queued: QueuedRun) -> RunView:
    """One run that waits."""
    ask, submitted = queued.entry.run, queued.entry.submitted
    return RunView(
        id=queued.id,
        state=RunState.QUEUED,
        verdict=None,
        cause=None,
        trusted=None,
        serial=queued.serial,
        serialno=queued.serialno,
        product=None,
        model=queued.model,
        engine=queued.engine,
        profile=queued.profile,
        workload=ask.workload,
        virtual=False,
        prefill_tok_s=None,
        decode_tok_s=None,
        fidelity=None,
        fidelity_reason=None,
        protocol=ask.protocol,
        launches=None,
        attempt=1,
        created=submitted,
        started=None,
        updated=submitted,
        ended=None,
        stop_requested=None,
        left=False,
        client=queued.entry.client,
        place=queued.place,
        waits_for=queued.waits_for,
    )


def is_left(row: RunRow) -> bool:
    """Whether a run has no end and nobody carries it: its hub was killed, or its phone is away."""
    if row.ended is not None:
        return False
    return (
        row.owner_pid is None or row.owner_started is None or not is_alive(row.owner_pid, row.owner_started)
    )


def event_view(event: EventRow) -> RunEventView:
    """One event of a run."""
    return msgspec.convert(event, RunEventView, from_attributes=True)


def run_document(store: Store, row: RunRow, *, text: str = "") -> RunDocument:
    """All that is known of one run; `text` is what its model has said so far."""
    view = run_view(row)
    known: dict[str, Any] = json.loads(row.record or row.request)
    document = {
        **known,
        **{name: getattr(view, name) for name in LISTED if name not in known},
        "phone_run_id": row.phone_run_id,
        "last_contact": row.last_contact,
        "events": [msgspec.to_builtins(event) for event in store.events(row.id)],
        "excerpts": [msgspec.to_builtins(part) for part in store.excerpts(row.id)],
        "samples": {"attempt": row.attempt, "lines": store.samples_stored(row.id, row.attempt)},
        "ends": [
            {"number": end.number, "state": end.state, "wall_s": end.wall_s} for end in store.ends(row.id)
        ],
    }
    events = [event_view(event) for event in store.events(row.id)]
    return RunDocument(run=view, document=document, events=events, text=text)


def engine_view(engine: Engine) -> EngineView:
    """One engine."""
    return EngineView(
        id=engine.id,
        name=engine.name,
        abi=engine.abi,
        version=engine.version,
        logcat=engine.logcat,
        programs=list(engine.executables),
        files=[entry.path for entry in engine.manifest.files],
        size=engine.manifest.size,
        page_align=engine.page_align,
        sha256=engine.manifest.id,
        origin=engine.origin,
        backends=list(engine.features.backends),
        omni=engine.omni,
    )


def model_view(catalog: ModelCatalog, model: Model) -> ModelView:
    """One model, and whether its files are as they were."""
    fixture = catalog.fixture(model)
    facts, origin = None, read_origin(model.root)
    if fixture is not None:
        facts = {
            "prompts": len(fixture.prompts),
            "pieces": sum(len(prompt.pieces) for prompt in fixture.prompts),
            "engine": fixture.engine,
            "source": fixture.source,
            "sha256": fixture.digest,
        }
    return ModelView(
        name=model.name,
        id=model.id,
        state=catalog.state(model),
        root=str(model.root),
        files=[entry.path for entry in model.manifest.files],
        size=model.manifest.size,
        sha256=model.manifest.id,
        warnings=list(model.warnings),
        fixture=facts,
        fixture_reason=catalog.fixture_reason(model),
        source=origin.source,
        pulled=origin.pulled,
        quant=origin.quant,
        recipe=origin.recipe,
        cosine=origin.cosine,
        htp=origin.htp,
    )


def profile_view(located: Located, summary: str) -> ProfileView:
    """One profile."""
    return ProfileView(kind=located.kind, id=located.id, purpose=summary, user=located.own)


def setting_view(value: Value) -> SettingView:
    """A setting as clients are shown it."""
    return SettingView(
        name=value.setting.name,
        value="set, not shown" if value.setting.is_secret and value.value else value.value,
        origin=value.origin.value,
        place=value.place,
        help=value.setting.help,
    )
