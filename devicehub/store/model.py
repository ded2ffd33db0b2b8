"""What the store keeps, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run as it stands; times are seconds since the epoch on this host's clock.

    Attributes:
        phone_run_id: what the newest attempt's folder on the phone is called.
        model: its name; engine likewise.
        request: what was asked, as JSON that the store does not read.
        record: the record of the end that counts, as JSON; None before the end, and in lists.
        last_contact: when the phone was last heard of.
        stop_requested: when a person asked for the end.
        owner_pid: the process that carries the run; None where none does.
        owner_started: when that process began, which tells it from a later one of the same pid.
        prefill_tok_s: the median over the launches that count; so is decode_tok_s.
        fidelity: the share of the model's fixture that was answered as on the host; else why it is not known.
        protocol: its id; None for a run without.
        launches: how many the medians are of.
        client: who asked for it, where it came out of the queue.
        decode_spread: of the decode speed, (highest - lowest) / median; None for one launch.
    """

    id: str
    state: str
    attempt: int
    phone_run_id: str
    serial: str
    serialno: str
    boot_id: str
    product: str | None
    model: str
    engine: str
    profile: str
    workload: str
    virtual: bool
    created: float
    started: float | None
    updated: float
    request: bytes
    last_contact: float | None = None
    stop_requested: float | None = None
    owner_pid: int | None = None
    owner_started: float | None = None
    verdict: str | None = None
    cause: str | None = None
    trusted: bool | None = None
    prefill_tok_s: float | None = None
    decode_tok_s: float | None = None
    fidelity: float | None = None
    fidelity_reason: str | None = None
    protocol: str | None = None
    launches: int | None = None
    client: str | None = None
    decode_spread: float | None = None
    ended: float | None = None
    record: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class QueuedRow:
    """One run that waits.

    Attributes:
        entry: what begins as one: the run's own id, or that of the first run of its comparison.
        ask: what was asked, as JSON that the store does not read.
        number: grows with each that is queued; 0 before.
        owner_pid: the process that is about to begin it, with `owner_started` as in `RunRow`.
    """

    run_id: str
    entry: str
    client: str
    submitted: float
    ask: bytes
    number: int = 0
    owner_pid: int | None = None
    owner_started: float | None = None


@dataclass(frozen=True, kw_only=True)
class LaunchRow:
    """One launch of a run."""

    number: int
    verdict: str | None
    cause: str | None
    exit_status: int | None
    duration_s: float | None
    text: str | None


@dataclass(frozen=True, kw_only=True)
class RecordRow:
    """One measured row; `record` is its JSON."""

    launch: int
    position: int
    record: bytes


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """What happened to a run.

    Attributes:
        seq: grows with every event of any run.
        kind: an event of `runs.lifecycle`, or a word for what happened beside the states.
        state: the run's state after it.
    """

    seq: int
    attempt: int
    wall_s: float
    kind: str
    state: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Lines of a log that belong to a run.

    Attributes:
        launch: its number; 0 where they belong to the whole run.
        source: what they are: evidence, crash, loss.
    """

    launch: int
    source: str
    lines: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class EndRow:
    """One end of a run; number 2 replaced a first one that was `lost`."""

    number: int
    state: str
    wall_s: float
    record: bytes


@dataclass(frozen=True, kw_only=True)
class DeviceRow:
    """A phone that was seen.

    Attributes:
        strikes: runs in a row that ended for causes of the phone or its cable.
        last_cause: of the last strike.
        quarantined: since when it runs nothing; the reason stands beside.
        tidied: when old runs were last removed from it.
    """

    serialno: str
    boot_id: str | None
    serial: str | None
    product: str | None
    manufacturer: str | None
    android: str | None
    soc: str | None
    virtual: bool | None
    first_seen: float
    last_seen: float
    strikes: int
    last_cause: str | None
    quarantined: float | None
    quarantine_reason: str | None
    tidied: float | None


@dataclass(frozen=True, kw_only=True)
class CampaignRow:
    """A campaign.

    Attributes:
        state: running, stopped or ended; reason says why it is not running, as a slug.
        deadline: no cell is begun after it; None is never.
        plan: as `campaign.planned.Plan` in JSON.
        asks: what its runs are asked, by column, in JSON.
        summary: what lists show of one that is over.
    """

    id: str
    name: str
    state: str = "running"
    client: str
    created: float
    deadline: float | None = None
    reason: str | None = None
    ended: float | None = None
    plan: bytes
    asks: bytes
    summary: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """One attempt at a cell.

    Attributes:
        runs: the ids of its runs, the baseline's first.
        phone: as `campaign.planned.PhoneRef` in JSON.
        launches: measured ones of each run.
        outcome: what it came to, in JSON; None while it is not over, and where it was withdrawn.
        over: when it was.
    """

    campaign: str
    cell: int
    attempt: int
    runs: tuple[str, ...]
    phone: str
    launches: int
    begun: float
    outcome: bytes | None = None
    over: float | None = None
