"""What the methods of the API take. Pure."""

from __future__ import annotations

import tomllib
from typing import Annotated, Any, Final, Literal

import msgspec

PROTOCOL: Final = 1
"""The version of the contract; a client of another one is told so."""


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what methods take; a method without parameters takes this."""


class Hello(Params, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Who a client is; fields that a newer client adds are passed over.

    Attributes:
        client: its name: runs are shared fairly between these.
    """

    token: str
    client: str
    version: str
    protocol: int = PROTOCOL


class After(Params, frozen=True, kw_only=True):
    """The last event that a client has seen of a topic."""

    epoch: str
    seq: int


class Subscribe(Params, frozen=True, kw_only=True):
    """Which events to push.

    Attributes:
        only: devices' ids or runs' ids to hear of, by topic; without a topic's entry all of them. For
            `log` it is needed: the phones whose log is read.
        after: where to go on, by topic; what was missed comes first.
    """

    topics: list[str]
    only: dict[str, list[str]] = {}
    after: dict[str, After] = {}


class DeviceNamed(Params, frozen=True, kw_only=True):
    """A device by its id, serial or ro.serialno."""

    device: str


class Selected(Params, frozen=True, kw_only=True):
    """Devices by the words after `--on`."""

    selectors: list[str] = []


class Pair(Params, frozen=True, kw_only=True):
    """Wireless pairing: the address and the code that the phone shows."""

    address: str
    code: str


class RunNamed(Params, frozen=True, kw_only=True):
    """A run by its id or the beginning of it."""

    run: str


class RunsQuery(Params, frozen=True, kw_only=True):
    """Which runs; None lets all pass."""

    states: list[str] | None = None
    serial: str | None = None
    model: str | None = None
    engine: str | None = None
    workload: str | None = None
    since: float | None = None
    before: str | None = None
    limit: int = 50


class QueueQuery(Params, frozen=True, kw_only=True):
    """A page of the queue; one that is shorter than `limit` is the last."""

    first: int = 0
    limit: int = 500


class RecordsQuery(Params, frozen=True, kw_only=True):
    """Which records: those of these runs, else all that ended since then."""

    runs: list[str] = []
    since: float | None = None
    before: str | None = None
    limit: int = 50


class SamplesQuery(Params, frozen=True, kw_only=True):
    """The samples that are stored of a run's newest attempt, from a line on."""

    run: str
    first: int = 0
    limit: int = 1000


class CompareRuns(Params, frozen=True, kw_only=True):
    """Two runs that have ended; `by` is the factor that may differ."""

    a: str
    b: str
    by: str | None = None
    margin: float | None = None


class ShellOpen(Params, frozen=True, kw_only=True):
    """A command on a phone; an empty argv is an interactive shell.

    Attributes:
        terminal: its columns and rows; None without a terminal.
        term: what kind of terminal it is, as $TERM says; only with one.
    """

    device: str
    argv: list[str] = []
    terminal: tuple[int, int] | None = None
    term: str | None = None


class ShellInput(Params, frozen=True, kw_only=True):
    """What a session is to read; `end` closes its stdin, `terminal` is a new size.

    Attributes:
        seen: how many of the session's events the client has taken so far. A session that is far ahead of
            its client waits, and the phone with it.
    """

    session: str
    data: bytes = b""
    end: bool = False
    terminal: tuple[int, int] | None = None
    seen: int | None = None


class SessionNamed(Params, frozen=True, kw_only=True):
    """A shell session."""

    session: str


class JobNamed(Params, frozen=True, kw_only=True):
    """A job by its id."""

    job: str


class Push(Params, frozen=True, kw_only=True):
    """What to bring onto phones: a model or an engine of the catalogue, or a file of the hub's host."""

    kind: Literal["model", "engine", "file"]
    name: str
    destination: str | None = None
    selectors: list[str] = []
    dry_run: bool = False


class AppInstall(Params, frozen=True, kw_only=True):
    """An APK of the hub's host to install; None only looks."""

    apk: str | None = None
    selectors: list[str] = []


class AddFolder(Params, frozen=True, kw_only=True):
    """A folder of the hub's host to take into the catalogue."""

    folder: str
    name: str | None = None


class Diagnose(Params, frozen=True, kw_only=True):
    """What doctor is to look at; of engine, model and profile each is None for what a run would take.

    Attributes:
        selectors: the phones, in whatever state; none for all of them.
    """

    selectors: list[str] = []
    engine: str | None = None
    model: str | None = None
    profile: str | None = None


class BuildEngine(Params, frozen=True, kw_only=True):
    """An engine to build on the hub's host.

    Attributes:
        mnn: the folder of MNN's sources.
        profile: of profiles/engines.
        name: in the catalogue; the profile's by default.
        jobs: compilers at once; all cores by default.
        environment: variables over the hub's own: where whoever asks keeps his tools.
    """

    mnn: str
    profile: str
    ndk: str | None = None
    qnn_sdk: str | None = None
    name: str | None = None
    jobs: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    environment: dict[str, str] = {}


Backend = Literal["cpu", "opencl", "vulkan", "hexagon"]
"""What a probe can try."""


class CheckEngine(Params, frozen=True, kw_only=True):
    """An engine to judge: one of the catalogue by name, or a folder, zip or checkout of the hub's host.

    Attributes:
        path: of this host; exactly one of it and `name` is given.
        selectors: phones to hold it against; none for none.
        probe: start it there without a model.
        backends: what the probe tries; none for the CPU's.
    """

    name: str | None = None
    path: str | None = None
    selectors: list[str] = []
    probe: bool = False
    backends: list[Backend] = msgspec.field(default_factory=lambda: ["cpu"])


