"""What of campaigns travels over the API. Pure.

Times are seconds since the epoch on the hub's clock unless their name says otherwise; None is not known.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from devicehub.campaign.result import FigureSummary as FigureSummary
from devicehub.campaign.result import Front as Front
from devicehub.campaign.result import FrontPoint as FrontPoint
from devicehub.campaign.result import History as History
from devicehub.campaign.result import HistoryPoint as HistoryPoint
from devicehub.campaign.result import Jump as Jump

CellStanding = Literal["waiting", "running", "passed", "failed", "inconclusive", "not_comparable", "not_run"]
"""How a cell stands; the last five are its end, until the campaign's own a provisional one."""


class CampaignView(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign as lists show it, field by field what `campaign list --json` prints.

    Attributes:
        cells: how many there are.
        counts: cells by standing.
        eta_s: how long it will take still, estimated; None where that cannot be told.
        sentence: how it stands, in one.
        exit: what `campaign run` would end with, were it over now; None while it is under way.
        waits_for: why nothing is under way though it runs, in a sentence.
    """

    id: str
    name: str
    state: Literal["running", "stopped", "ended"]
    created: float
    ended: float | None = None
    cells: int = 0
    counts: dict[str, int] = {}
    eta_s: float | None = None
    sentence: str = ""
    exit: int | None = None
    waits_for: str | None = None
    virtual: bool = False


class CellView(msgspec.Struct, frozen=True, kw_only=True):
    """One cell.

    Attributes:
        serial: of the phone that it runs or ran on, else of the one it is planned for.
        moved: it ran on another phone than planned.
        settings: of a sweep.
        runs: the ids of its runs, the baseline's first.
        figures: by name, as far as they are known.
    """

    number: int
    name: str
    serial: str
    product: str | None
    vendor: str
    soc: str | None
    model: str
    engine: str | None
    profile: str
    workload: str
    suite: str | None = None
    settings: dict[str, Any] = {}
    state: CellStanding
    reason: str | None = None
    sentence: str = ""
    moved: bool = False
    attempt: int = 0
    runs: list[str] = []
    figures: dict[str, FigureSummary] = {}
    fidelity: float | None = None


class CampaignDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one campaign, without the raw launches."""

    campaign: CampaignView
    cells: list[CellView]
    notes: list[str] = []
    fronts: list[Front] = []
    history: list[History] = []


class CampaignChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign moved on, with those of its cells that did."""

    campaign: CampaignView
    cells: list[CellView] = []


class CellPlanView(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of a plan; `left_out` says why it would not be run."""

    number: int
    name: str
    serial: str
    left_out: str | None = None
    estimate_s: float = 0.0
    against: str | None = None
    """The baseline's variant, in words."""


class PushView(msgspec.Struct, frozen=True, kw_only=True):
    """What would go to a phone, in bytes at most."""

    serial: str
    kind: str
    name: str
    size: int


class CampaignPlanView(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign would do: `campaign run --dry-run`.

    Attributes:
        order: by serial, the numbers of its cells as they would run.
    """

    name: str
    cells: list[CellPlanView]
    order: dict[str, list[int]]
    pushes: list[PushView]
    estimate_s: float
    seed: int
    notes: list[str] = []


class ProblemView(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a campaign's file; `line` is None where it stands nowhere."""

    line: int | None
    key: str
    problem: str


class OutcomesPage(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's plan and some of its outcomes, as reports need them; `next` is given as `after`.

    Attributes:
        reason: why it is not running, a slug; None where all cells have outcomes.
        plan: on the first page; None on the others.
        history: likewise.
    """

    state: str
    reason: str | None = None
    plan: dict[str, Any] | None
    outcomes: list[dict[str, Any]]
    history: list[History] = []
    ended: float | None = None
    next: int | None = None
