"""Every method of the API, once: its name, what it takes and gives, and what a caller must be allowed. Pure.

The server answers these, the client asks these, and `devicehub api schema` publishes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final, Generic, TypeVar

import msgspec

from devicehub.api.campaign_model import (
    CampaignDocument,
    CampaignPlanView,
    CampaignView,
    OutcomesPage,
    ProblemView,
)
from devicehub.api.job_model import BuildPlanView, SettledView
from devicehub.api.model import (
    DeviceView,
    EngineView,
    ExportPlanView,
    HolderView,
    JobView,
    LitterView,
    LogPage,
    ModelView,
    ProfileView,
    RecordPage,
    RunDocument,
    RunPage,
    RunView,
    SampleView,
    SettingView,
    ShotView,
    StatusView,
    WayView,
)
from devicehub.api.params import PROTOCOL as PROTOCOL
from devicehub.api.params import AddFolder as AddFolder
from devicehub.api.params import AddModel as AddModel
from devicehub.api.params import After as After
from devicehub.api.params import AppInstall as AppInstall
from devicehub.api.params import BuildEngine as BuildEngine
from devicehub.api.params import CampaignNamed as CampaignNamed
from devicehub.api.params import CampaignResume as CampaignResume
from devicehub.api.params import CampaignsQuery as CampaignsQuery
from devicehub.api.params import CampaignText as CampaignText
from devicehub.api.params import CheckEngine as CheckEngine
from devicehub.api.params import CheckModel as CheckModel
from devicehub.api.params import Collect as Collect
from devicehub.api.params import CompareRuns as CompareRuns
from devicehub.api.params import DeviceNamed as DeviceNamed
from devicehub.api.params import Diagnose as Diagnose
from devicehub.api.params import Export as Export
from devicehub.api.params import ExportLog as ExportLog
from devicehub.api.params import Hello as Hello
from devicehub.api.params import JobNamed as JobNamed
from devicehub.api.params import Named as Named
from devicehub.api.params import OutcomesQuery as OutcomesQuery
from devicehub.api.params import Pair as Pair
from devicehub.api.params import Params as Params
from devicehub.api.params import Prune as Prune
from devicehub.api.params import PullModel as PullModel
from devicehub.api.params import Push as Push
from devicehub.api.params import QueueQuery as QueueQuery
from devicehub.api.params import RecordsQuery as RecordsQuery
from devicehub.api.params import RunNamed as RunNamed
from devicehub.api.params import RunsQuery as RunsQuery
from devicehub.api.params import SamplesQuery as SamplesQuery
from devicehub.api.params import SaveBaseline as SaveBaseline
from devicehub.api.params import Selected as Selected
from devicehub.api.params import SessionNamed as SessionNamed
from devicehub.api.params import SettleProfile as SettleProfile
from devicehub.api.params import ShellInput as ShellInput
from devicehub.api.params import ShellOpen as ShellOpen
from devicehub.api.params import Subscribe as Subscribe
from devicehub.api.params import WatchFolder as WatchFolder
from devicehub.doctor.model import Report as Report  # likewise, of doctor/
from devicehub.doctor.model import Row as Row
from devicehub.doctor.model import Standing as Standing
from devicehub.measure.compare import (
    Comparison as Comparison,
)  # also for clients, who see nothing of measure/
from devicehub.measure.compare import Figure as Figure
from devicehub.measure.thing import Facet as Facet
from devicehub.runs.ask import CompareAsk as CompareAsk
from devicehub.runs.ask import RunAsk as RunAsk


@unique
class Capability(StrEnum):
    """What a caller must be allowed."""

    READ = "read"
    RUN = "run"
    """Change what phones and the catalogue's runs do."""
    SHELL = "shell"
    """Have a phone execute any command."""
    HOST = "host"
    """Name a path of the hub's host, or have it start a program; from the same host only."""


class Nothing(msgspec.Struct, frozen=True):
    """The answer of a method that has none."""


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub answers to a client that it knows.

    Attributes:
        seqs: the newest event of each topic.
    """

    version: str
    protocol: int
    epoch: str
    local: bool
    capabilities: list[Capability]
    seqs: dict[str, int]


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """What was missed is no longer kept; `snapshot` is how things stand: a list of the topic's views."""

    topic: str
    seq: int
    snapshot: Any


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription holds from these events on; what was missed and is kept follows as events."""

    epoch: str
    seqs: dict[str, int]
    gone: list[Gone] = []


class SamplesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a run's samples file, as the phone wrote them."""

    attempt: int
    lines: list[str]
    next: int | None


P = TypeVar("P", bound=Params | RunAsk | CompareAsk)
R = TypeVar("R")


