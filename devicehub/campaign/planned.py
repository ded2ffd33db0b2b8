"""What a campaign is to do: its cells, its limits, the order on each phone. Pure.

A plan is made once and never changed.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

LimitFigure = Literal[
    "prefill_tok_s",
    "decode_tok_s",
    "load_ms",
    "ttft_ms",
    "peak_memory_mib",
    "joules_per_token",
    "fidelity",
    "suite",
    "accuracy",
    "perplexity",
]
"""What a limit can be set to; fidelity, suite and accuracy are shares from 0 to 1."""
SPEEDS: Final[tuple[LimitFigure, ...]] = (
    "prefill_tok_s",
    "decode_tok_s",
    "load_ms",
    "ttft_ms",
    "peak_memory_mib",
)
"""Those that each launch has of its own."""
LESS_IS_BETTER: Final[frozenset[LimitFigure]] = frozenset(
    {"load_ms", "ttft_ms", "peak_memory_mib", "joules_per_token", "perplexity"}
)
SHARES: Final[frozenset[LimitFigure]] = frozenset({"fidelity", "suite", "accuracy"})


class PhoneRef(msgspec.Struct, frozen=True, kw_only=True):
    """One phone of a campaign.

    Attributes:
        serial: adb's label when the campaign was planned.
        soc: the vendor's part number, SM8650; None where it is not known.
    """

    serial: str
    serialno: str
    product: str | None = None
    vendor: str = "unknown"
    soc: str | None = None
    soc_name: str | None = None
    android: str | None = None
    virtual: bool = False


class ThingRef(msgspec.Struct, frozen=True, kw_only=True):
    """A model or an engine: its name in the catalogue, and its content's id."""

    name: str
    id: str


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """What is run on a phone.

    Attributes:
        engine: None for the app, which brings its own.
        settings: keys of config.json over the profile's; of a sweep the setting.
    """

    model: ThingRef
    engine: ThingRef | None
    profile: str
    settings: dict[str, Any] = {}


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline that a cell is compared with.

    Attributes:
        by: the one factor in which the two differ.
        variant: the baseline's.
        name: of the saved baseline; None for one that the campaign's file names.
        problem: why it cannot be run again, as `baseline_missing`; the cell is not comparable then.
        sentence: the same for a person.
        stored: the medians that it had when it was saved, shown as history and never judged.
        config_sha256: of its configuration when it was saved on this phone; None for other baselines. One
            that is run with another now is not that baseline.
    """

    by: Literal["engine", "model", "profile"]
    variant: Variant
    name: str | None = None
    problem: str | None = None
    sentence: str | None = None
    stored: dict[str, float] = {}
    config_sha256: str | None = None


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign demands of a figure.

    Attributes:
        text: as its file has it: `decode_tok_s >= 20`, `decode_tok_s no worse than 5 %`.
        figure: which.
        bound: of an absolute limit, in the figure's own unit, shares from 0 to 1; None for one against the
            baseline.
        worse_by: of a limit against the baseline: the share that it may be worse by, above 0.
    """

    text: str
    figure: LimitFigure
    bound: float | None = None
    worse_by: float | None = None

    @property
    def is_relative(self) -> bool:
        """Whether it is held against the baseline."""
        return self.worse_by is not None


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One phone x variant x workload or suite.

    Attributes:
        number: from 1, in the order of the file; names it within its campaign.
        name: `SM8650 3A021 / qwen3-0.6b / mnn-3.6.1 / default / bench`.
        suite: the prompt suite's name, with workload demo.
        left_out: why it is not run, a slug; None where it is. So is `left_out_why`, the sentence.
        limits: those that hold for it, by their place in `Plan.limits`.
        estimate_s: how long it is expected to take.
        group: cells of one group are settings of one sweep; None outside of sweeps.
    """

    number: int
    name: str
    phone: PhoneRef
    variant: Variant
    workload: str
    suite: str | None = None
    against: Against | None = None
    left_out: str | None = None
    left_out_why: str | None = None
    limits: tuple[int, ...] = ()
    estimate_s: float = 0.0
    group: str | None = None


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to a phone before its cells: bytes at most, as far as the phone told what it holds."""

    serialno: str
    kind: Literal["model", "engine"]
    name: str
    size: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as it was planned.

    Attributes:
        id: of the campaign.
        file: the text of its file.
        seed: of the order.
        launches: measured ones of a cell, by column: a workload, or `suite:NAME`.
        order: by ro.serialno: the numbers of its cells as they are to run.
        move: whether another phone of the same SoC may take a cell.
        wait_for_phone_s: how long a phone may be away before its cells are not run.
        max_duration_s: None for no bound.
        notes: what a reader should know, a sentence each.
    """

    id: str
    name: str
    file: str
    created: float
    seed: int
    phones: tuple[PhoneRef, ...]
    cells: tuple[Cell, ...]
    limits: tuple[Limit, ...] = ()
    launches: dict[str, int] = {}
    order: dict[str, list[int]] = {}
    pushes: tuple[Push, ...] = ()
    move: bool = False
    wait_for_phone_s: float = 1800.0
    max_duration_s: float | None = None
    estimate_s: float = 0.0
    notes: tuple[str, ...] = ()
    virtual: bool = False
