"""What a run is: the record that `run --json` prints. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from devicehub.device.soc import SocFacts
from devicehub.models.fixture import Fixture
from devicehub.profiles.schema import ProtocolFile
from devicehub.runs.answers import Evaluation, SuiteResult
from devicehub.runs.lifecycle import RunState
from devicehub.runs.start import CpuCluster, Link, StartState
from devicehub.runs.steps import Step, StepKind
from devicehub.workloads.ceval import EvalAsked
from devicehub.workloads.choices import ChoiceAnswer
from devicehub.workloads.record import Record
from devicehub.workloads.suite import Suite

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


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader of a figure must know beside it."""

    slug: str
    sentence: str


class GateEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a launch came past its gate."""

    waited_s: float
    """On the phone's boot clock."""
    timed_out: bool
    """The phone was still warm or throttled when the gate's time was up."""
    temp_mc: int | None = None
    """Of the gate's zone when the launch began; None where the phone tells none."""
    zone: str | None = None
    """Which one that was."""
    throttled: bool | None = None


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One start of the process and what came of it."""

    number: int = 1
    order: int = 1
    """Its place in the list that the phone worked through, which also holds what is not shown as a launch."""
    kind: StepKind = "measured"
    cold: bool | None = None
    """Whether the engine made its caches anew in it; None where it cannot be told."""
    sampled: bool = True
    gate: GateEnd | None = None
    flags: list[Flag] = []
    verdict: str | None
    cause: str | None
    text: str | None
    """What the model said: all that stands between `prompt file is` and the last block."""
    records: list[Record]
    choices: list[ChoiceAnswer] = []
    """Of workload eval: how the questions of its file were answered."""
    perplexity: float | None = None
    """Of workload eval: that of its text."""
    exit_status: int | None
    evidence: list[str] = []
    """The lines that prove the cause."""
    remedy: str | None = None
    doubts: list[str] = []
    """Why figures that were read are not to be trusted."""
    started_s: float | None = None
    """On the phone's boot clock, which counts suspension; as in the samples."""
    duration_s: float | None = None
    """On the same clock."""
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
    """How many the figures are of: measured, succeeded, warm where there are warm ones."""
    cold: int = 0
    """How many measured launches were cold and are left out."""
    sampled: bool | None = None
    """Whether the sampler ran meanwhile; None where it did in some of them."""
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
    gpu_khz: Course | None = None
    """Its clock."""
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
    throttling: Literal["yes", "no", "inferred"] | None = None
    """As `throttled`; inferred where only the work per cycle tells of it."""
    samples: int = 0
    build: str | None = None
    """ro.build.fingerprint."""
    security_patch: str | None = None
    cpus_online: str | None = None
    """When the run started; so are the clusters, the link and all that has no other time in its name."""
    clusters: dict[str, CpuCluster] = {}
    """Governor, clocks and caps, by the kernel's name: `policy0`."""
    usb_mode: str | None = None
    """The USB functions beside adb, joined by commas; `adb only` where there are none."""
    link: Link = Link()
    adb_version: str | None = None
    """Of the adb server's program; servers before 35 do not tell it."""
    external_power: str | None = None
    """ac, usb, wireless, dock, other, or none."""
    plugged_end: bool | None = None
    """Whether power came from outside when the run had ended."""
    charge: str | None = None
    """charging, discharging, not_charging, full."""
    charges: list[str] = []
    """All that the samples saw of it, in the order of their first time."""
    power_saver: bool | None = None
    screen_on_start: bool | None = None
    screen_on_end: bool | None = None
    locked_start: bool | None = None
    locked_end: bool | None = None
    skin_zone: str | None = None
    """Whose temperature tells how warm the phone is: its skin's, else its battery's."""
    skin_mc_start: int | None = None
    skin_mc_highest: int | None = None
    agent: str | None = None
    """The content of the scripts on the phone, by the first digits of its SHA-256."""
    steady: str | None = None
    """Whether clocks were held to what the phone can keep: on, unsupported, refused; None where not asked."""


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """What may spoil a run, told before it starts; `--strict` refuses to start then."""

    slug: str
    sentence: str
    remedy: str


class Protocol(ProtocolFile, frozen=True, kw_only=True):
    """How the figures were made: a protocol of profiles/protocols with what the request changed."""

    id: str
    changed: tuple[str, ...] = ()
    """The names of the fields in which it differs from its file."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a run; a retry is a new attempt, begun only when the old supervisor is proven dead."""

    number: int
    phone_run_id: str
    """What its folder on the phone is called."""
    cause: str | None = None
    """Why it was not the last one, or how it failed; None for the one that gave the result."""
    sentence: str | None = None


