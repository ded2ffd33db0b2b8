"""What a run is: the record that `run --json` prints. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import msgspec

from devicehub.device.soc import SocFacts
from devicehub.runs.lifecycle import RunState
from devicehub.workloads.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence


class DeviceRef(msgspec.Struct, frozen=True, kw_only=True):
    """The phone that a run took place on."""

    serial: str
    serialno: str
    boot_id: str
    product: str | None
    manufacturer: str | None
    android: str | None
    sdk: int | None
    soc: SocFacts


class EngineRef(msgspec.Struct, frozen=True, kw_only=True):
    """The engine of a run; `id` names its content."""

    id: str
    name: str
    abi: str
    version: str | None
    logcat: bool | None
    """Whether it prints its counters to logcat; None where it cannot be told."""


class ModelRef(msgspec.Struct, frozen=True, kw_only=True):
    """The model of a run; `id` names its content."""

    id: str
    name: str


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One start of the process and what came of it."""

    verdict: str | None
    cause: str | None
    text: str | None
    """What the model said: all that stands between `prompt file is` and the last block."""
    records: list[Record]
    exit_status: int | None
    evidence: list[str] = []
    """The lines that prove the cause."""
    remedy: str | None = None
    stdout_buffered: bool = True
    """The process wrote to a file: a crash loses what it had not flushed."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over the measured launches."""

    median: float
    lowest: float
    highest: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the measured launches; one launch has no spread."""

    launches: int
    prefill_tok_s: Spread | None
    decode_tok_s: Spread | None
    load_ms: Spread | None


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """How long each phase took; None for a phase that was not reached."""

    check_ms: float | None = None
    push_engine_ms: float | None = None
    push_model_ms: float | None = None
    start_ms: float | None = None
    run_ms: float | None = None
    collect_ms: float | None = None
    pushed_bytes: int = 0
    push_mb_s: float | None = None
    """Decimal megabytes per second while bytes were on their way; None where nothing had to be sent."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures depend on beside the config."""

    adb_server: int | None = None
    adb_burst: bool | None = None
    """Whether the adb server negotiates delayed acknowledgements."""
    temp_mc_start: int | None = None
    temp_mc_end: int | None = None
    temp_mc_highest: int | None = None
    battery_percent_start: int | None = None
    battery_percent_end: int | None = None
    mem_available_kib_lowest: int | None = None
    samples: int = 0


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run, whole: what was asked, where, under which conditions, and what came of it."""

    id: str
    state: RunState
    verdict: str | None
    cause: str | None
    trusted: bool
    trust_reasons: list[str]
    """Why the figures are not to be trusted; empty where they are."""
    virtual: bool
    workload: str
    device: DeviceRef
    engine: EngineRef
    model: ModelRef
    profile: str
    config: dict[str, Any]
    config_sha256: str
    prompts: int
    protocol: str | None
    conditions: Conditions
    fidelity: float | None
    launches: list[Launch]
    summary: Summary | None
    timings: Timings
    started: float
    """Seconds since the epoch on the host's clock."""
    ended: float


def summarize(launches: Sequence[Launch]) -> Summary | None:
    """Median and range of each figure over the launches that succeeded; None where none did."""
    good = [launch for launch in launches if launch.verdict == "succeeded"]
    if not good:
        return None
    records = [record for launch in good for record in launch.records]
    return Summary(
        launches=len(good),
        prefill_tok_s=_spread([record.prefill_tok_s for record in records]),
        decode_tok_s=_spread([record.decode_tok_s for record in records]),
        load_ms=_spread([record.load_ms for record in records]),
    )


def _spread(figures: Sequence[float | None]) -> Spread | None:
    known = [figure for figure in figures if figure is not None]
    if not known:
        return None
    return Spread(median=statistics.median(known), lowest=min(known), highest=max(known))