@dataclass(frozen=True)
class Method(Generic[P, R]):
    """One method.

    Attributes:
        result: the type of its answer.
        host_if: parameters that name a path of the hub's host, dotted: HOST is needed too where one is given.
        host_when: a parameter and the value of it with which HOST is needed too.
        shell_if: likewise with which SHELL is needed too.
        host_for: parameters that name devices, dotted: HOST is needed too where one is `local`.
    """

    name: str
    params: type[P]
    result: type[R]
    capability: Capability
    summary: str
    host_if: tuple[str, ...] = ()
    host_when: tuple[str, str] | None = None
    shell_if: tuple[str, str] | None = None
    host_for: tuple[str, ...] = ()


METHODS: Final[dict[str, Method[Any, Any]]] = {}


def _method(
    name: str,
    params: type[P],
    result: type[R],
    capability: Capability,
    summary: str,
    *,
    host_if: tuple[str, ...] = (),
    host_when: tuple[str, str] | None = None,
    shell_if: tuple[str, str] | None = None,
    host_for: tuple[str, ...] = (),
) -> Method[P, R]:
    method = Method(name, params, result, capability, summary, host_if, host_when, shell_if, host_for)
    METHODS[name] = method
    return method


_READ, _RUN, _SHELL, _HOST = Capability.READ, Capability.RUN, Capability.SHELL, Capability.HOST

HELLO = _method("hello", Hello, Welcome, _READ, "Say who one is; the first thing on every connection.")
PING = _method("ping", Params, float, _READ, "The hub's time, in seconds since the epoch.")
SUBSCRIBE = _method(
    "subscribe", Subscribe, Subscribed, _READ, "Have events pushed, in place of those before."
)

STATUS = _method("hub.status", Params, StatusView, _READ, "What the hub is and has to do.")
STOP = _method("hub.stop", Params, StatusView, _HOST, "End the hub; runs go on on their phones.")
SETTINGS = _method(
    "hub.settings", Params, list[SettingView], _READ, "The hub's settings and where they come from."
)

DEVICES = _method("devices.list", Params, list[DeviceView], _READ, "All phones that adb knows.")
SAMPLES_NOW = _method("devices.samples", Params, list[SampleView], _READ, "The newest reading of each phone.")
RELEASE = _method(
    "devices.release", DeviceNamed, str, _RUN, "Let a phone out of quarantine; its ro.serialno."
)
PAIR = _method("devices.pair", Pair, str, _RUN, "Pair with a phone over the network; what adb says.")
CONNECT = _method("devices.connect", Named, str, _RUN, "Connect a phone over the network; what adb says.")
DISCONNECT = _method("devices.disconnect", Named, str, _RUN, "Let a phone on the network go; what adb says.")
WAY = _method("devices.way", DeviceNamed, WayView, _READ, "How programs on the hub's host reach a phone.")
SHOT = _method("devices.shot", DeviceNamed, ShotView, _RUN, "A picture of the phone's screen.")

SHELL_OPEN = _method("shell.open", ShellOpen, str, _SHELL, "Start a command on a phone; the session's name.")
SHELL_INPUT = _method("shell.input", ShellInput, Nothing, _SHELL, "Give a session input.")
SHELL_CLOSE = _method("shell.close", SessionNamed, Nothing, _SHELL, "End a session.")

RUN_START = _method(
    "runs.start", RunAsk, list[RunView], _RUN, "Queue runs.",
    host_if=("prompts_file", "media_folder"), shell_if=("workload", "custom"), host_for=("selectors",),
)  # fmt: skip
RUN_COMPARE = _method(
    "runs.start_comparison", CompareAsk, list[RunView], _RUN, "Queue the two runs of a comparison.",
    host_if=("run.prompts_file", "run.media_folder"), shell_if=("run.workload", "custom"),
    host_for=("run.selectors", "a", "b"),
)  # fmt: skip
RUN_AGAIN = _method(
    "runs.again",
    Selected,
    list[RunView],
    _RUN,
    "Queue what each of these phones ran last, or else what ran last.",
    host_for=("selectors",),
)
RUNS = _method("runs.list", RunsQuery, RunPage, _READ, "Runs, the newest first.")
RUN = _method("runs.show", RunNamed, RunDocument, _READ, "All that is known of one run.")
RUN_STOP = _method("runs.stop", RunNamed, RunView, _RUN, "End a run, on its phone or in the queue.")
RUN_RECORDS = _method("runs.records", RecordsQuery, RecordPage, _READ, "Records of runs that have ended.")
RUN_SAMPLES = _method("runs.samples", SamplesQuery, SamplesPage, _READ, "What a run's sampler read.")
RUNS_COMPARED = _method("runs.compare", CompareRuns, Comparison, _READ, "What two runs say of each other.")
QUEUE = _method("queue.list", QueueQuery, list[RunView], _READ, "The runs that wait, in their order.")

