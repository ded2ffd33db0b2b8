"""All that the screens show, and what moves it on as the hub tells. Knows no Textual."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.api.campaign_model import CampaignChanged, CampaignView
from devicehub.api.model import (
    DeviceChanged,
    DeviceRemoved,
    DeviceView,
    JobChanged,
    JobView,
    ModelChanged,
    ModelRemoved,
    ModelView,
    Noted,
    ProgressMade,
    RunChanged,
    RunEventView,
    RunView,
    SampleView,
    TokensSaid,
)
from devicehub_tui.campaign_state import CampaignChanges, Campaigns, apply_changed, take_views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devicehub.api.contract import Gone
    from devicehub.api.model import Event

HISTORY_STEP_S: Final = 1.0
HISTORY_LENGTH: Final = 300
ENDED_KEPT: Final = 200
"""How many runs that have ended are kept; the others are asked of the hub."""
TEXT_KEPT: Final = 200_000
"""Characters kept of what a model says, the newest."""
NOTES_KEPT: Final = 200
_SERIAL_SHOWN: Final = 5
"""Characters of a serial, its last, that tell alike phones apart."""
EVENTS_KEPT: Final = 200
"""Of each run."""

ENDS: Final = frozenset({"succeeded", "failed", "cancelled", "lost"})
"""The states of a run after which nothing more happens to it."""


@dataclass(frozen=True)
class LinkView:
    """How the connection to the hub is; `text` says in a sentence why there is none."""

    up: bool = False
    text: str = "connecting to the hub"
    version: str = ""
    local: bool = True
    """This program runs on the hub's host."""


@dataclass
class Changes:
    """What has changed since a screen was drawn last.

    Attributes:
        devices: ids of those whose row may look different.
        listed: devices came or went, or what they are filtered, grouped and counted by changed.
        runs: ids; so are texts, of what was said in them.
        everything: as if all of it had changed: nothing was drawn yet, or not for a while.
    """

    devices: set[str] = field(default_factory=set)
    listed: bool = False
    runs: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    campaigns: CampaignChanges = field(default_factory=CampaignChanges)
    jobs: bool = False
    models: bool = False
    notes: bool = False
    link: bool = False
    marks: bool = False
    everything: bool = False

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.devices or self.runs or self.texts or self.campaigns) or (
            self.listed
            or self.jobs
            or self.models
            or self.notes
            or self.link
            or self.marks
            or self.everything
        )


