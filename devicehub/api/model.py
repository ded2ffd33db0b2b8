"""What travels over the API: views of phones, runs and the catalogue, and events. Pure.

Names ending in `View` are what a client is shown of a thing of that name. Times are seconds since the epoch
on the hub's clock unless their name says otherwise; None is what is not known.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from devicehub.api.campaign_model import CampaignChanged as CampaignChanged
from devicehub.api.job_model import ExportPlanView as ExportPlanView
from devicehub.api.job_model import JobView as JobView
from devicehub.api.job_model import LogPage as LogPage
from devicehub.api.job_model import StageView as StageView


class LastFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the newest run on a phone that has any."""

    run: str
    model: str
    prefill_tok_s: float | None
    decode_tok_s: float | None
    fidelity: float | None
    spread: float | None = None
    """Of the decode speed over the measured launches, (highest - lowest) / median; None for one launch."""
    trusted: bool = True


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """One device.

    Attributes:
        id: names it while the hub runs: its serial, with `#transport_id` where several share that.
        adb_state: adb's own word.
        run: the id of the run under way; so is phase, its state.
        waiting: how many runs are queued for this phone alone.
        problem: why it cannot be used now, in a sentence with the remedy; None where it can.
        abis: what its processors execute, the preferred one first.
        kind: `host` is the hub's own computer, whose serial is `local`.
    """

    id: str
    serial: str
    transport_id: int | None
    state: str
    adb_state: str | None
    product: str | None
    manufacturer: str | None
    soc: str | None
    soc_name: str | None
    vendor: str | None
    android: str | None
    sdk: int | None
    battery: int | None
    temp_c: float | None
    run: str | None
    quarantine: str | None
    virtual: bool
    serialno: str | None
    boot_id: str | None
    transports: list[str]
    gpu: str | None = None
    htp: str | None = None
    phase: str | None = None
    model: str | None = None
    """What the run under way runs."""
    waiting: int = 0
    last: LastFigures | None = None
    problem: str | None = None
    abis: list[str] = []
    kind: Literal["phone", "host"] = "phone"


class SampleView(msgspec.Struct, frozen=True, kw_only=True):
    """The newest reading of a phone, of a run's sampler or of the hub's own look.

    Attributes:
        device: its id.
        temp_mc: of the skin, else the battery, in milli-degrees Celsius; zone says which.
        cpu_percent: of all cores together, 0 to 100; so is gpu_percent.
        clocks_khz: by cluster (`policy0`); caps_khz likewise, what Android allows now.
        power_mw: what the battery gives; negative while it is charged.
        thermal_status: Android's own, 0 none to 6 shutdown.
        decode_tok_s: of the run under way, as far as its counters have come.
    """

    device: str
    wall_s: float
    run: str | None = None
    temp_mc: int | None = None
    zone: str | None = None
    cpu_percent: float | None = None
    gpu_percent: float | None = None
    gpu_khz: int | None = None
    clocks_khz: dict[str, int] = {}
    caps_khz: dict[str, int] = {}
    mem_available_kib: int | None = None
    mem_total_kib: int | None = None
    storage_free_kib: int | None = None
    battery_percent: int | None = None
    charging: bool | None = None
    power_mw: float | None = None
    thermal_status: int | None = None
    decode_tok_s: float | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run as lists show it; up to `left`, field by field what `runs list --json` prints.

    Attributes:
        left: it has no end and nobody carries it.
        client: who asked for it, as that client called itself.
        place: its place in the queue, from 1; None where it does not wait.
        waits_for: why it waits, in a sentence; None where it does not, or begins this moment.
        device: the id of its device while that is known.
    """

    id: str
    state: str
    verdict: str | None
    cause: str | None
    trusted: bool | None
    serial: str | None
    serialno: str | None
    product: str | None
    model: str
    engine: str | None
    profile: str | None
    workload: str
    virtual: bool
    prefill_tok_s: float | None
    decode_tok_s: float | None
    fidelity: float | None
    fidelity_reason: str | None
    protocol: str | None
    launches: int | None
    attempt: int
    created: float
    started: float | None
    updated: float
    ended: float | None
    stop_requested: float | None
    left: bool
    client: str | None = None
    place: int | None = None
    waits_for: str | None = None
    device: str | None = None


LISTED: Final = RunView.__struct_fields__[: RunView.__struct_fields__.index("left") + 1]
"""The fields of a run that `runs list --json` prints."""


class RunEventView(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a run; `seq` grows with every event of any run."""

    seq: int
    attempt: int
    wall_s: float
    kind: str
    state: str
    detail: str


class RunDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one run.

    Attributes:
        document: the run record, or before the end what is known of it, as `runs show --json` prints it.
        text: what the model has said so far, of a run that is under way.
    """

    run: RunView
    document: dict[str, Any]
    events: list[RunEventView]
    text: str = ""


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, the newest first; `next` is given as `before` to get the next page, None at the end."""

    runs: list[RunView]
    total: int
    next: str | None = None


class RecordPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records of runs that have ended, as they were stored; `next` as a `RunPage` has it."""

    records: list[dict[str, Any]]
    next: str | None = None


class EngineView(msgspec.Struct, frozen=True, kw_only=True):
    """One engine of the catalogue, as `engines list --json` prints it."""

    id: str
    name: str
    abi: str
    version: str | None
    logcat: bool | None
    programs: list[str]
    files: list[str]
    size: int
    page_align: int | None
    sha256: str
    origin: str | None
    backends: list[str] = []
    omni: bool | None = None


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the catalogue, as `models list --json` prints it."""

    name: str
    id: str
    state: str
    root: str
    files: list[str]
    size: int
    sha256: str
    warnings: list[str]
    fixture: dict[str, Any] | None
    fixture_reason: str | None
    source: str | None = None
    """The checkpoint that it was exported from; models with the same one are variants."""
    pulled: str | None = None
    """The repository that it was pulled from."""
    quant: str | None = None
    recipe: str | None = None
    """By which it was exported here."""
    cosine: float | None = None
    """Of its logits with its source's, the mean over all positions; None where they were not compared."""
    htp: str | None = None
    """The generation of Qualcomm's NPU that it is compiled for; None for any processor."""


class HolderView(msgspec.Struct, frozen=True, kw_only=True):
    """A model on a phone, as the manifest there tells.

    Attributes:
        model: its name, there and in the catalogue; it may be in the catalogue no longer.
        device: the phone's id.
        same: it holds what the catalogue has of that name; None where that has none.
        seen: when the phone was asked.
    """

    model: str
    device: str
    same: bool | None
    seen: float


class LitterView(msgspec.Struct, frozen=True, kw_only=True):
    """Something of models under the hub's home that nothing needs.

    Attributes:
        kind: `part` of a pull, an export or a removal that was cut, a `model` or `checkpoint` that no entry
            of the catalogue names, a `file` of a process that died.
        source: where it was pulled from, or the checkpoint that it was exported from.
    """

    id: str
    kind: Literal["part", "model", "checkpoint", "file"]
    path: str
    size: int
    source: str | None = None


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """One profile; `kind` is its folder's name."""

    kind: str
    id: str
    purpose: str
    user: bool
    """It is the user's own."""


class SettingView(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, its value and where that comes from."""

    name: str
    value: Any
    origin: Literal["default", "file", "environment", "command line"]
    place: str | None = None
    """The file and key, the variable or the option."""
    help: str = ""


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub is and has to do."""

    url: str
    pid: int
    version: str
    devices: int
    runs: int
    """Under way."""
    queued: int = 0
    jobs: int = 0
    """Pushes and the like under way; they end with the hub."""
    epoch: str = ""
    uptime_s: float = 0.0
    home: str = ""
    adb: str = ""
    """Where its adb server is, and how it does, in a sentence."""
    clients: int = 0
    run_ids: list[str] = []
    auto: bool = False
    """A command started it; it ends by itself when nothing is to be done."""


class WayView(msgspec.Struct, frozen=True, kw_only=True):
    """How a program of the hub's host reaches a phone: for `scrcpy` and `adb`.

    Attributes:
        shared: other phones have the same serial, so only the transport_id names this one.
        title: what to call it in a window.
    """

    serial: str
    transport_id: int | None
    adb_host: str
    adb_port: int
    adb_path: str
    local: bool
    """Whether this client is on the hub's host."""
    shared: bool = False
    title: str = ""


class ShotView(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of the screen."""

    png: bytes


# Events, by topic


class DeviceChanged(msgspec.Struct, frozen=True, kw_only=True, tag="changed"):
    """A device came or changed."""

    device: DeviceView


class DeviceRemoved(msgspec.Struct, frozen=True, kw_only=True, tag="removed"):
    """A device is no longer listed."""

    id: str


class RunChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A run moved on, or its place in the queue did; `event` is what was written down, if anything was."""

    run: RunView
    event: RunEventView | None = None


class TokensSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The model said more."""

    run: str
    text: str


class ProgressMade(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a transfer, a fixture or the like is done; total is 0 where it is not known.

    Of an export `stage` tells more, and `done` and `total` are thousandths.
    """

    run: str | None
    job: str | None
    label: str
    done: int
    total: int
    serial: str | None = None
    stage: StageView | None = None


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A person wants to know it: a caution, a retry, an adb server that was started again."""

    text: str
    wall_s: float
    run: str | None = None
    serial: str | None = None
    level: Literal["info", "warning", "error"] = "info"


class LogLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a phone's log, in logcat's threadtime format."""

    device: str
    lines: list[str]


class JobChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A job moved on."""

    job: JobView


class ModelChanged(msgspec.Struct, frozen=True, kw_only=True, tag="changed"):
    """A model came into the catalogue or changed."""

    model: ModelView


class ModelRemoved(msgspec.Struct, frozen=True, kw_only=True, tag="removed"):
    """A model is no longer in the catalogue."""

    name: str


class ShellSaid(msgspec.Struct, frozen=True, kw_only=True):
    """Output of a shell session; its last event has a `status`, or a `problem` where the phone told none.

    Attributes:
        error: it came from stderr.
        status: the exit status.
        kind: the class name of the hub's error that the problem is.
    """

    session: str
    data: bytes = b""
    error: bool = False
    status: int | None = None
    problem: str | None = None
    kind: str = ""


DeviceEvent = DeviceChanged | DeviceRemoved
ModelEvent = ModelChanged | ModelRemoved
TOPICS: dict[str, Any] = {
    "devices": DeviceEvent,
    "samples": SampleView,
    "runs": RunChanged,
    "tokens": TokensSaid,
    "progress": ProgressMade,
    "notes": Noted,
    "log": LogLines,
    "jobs": JobChanged,
    "models": ModelEvent,
    "campaigns": CampaignChanged,
    "shell": ShellSaid,
}
"""What the events of a topic are. `shell` goes to the connection that opened the session alone."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is pushed; `seq` grows by one with each of its topic and starts anew with the epoch."""

    topic: str
    epoch: str
    seq: int
    data: Any