class HubProblem(msgspec.Struct, frozen=True, kw_only=True):
    """The error that the hub met and that ended a run."""

    kind: str
    """The name of its class in `devicehub.errors`."""
    sentence: str
    transient: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone answered to one prompt of a fixture."""

    prompt: str
    expected: str
    text: str | None
    """None where the launch gave none."""
    matched: int
    """How many of the fixture's pieces the answer begins with."""
    of: int
    cause: str | None = None
    """Why the launch failed, where it did."""


class Fidelity(msgspec.Struct, frozen=True, kw_only=True):
    """How far a phone answers a model's fixture as the host does."""

    share: float | None
    """Of all pieces; None where there is nothing to tell it by."""
    reason: str | None = None
    """Why it is None."""
    answers: list[Answer] = []
    run_id: str | None = None
    """The run that answered; another one than this where the answer is remembered."""
    source: str = "unchecked"
    """Whether the model itself was held against its source."""


class ComparisonRef(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison that a run is one half of."""

    id: str
    by: str
    """The factor that differs: engine, model, profile or phone."""
    arm: str
    """A or B."""
    other: str
    """The id of the other half's run."""


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """What the decoding took from the battery."""

    joules_per_token: float | None
    reason: str | None = None
    """Why it is None."""
    method: str = ""
    """How it was had, in a sentence."""
    joules: float | None = None
    """Over the measured launches, the idle phone's share taken off."""
    idle_w: float | None = None
    tokens: int | None = None
    raw: dict[str, str] = {}
    """Current, voltage and status as the phone wrote them first, by their names in the samples."""


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
    """In the prompt file of a launch."""
    asked_suite: Suite | None = None
    """Of its prompts each measured launch has one, in order."""
    asked_eval: EvalAsked | None = None
    """Each measured launch has one of its files, the last one its text, in order."""
    steps: list[Step] = []
    """What the phone works through, of both runs where it is a comparison's."""
    arm: int = 0
    """Which of the steps are this run's."""
    comparison: ComparisonRef | None = None
    protocol: Protocol | None = None
    fixture: Fixture | None = None
    """What the model is asked before; None where it is not asked now."""
    fidelity_known: Fidelity | None = None
    """What is known of it where it is not asked: an earlier answer, or why there is none."""
    steady: bool = False
    """Whether the phone is asked for clocks that it can hold."""
    energy_asked: bool = False
    cost_asked: bool = False
    """Whether launches with and without sampling alternate, to learn what sampling costs."""
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
    at_start: StartState | None = None
    """How the phone stood when the check before the run asked it."""
    reads_bytes: int | None = None
    """What decoding a token reads of the weights; None where that depends on the token."""
    memory_gb_s: float | None = None
    """What the phone's memory can give."""
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
    answered: Fidelity = Fidelity(share=None)
    flags: list[Flag] = []
    suite: SuiteResult | None = None
    """None where no suite was asked."""
    evaluation: Evaluation | None = None
    """None for other workloads than eval."""
    energy: Energy | None = None
    sampling_cost: float | None = None
    """The share of the decode speed that sampling takes, where this run measured it."""
    launches: list[Launch]
    summary: Summary | None
    timings: Timings
    diagnosis: list[str] = []
    """The last lines of a launch that was repeated attached to a terminal; without figures."""
    error: HubProblem | None = None
    """What the hub met; None where the run's end was the phone's own."""
    ended: float


def summarize(launches: Sequence[Launch], *, unsampled: bool = False) -> Summary | None:
    """Median and range of each figure over the measured launches that succeeded; None where none did.

    Cold launches count only where there are no warm ones.

    Args:
        launches: of the run.
        unsampled: leave out launches that the sampler disturbed.
    """
    good = [launch for launch in launches if launch.kind == "measured" and launch.verdict == "succeeded"]
    good = [launch for launch in good if not launch.sampled] if unsampled else good
    warm = [launch for launch in good if not launch.cold]
    counted = warm or good
    if not counted:
        return None
    return Summary(
        launches=len(counted),
        cold=len(good) - len(counted),
        sampled=None if len({launch.sampled for launch in counted}) > 1 else counted[0].sampled,
        prefill_tok_s=_spread([figure_of(launch, "prefill_tok_s") for launch in counted]),
        decode_tok_s=_spread([figure_of(launch, "decode_tok_s") for launch in counted]),
        load_ms=_spread([figure_of(launch, "load_ms") for launch in counted]),
    )


FigureName = Literal["prefill_tok_s", "decode_tok_s", "load_ms"]


def figure_of(launch: Launch, name: FigureName) -> float | None:
    """A launch's one figure: that of its last row that has it; None where no row does."""
    rows: list[float | None] = [getattr(record, name) for record in launch.records]
    return next((value for value in reversed(rows) if value is not None), None)


def _spread(figures: Sequence[float | None]) -> Spread | None:
    known = [figure for figure in figures if figure is not None]
    if not known:
        return None
    return Spread(median=statistics.median(known), lowest=min(known), highest=max(known))