MODELS = _method("models.list", Params, list[ModelView], _READ, "The catalogue's models.")
MODEL_ADD = _method("models.add", AddModel, JobView, _HOST, "Take an exported model into the catalogue.")
MODEL_CHECK = _method(
    "models.check", CheckModel, JobView, _HOST, "Judge a model's files and settings; mend what is safe."
)
MODEL_PULL = _method("models.pull", PullModel, JobView, _HOST, "Bring a model or a checkpoint from a hub.")
MODEL_LITTER = _method(
    "models.litter", Params, list[LitterView], _READ, "What was pulled or left over that nothing needs."
)
MODEL_GC = _method("models.gc", Collect, list[LitterView], _HOST, "Delete some of that; what was deleted.")
MODEL_FOLDERS = _method(
    "models.folders", Params, list[str], _READ, "The folders that are watched for models."
)
MODEL_WATCH = _method(
    "models.watch", WatchFolder, list[str], _HOST, "Watch a folder for models; all of them."
)
MODEL_UNWATCH = _method(
    "models.unwatch", WatchFolder, list[str], _HOST, "Watch a folder no longer; the others."
)
MODEL_HOLDERS = _method("models.holders", Params, list[HolderView], _READ, "Which phones hold which models.")
MODEL_REMOVE = _method("models.remove", Named, ModelView, _RUN, "Forget a model.")
ENGINES = _method("engines.list", Params, list[EngineView], _READ, "The catalogue's engines.")
ENGINE_ADD = _method("engines.add", AddFolder, EngineView, _HOST, "Take an engine into the catalogue.")
ENGINE_REMOVE = _method("engines.remove", Named, EngineView, _RUN, "Delete an engine from the catalogue.")
ENGINE_CHECK = _method(
    "engines.check", CheckEngine, JobView, _RUN, "Judge an engine, and whether it suits phones.",
    host_if=("path",),
)  # fmt: skip
BUILD_PLAN = _method(
    "builds.plan", BuildEngine, BuildPlanView, _HOST, "What a build would do, and what the host lacks for it."
)
BUILD_START = _method("builds.start", BuildEngine, JobView, _HOST, "Build an engine from MNN's sources.")
PROFILES = _method(
    "profiles.list", Params, list[ProfileView], _READ, "All profiles, the user's own among them."
)

DOCTOR = _method("doctor.look", Diagnose, Report, _READ, "What stands in the way of a run, with the remedy.")
DOCTOR_PROBE = _method(
    "doctor.probe", Diagnose, JobView, _RUN, "The same, and a short run on each phone.",
    host_for=("selectors",),
)  # fmt: skip
PROFILE_SETTLE = _method(
    "profiles.settle", SettleProfile, SettledView, _READ, "What a run profile comes to on a phone."
)

PUSH = _method(
    "push.start", Push, list[JobView], _RUN, "Bring a model, an engine or a file onto phones.",
    host_if=("destination",), host_when=("kind", "file"),
)  # fmt: skip
APP_INSTALL = _method(
    "app.install", AppInstall, list[JobView], _RUN, "Install MnnLlmChat, or tell of it.", host_if=("apk",)
)
JOB = _method("jobs.show", JobNamed, JobView, _READ, "One job.")
JOB_CANCEL = _method("jobs.cancel", JobNamed, JobView, _RUN, "End a job.")
EXPORT_PLAN = _method(
    "exports.plan", Export, list[ExportPlanView], _HOST, "What an export would make, or why it is refused."
)
EXPORT_START = _method("exports.start", Export, JobView, _HOST, "Export a checkpoint to models of MNN.")
EXPORT_LOG = _method("exports.log", ExportLog, LogPage, _READ, "What the exporter said in a job.")
PRUNE_START = _method("prunes.start", Prune, JobView, _HOST, "Make weights of a checkpoint zero.")

CAMPAIGN_CHECK = _method(
    "campaigns.check", CampaignText, list[ProblemView], _READ, "All that is wrong in a campaign's file."
)
CAMPAIGN_PLAN = _method(
    "campaigns.plan", CampaignText, CampaignPlanView, _READ, "What a campaign would do.",
    host_for=("selectors", "phones"),
)  # fmt: skip
CAMPAIGN_START = _method(
    "campaigns.start", CampaignText, CampaignView, _RUN, "Begin a campaign.",
    host_for=("selectors", "phones"),
)  # fmt: skip
CAMPAIGNS = _method(
    "campaigns.list", CampaignsQuery, list[CampaignView], _READ, "Campaigns, the newest first."
)
CAMPAIGN = _method("campaigns.show", CampaignNamed, CampaignDocument, _READ, "All that is known of one.")
CAMPAIGN_STOP = _method("campaigns.stop", CampaignNamed, CampaignView, _RUN, "End a campaign and its runs.")
CAMPAIGN_RESUME = _method(
    "campaigns.resume", CampaignResume, CampaignView, _RUN, "Go on with what of a campaign is missing."
)
CAMPAIGN_OUTCOMES = _method(
    "campaigns.outcomes", OutcomesQuery, OutcomesPage, _READ, "A campaign's plan and outcomes, for reports."
)
CAMPAIGN_BASELINE = _method(
    "campaigns.baseline", SaveBaseline, str, _RUN, "What a campaign measured, as a baseline in JSON."
)
