"""The end of a run that never began: stopped while it waited, or refused when its turn came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.device.soc import SocFacts
from devicehub.dispatch.outcome import Ended, conclude, ended_by, make_record
from devicehub.runs.lifecycle import RunState, next_state
from devicehub.runs.model import (
    ComparisonRef,
    Conditions,
    DeviceRef,
    EngineRef,
    ModelRef,
    RunHeader,
    RunRecord,
    Timings,
)

if TYPE_CHECKING:
    from devicehub.device.model import Device
    from devicehub.dispatch.entry import Entry, Target
    from devicehub.errors import HubError

REFUSED = "refused"
"""The hub's word for a run that could not begin."""


def unbegun_record(
    run_id: str,
    entry: Entry | None,
    device: Device | None,
    *,
    cause: str,
    error: HubError | None,
    ended_s: float,
) -> RunRecord:
    """The record of a run that no phone was told of: it holds the names that were asked for.

    Args:
        run_id: of the run.
        entry: it, or of which it is one half; None where another version queued it.
        device: the phone that was chosen for it; None where none was.
        cause: `stopped`, or why it failed.
        error: what the hub met, where that is the reason.
        ended_s: seconds since the epoch.
    """
    header = _header(run_id, entry, device, entry.submitted if entry else ended_s)
    ended = ended_by(error, cause, Conditions()) if error else Ended(cause, Conditions())
    conclusion = conclude(header, ended)
    return make_record(
        header,
        ended,
        state=next_state(RunState.QUEUED, conclusion.event),
        conclusion=conclusion,
        attempts=[],
        timings=Timings(),
        ended_s=ended_s,
    )


def _header(run_id: str, entry: Entry | None, device: Device | None, submitted_s: float) -> RunHeader:
    """What is known: empty text stands for a thing that was not looked at."""
    model, engine, profile = names_of(entry, run_id) if entry else ("", None, None)
    run = entry.run if entry else None
    return RunHeader(
        id=run_id,
        workload=run.workload if run else "",
        virtual=bool(device and device.virtual),
        device=_device_ref(entry.wish(run_id).target if entry else None, device),
        engine=EngineRef(id="", name=engine or "", abi="", version=None, logcat=None),
        model=ModelRef(id="", name=model),
        profile=profile or "",
        config=dict(run.overrides) if run else {},
        config_sha256="",
        prompts=0,
        comparison=_comparison(entry, run_id) if entry else None,
        limits=dict(run.limits) if run else {},
        sample_hz=run.sample_hz if run else 1.0,
        started=submitted_s,
    )


def names_of(entry: Entry, run_id: str) -> tuple[str, str | None, str | None]:
    """The model, the engine and the profile that one run of an entry asks for."""
    run = entry.run
    names = {"model": run.model, "engine": run.engine, "profile": run.profile}
    if entry.comparison is not None:
        names[entry.comparison.by] = (entry.comparison.a, entry.comparison.b)[entry.arm(run_id)]
    return names["model"] or "", names["engine"], names["profile"]


def _comparison(entry: Entry, run_id: str) -> ComparisonRef | None:
    if entry.comparison is None:
        return None
    arm = entry.arm(run_id)
    return ComparisonRef(id=entry.id, by=entry.comparison.by, arm="AB"[arm], other=entry.run_ids[1 - arm])


def _device_ref(target: Target | None, device: Device | None) -> DeviceRef:
    facts = device.facts if device else None
    identity = device.identity if device else None
    return DeviceRef(
        serial=device.serial if device else target.serial if target else "",
        serialno=(identity.serialno if identity else target.serialno if target else None) or "",
        boot_id=(identity.boot_id if identity else target.boot_id if target else None) or "",
        product=facts.product if facts else None,
        manufacturer=facts.manufacturer if facts else None,
        android=facts.android if facts else None,
        sdk=facts.sdk if facts else None,
        soc=facts.soc if facts else SocFacts(),
    )