class AddModel(Params, frozen=True, kw_only=True):
    """A folder of the hub's host to take into the catalogue; `fixture` lets the model answer on the host."""

    folder: str
    name: str | None = None
    fixture: bool = True


class Named(Params, frozen=True, kw_only=True):
    """A thing of the catalogue by its name or id."""

    name: str


class SettleProfile(Params, frozen=True, kw_only=True):
    """A run profile to show for a phone.

    Attributes:
        model: whose own values stand below; the only one of the catalogue by default, else none.
        overrides: keys of config.json that win over the profile's.
    """

    profile: str
    selectors: list[str] = []
    model: str | None = None
    overrides: dict[str, Any] = {}


class PullModel(Params, frozen=True, kw_only=True):
    """A model or a checkpoint of a hub: `hf:ORG/NAME` or `modelscope:ORG/NAME`."""

    source: str
    name: str | None = None
    fixture: bool = True


class Collect(Params, frozen=True, kw_only=True):
    """What `models.litter` told, by the ids of those that may go."""

    ids: list[str]


class WatchFolder(Params, frozen=True, kw_only=True):
    """A folder of the hub's host that models come to lie in."""

    folder: str


class CheckModel(Params, frozen=True, kw_only=True):
    """A model to judge: its files against their hashes, its settings against what MNN would make of them.

    Attributes:
        name: of the catalogue.
        folder: of the hub's host, where no model of the catalogue has that name.
        fixture: let it answer anew; for a model of the catalogue.
        fix: write what is safe to mend.
        selectors: phones whose engines shall run it.
        engine: by name, for those phones or for any.
    """

    name: str = ""
    folder: str | None = None
    fixture: bool = False
    fix: bool = False
    selectors: list[str] = []
    engine: str | None = None


class Export(Params, frozen=True, kw_only=True):
    """A checkpoint to be exported, by one recipe or by several.

    Attributes:
        source: a folder of the hub's host, or what was pulled: `hf:ORG/NAME`, `modelscope:ORG/NAME`.
        recipes: by their ids; none means `default`.
        all_recipes: in place of `recipes`, all that suit the source.
        overrides: options of llmexport that win over the recipe's, each `name=value` or the name of a switch.
        gguf: a file whose weights take the place of the source's.
        calibration: a text of one sample per line.
        fit_block: take the largest block that fits where the recipe's does not.
        out: the folder that the model becomes; with several recipes the folder that they come to lie in.
        name: its name in the catalogue; with several recipes the beginning of it.
        text: a file; the perplexity on it is measured.
        fixture: let the model answer on the host.
        push_to: the phones, by the words after `--on`, that get it as soon as it is ready.
        then_run: the run profile that they run it with then.
        qnn_sdk: the folder of Qualcomm's SDK, for recipes that make graphs for its NPU.
        mnn: a checkout of MNN with its build, likewise.
        soc: part number or name of the SoC that those are for.
        soc_of: in its place the phones, by the words after `--on`, whose SoC it is.
    """

    source: str
    recipes: list[str] = []
    all_recipes: bool = False
    overrides: list[str] = []
    gguf: str | None = None
    calibration: str | None = None
    fit_block: bool = False
    out: str | None = None
    name: str | None = None
    text: str | None = None
    fixture: bool = True
    push_to: list[str] = []
    then_run: str | None = None
    qnn_sdk: str | None = None
    mnn: str | None = None
    soc: str | None = None
    soc_of: list[str] = []


class ExportLog(Params, frozen=True, kw_only=True):
    """What the exporter said in a job, from a byte on."""

    job: str
    first: int = 0


class Prune(Params, frozen=True, kw_only=True):
    """A checkpoint to be pruned.

    Attributes:
        source: as of `Export`.
        out: the folder that the pruned checkpoint becomes.
        method: magnitude, wanda or sparsegpt.
        pattern: 2:4, 4:8 or unstructured.
        sparsity: the share of weights that become zero, for unstructured.
        calibration: a text of one sample per line; None takes a short one of our own.
    """

    source: str
    out: str
    method: str = "magnitude"
    pattern: str = "2:4"
    sparsity: float | None = None
    calibration: str | None = None


class CampaignText(Params, frozen=True, kw_only=True):
    """A campaign's file, with the files that it names.

    Attributes:
        place: how a person calls the file.
        files: the text of each, by the name that the campaign gives it; one that could not be read is absent.
        max_duration: `8h`; wins over the file's.
        selectors: in place of the file's phones, where there are any.
    """

    text: Annotated[str, msgspec.Meta(max_length=1 << 20)]
    place: str
    files: dict[str, str] = {}
    max_duration: str | None = None
    selectors: list[str] = []

    @property
    def phones(self) -> list[str]:
        """The selectors that its text has, as far as it can be read."""
        try:
            phones = tomllib.loads(self.text).get("phones")
        except (tomllib.TOMLDecodeError, RecursionError):
            return []
        return [each for each in phones if isinstance(each, str)] if isinstance(phones, list) else []


class CampaignNamed(Params, frozen=True, kw_only=True):
    """A campaign by its id, the beginning of it, or its name, which means the newest one of that name."""

    campaign: str


class CampaignResume(Params, frozen=True, kw_only=True):
    """A campaign to go on with; max_duration counts from now."""

    campaign: str
    max_duration: str | None = None


class CampaignsQuery(Params, frozen=True, kw_only=True):
    """How many of the newest campaigns."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class OutcomesQuery(Params, frozen=True, kw_only=True):
    """A campaign's outcomes of cells with larger numbers."""

    campaign: str
    after: int = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class SaveBaseline(Params, frozen=True, kw_only=True):
    """What a campaign measured, to hold later ones against.

    Attributes:
        name: of the baseline.
        keep: write it on the hub's host, where campaigns find it by its name.
    """

    campaign: str
    name: str
    keep: bool = True