class History:
    """The samples of one device, one a step, the oldest first."""

    __slots__ = ("_slot", "points")

    def __init__(self) -> None:
        self.points: deque[SampleView] = deque(maxlen=HISTORY_LENGTH)
        self._slot = -1

    def add(self, sample: SampleView) -> None:
        """Keep a sample; the newest of a step stands for it. A clock that went back begins anew."""
        slot = int(sample.wall_s // HISTORY_STEP_S)
        if slot == self._slot:
            self.points[-1] = sample
            return
        if slot < self._slot:
            self.points.clear()
        self._slot = slot
        self.points.append(sample)

    def since(self, seconds: float) -> SampleView | None:
        """The oldest sample of the last `seconds`, counted from the newest one."""
        if not self.points:
            return None
        first = self.points[-1].wall_s - seconds
        place = max(0, len(self.points) - int(seconds / HISTORY_STEP_S) - 1)
        while self.points[place].wall_s < first:
            place += 1
        return self.points[place]


@dataclass
class State:
    """What is known of the hub's world; only `apply`, `apply_gone` and the functions below change it.

    Attributes:
        samples: the newest reading of each device, by its id.
        runs: those that wait, those under way, and the newest that ended.
        events: what happened to a run while this program looked on.
        texts: what the models say, by run; only of runs that are being looked at.
        progress: of what is under way, by the id of its run or job.
        names: what to call each device: its product, with the end of its serial where others are alike.
        marks: ids of devices, those that are away just now among them.
    """

    devices: dict[str, DeviceView] = field(default_factory=dict)
    samples: dict[str, SampleView] = field(default_factory=dict)
    history: dict[str, History] = field(default_factory=dict)
    runs: dict[str, RunView] = field(default_factory=dict)
    events: dict[str, deque[RunEventView]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    progress: dict[str, ProgressMade] = field(default_factory=dict)
    jobs: dict[str, JobView] = field(default_factory=dict)
    campaigns: Campaigns = field(default_factory=Campaigns)
    notes: deque[Noted] = field(default_factory=lambda: deque(maxlen=NOTES_KEPT))
    marks: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    link: LinkView = field(default_factory=LinkView)
    changes: Changes = field(default_factory=Changes)

    def marked(self) -> list[str]:
        """The marked devices that are listed, in the order of the list."""
        return [device for device in self.devices if device in self.marks]

    def under_way(self) -> Iterator[RunView]:
        """The runs that are neither waiting nor ended."""
        return (run for run in self.runs.values() if run.state not in ENDS and run.state != "queued")

    def waiting(self) -> list[RunView]:
        """The runs that wait, in their order."""
        queued = (run for run in self.runs.values() if run.state == "queued")
        return sorted(queued, key=lambda run: (run.place is None, run.place or 0, run.created))

    def device_of(self, run: RunView) -> DeviceView | None:
        """The device that a run is on, or was, as far as it is listed."""
        if run.device is not None and run.device in self.devices:
            return self.devices[run.device]
        devices = self.devices.values()
        found = next((device for device in devices if device.run == run.id), None)
        if found is None and run.serialno is not None:
            found = next((device for device in devices if device.serialno == run.serialno), None)
        return found


def take_changes(state: State) -> Changes:
    """What has changed since this was last asked."""
    changes, state.changes = state.changes, Changes()
    return changes


def apply(state: State, event: Event) -> None:
    """Move the state on by one event; what it does not know leaves the state as it is."""
    data = event.data
    match data:
        case SampleView():
            _sample(state, data)
        case DeviceChanged():
            _device(state, data.device)
        case DeviceRemoved():
            _removed(state, data.id)
        case RunChanged():
            _run(state, data.run)
            if data.event is not None:
                _event(state, data.run.id, data.event)
        case TokensSaid():
            _said(state, data.run, state.texts.get(data.run, "") + data.text)
        case ProgressMade():
            _progress(state, data)
        case Noted():
            state.notes.append(data)
            state.changes.notes = True
        case JobChanged():
            _job(state, data.job)
        case ModelChanged() | ModelRemoved():
            state.changes.models = True
        case CampaignChanged():
            apply_changed(state.campaigns, state.changes.campaigns, data)


def apply_gone(state: State, gone: Gone) -> None:
    """Take a topic's snapshot in place of what is known of it: how things stand now.

    A snapshot that is of another shape than the topic's views leaves the state as it is.
    """
    snapshot = _SNAPSHOTS.get(gone.topic)
    if snapshot is None:
        return
    shape, take = snapshot
    try:
        views = msgspec.convert(gone.snapshot or [], type=shape)
    except msgspec.ValidationError:
        return
    take(state, views)


def set_link(state: State, link: LinkView) -> None:
    """The connection came or went; everything else is kept."""
    state.link = link
    state.changes.link = True


def toggle_mark(state: State, device: str) -> None:
    """Mark a device, or unmark it."""
    state.marks ^= {device}
    _marked(state, {device})


def mark_all(state: State, devices: Sequence[str]) -> None:
    """Mark all of them; where all are marked, unmark them."""
    those = set(devices)
    state.marks = state.marks - those if those <= state.marks else state.marks | those
    _marked(state, those)


def clear_marks(state: State) -> None:
    """Unmark all devices."""
    those, state.marks = state.marks, set()
    _marked(state, those)


def _marked(state: State, devices: set[str]) -> None:
    state.changes.devices |= devices
    state.changes.marks = True


def _sample(state: State, sample: SampleView) -> None:
    device = sample.device
    state.samples[device] = sample
    history = state.history.get(device)
    if history is None:
        history = state.history[device] = History()
    history.add(sample)
    state.changes.devices.add(device)


def _device(state: State, device: DeviceView) -> None:
    before = state.devices.get(device.id)
    state.devices[device.id] = device
    if before is None or (before.product, before.serial) != (device.product, device.serial):
        _name_all(state)
    state.changes.devices.add(device.id)
    state.changes.listed = True


def _removed(state: State, device: str) -> None:
    for known in (state.devices, state.samples, state.history):
        known.pop(device, None)
    _name_all(state)
    state.changes.devices.add(device)
    state.changes.listed = True


def _name_all(state: State) -> None:
    devices = state.devices.values()
    alike = Counter(device.product for device in devices)
    before = state.names
    state.names = {}
    for device in devices:
        name = device.product or device.serialno or device.serial
        if device.product and alike[device.product] > 1:
            name = f"{name} {device.serial.rpartition(':')[2][-_SERIAL_SHOWN:]}"
        state.names[device.id] = name
    state.changes.devices |= {device for device in before if before[device] != state.names.get(device)}


def _run(state: State, run: RunView) -> None:
    before = state.runs.get(run.id)
    if before is not None and before.state != run.state:
        state.progress.pop(run.id, None)
    state.runs[run.id] = run
    state.changes.runs.add(run.id)
    _touch_device(state, run)
    if run.state in ENDS:
        state.progress.pop(run.id, None)
        _forget_ended(state)


def _event(state: State, run: str, event: RunEventView) -> None:
    events = state.events.setdefault(run, deque(maxlen=EVENTS_KEPT))
    if not events or event.seq > events[-1].seq:
        events.append(event)


def _said(state: State, run: str, text: str) -> None:
    state.texts[run] = text[-TEXT_KEPT:]
    state.changes.texts.add(run)


def _progress(state: State, progress: ProgressMade) -> None:
    key = progress.run or progress.job
    if key is None:
        return
    run = state.runs.get(key)
    job = state.jobs.get(key)
    if (run is not None and run.state in ENDS) or (job is not None and job.state != "running"):
        return
    state.progress[key] = progress
    if run is not None:
        state.changes.runs.add(key)
        _touch_device(state, run)
    state.changes.jobs = state.changes.jobs or run is None


def _job(state: State, job: JobView) -> None:
    state.jobs[job.id] = job
    state.changes.jobs = True
    if job.state != "running":
        state.progress.pop(job.id, None)
        ended = [other.id for other in state.jobs.values() if other.state != "running"]
        for other in ended[:-ENDED_KEPT]:
            del state.jobs[other]


def _touch_device(state: State, run: RunView) -> None:
    device = state.device_of(run)
    if device is not None:
        state.changes.devices.add(device.id)


def _forget_ended(state: State) -> None:
    ended = [run for run in state.runs.values() if run.state in ENDS]
    if len(ended) <= ENDED_KEPT + ENDED_KEPT // 4:
        return
    ended.sort(key=lambda run: run.updated)
    for run in ended[:-ENDED_KEPT]:
        for known in (state.runs, state.events, state.texts):
            known.pop(run.id, None)


def _take_devices(state: State, devices: list[DeviceView]) -> None:
    now = {device.id: device for device in devices}
    for device in state.devices.keys() - now.keys():
        state.samples.pop(device, None)
        state.history.pop(device, None)
        state.changes.devices.add(device)
    state.changes.devices |= now.keys()
    state.devices = now
    _name_all(state)
    state.changes.listed = True


def _take_samples(state: State, samples: list[SampleView]) -> None:
    for sample in samples:
        _sample(state, sample)


def _take_runs(state: State, runs: list[RunView]) -> None:
    now = {run.id for run in runs}
    # What was under way and is no longer told of has ended while nobody looked, too long ago to be listed.
    for lost in [run.id for run in state.runs.values() if run.state not in ENDS and run.id not in now]:
        del state.runs[lost]
        state.progress.pop(lost, None)
        state.changes.runs.add(lost)
    for run in runs:
        _run(state, run)


def _take_texts(state: State, texts: list[TokensSaid]) -> None:
    for text in texts:
        _said(state, text.run, text.text)


def _take_progress(state: State, progress: list[ProgressMade]) -> None:
    state.progress.clear()
    for made in progress:
        _progress(state, made)


def _take_notes(state: State, notes: list[Noted]) -> None:
    state.notes.clear()
    state.notes.extend(notes)
    state.changes.notes = True


def _take_models(state: State, _models: list[ModelView]) -> None:
    state.changes.models = True


def _take_campaigns(state: State, views: list[CampaignView]) -> None:
    take_views(state.campaigns, state.changes.campaigns, views)


def _take_jobs(state: State, jobs: list[JobView]) -> None:
    now = {job.id for job in jobs}
    for lost in [job.id for job in state.jobs.values() if job.state == "running" and job.id not in now]:
        del state.jobs[lost]
    for view in jobs:
        _job(state, view)
    state.changes.jobs = True


_SNAPSHOTS: Final[dict[str, tuple[Any, Callable[[State, Any], None]]]] = {
    "devices": (list[DeviceView], _take_devices),
    "samples": (list[SampleView], _take_samples),
    "runs": (list[RunView], _take_runs),
    "tokens": (list[TokensSaid], _take_texts),
    "progress": (list[ProgressMade], _take_progress),
    "notes": (list[Noted], _take_notes),
    "jobs": (list[JobView], _take_jobs),
    "models": (list[ModelView], _take_models),
    "campaigns": (list[CampaignView], _take_campaigns),
}
