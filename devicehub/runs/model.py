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

    number: int = 1
    verdict: str | None
    cause: str | None
    text: str | None
    """What the model said: all that stands between `prompt file is` and the last block."""
    records: list[Record]
    exit_status: int | None
    evidence: list[str] = []
    """The lines that prove the cause."""
    remedy: str | None = None
    doubts: list[str] = []
    """Why figures that were read are not to be trusted."""
    duration_s: float | None = None
    """On the phone's boot clock, which counts suspension."""
    oom_score_adj: int | None = None
    """How gladly the kernel would have taken the process."""
    cpus_allowed: str | None = None
    cgroups: list[str] = []
    crash: list[str] = []
    """What the phone's crash buffer, its low-memory killer or its watchdog said of this process."""
    log_loss: list[str] = []
    """What tells that the captured log has holes."""
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


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How a reading went over a run."""

    start: int
    lowest: int
    highest: int
    end: int


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures depend on beside the config."""

    adb_server: int | None = None
    adb_burst: bool | None = None
    """Whether the adb server negotiates delayed acknowledgements."""
    usb_state: str | None = None
    """The USB functions when the run started; all but `adb` may end it with the cable."""
    screen: str | None = None
    """As the phone called its state then."""
    plugged: str | None = None
    temp_mc_start: int | None = None
    temp_mc_end: int | None = None
    temp_mc_highest: int | None = None
    battery_percent_start: int | None = None
    battery_percent_end: int | None = None
    mem_available_kib_lowest: int | None = None
    rss_kib_highest: int | None = None
    """Of the workload."""
    threads_highest: int | None = None
    gpu_percent: Course | None = None
    """How busy the GPU was."""
    temps_mc: dict[str, Course] = {}
    """By thermal zone, in milli-degrees Celsius."""
    caps_khz: dict[str, Course] = {}
    """The highest clock that a CPU cluster was allowed."""
    thermal_status_highest: int | None = None
    """Android's own: 0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown."""
    throttled: bool | None = None
    """None where the phone tells neither its thermal status nor its clocks."""
    throttle_signs: list[str] = []
    """What tells of throttling, one sentence each."""
    samples: int = 0


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """What may spoil a run, told before it starts; `--strict` refuses to start then."""

    slug: str
    sentence: str
    remedy: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a run; a retry is a new attempt, begun only when the old supervisor is proven dead."""

    number: int
    phone_run_id: str
    """What its folder on the phone is called."""
    cause: str | None = None
    """Why it was not the last one, or how it failed; None for the one that gave the result."""
    sentence: str | None = None


class RunHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run before it starts: enough for any hub to read what the phone then has of it."""

    id: str
    workload: str
    virtual: bool
    device: DeviceRef
    engine: EngineRef
    model: ModelRef
    profile: str
    config: dict[str, Any]
    config_sha256: str
    prompts: int
    launches_asked: int = 1
    protocol: str | None = None
    options: dict[str, Any] = {}
    """The workload's own: what llm_bench is asked, the table of a custom workload."""
    result_files: list[str] = []
    """What each launch writes into its folder on the phone for the hub to fetch."""
    media: dict[str, int] = {}
    """How many pictures and sounds the prompts hold, by kind."""
    limits: dict[str, int] = {}
    sample_hz: float = 1.0
    cautions: list[Caution] = []
    adb_server: int | None = None
    adb_burst: bool | None = None
    battery_percent: int | None = None
    """When the phone was identified; so is the temperature."""
    battery_temp_mc: int | None = None
    started: float
    """Seconds since the epoch on the host's clock."""


class RunRecord(RunHeader, frozen=True, kw_only=True):
    """One run, whole: what was asked, where, under which conditions, and what came of it."""

    state: RunState
    verdict: str | None
    cause: str | None
    trusted: bool
    trust_reasons: list[str]
    """Why the figures are not to be trusted; empty where they are."""
    attempts: list[Attempt]
    conditions: Conditions
    fidelity: float | None
    launches: list[Launch]
    summary: Summary | None
    timings: Timings
    diagnosis: list[str] = []
    """The last lines of a launch that was repeated attached to a terminal; without figures."""
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
