"""What was measured in a cell, without a judgement; at most one outcome a cell. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from devicehub.campaign.planned import PhoneRef, Variant
from devicehub.runs.answers import Evaluation, SuiteResult


class LaunchFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One launch as reports need it.

    Attributes:
        order: its place in the phone's list; with a baseline, that of both runs.
        counts: its figures count: measured, succeeded, warm (or all are cold), not doubted.
        at_s: when it began, in seconds since the run's first sample; None where that is not known.
        temp_c: of the skin at its begin.
        why_not: why it does not count.
        run: the id of its run, where its arm has several; None where the arm's is it.
    """

    order: int
    number: int
    kind: str
    cold: bool | None = None
    verdict: str | None = None
    cause: str | None = None
    counts: bool = False
    why_not: str | None = None
    prefill_tok_s: float | None = None
    decode_tok_s: float | None = None
    load_ms: float | None = None
    ttft_ms: float | None = None
    peak_memory_mib: float | None = None
    temp_c: float | None = None
    at_s: float | None = None
    duration_s: float | None = None
    throttled: bool | None = None
    run: str | None = None


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """How warm the phone was over a run, thinned out: seconds since the first sample, degrees Celsius."""

    at_s: list[float] = []
    temp_c: list[float] = []


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a cell came to; of a sweep's cell all of its rounds.

    Attributes:
        run: its id; the last one's, where there were several.
        runs: the ids of all, where there were several.
        state: its end: succeeded, failed, cancelled, lost.
        evidence: the lines that prove the cause.
        flags: what a reader must know beside the figures, a sentence each.
        conditions: what the figures depend on, told in words, by name.
        config_sha256: of the final configuration.
        fidelity: the share of the fixture answered as on the host.
        throttled: None where the phone does not tell.
    """

    run: str
    runs: list[str] = []
    variant: Variant
    state: str
    verdict: str | None
    cause: str | None
    remedy: str | None = None
    evidence: list[str] = []
    trusted: bool = True
    trust_reasons: list[str] = []
    flags: list[str] = []
    conditions: dict[str, str] = {}
    config: dict[str, Any] = {}
    config_sha256: str = ""
    fidelity: float | None = None
    fidelity_reason: str | None = None
    joules_per_token: float | None = None
    throttled: bool | None = None
    gate_timed_out: bool = False
    started: float | None = None
    ended: float | None = None
    launches: list[LaunchFigures] = []
    trace: Trace = Trace()


class PairOf(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One figure of two neighbouring launches, the baseline's and the cell's; their places in the list."""

    base: float
    cell: float
    place_base: int
    place_cell: int


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A cell beside its baseline.

    Attributes:
        unlike: what forbids to compare them, a sentence each.
        pairs: complete ones, by figure.
        left_out: launches without a pair, a sentence each.
    """

    unlike: list[str] = []
    pairs: dict[str, list[PairOf]] = {}
    left_out: list[str] = []


class CellOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell's runs came to.

    Attributes:
        cell: its number.
        attempt: which try this was, from 1.
        phone: where it ran; another than planned where it was moved.
        arm: the cell's own run; None where none was made.
        base: the baseline's.
        problem: why there is no run to judge, a slug: phone_away, lost, refused, cancelled; `why` says it.
        stopped: of a sweep: why its setting had fewer launches than asked for: wrong, failed, slower.
    """

    cell: int
    attempt: int
    phone: PhoneRef
    moved: bool = False
    arm: Arm | None = None
    base: Arm | None = None
    compared: Compared | None = None
    suite: SuiteResult | None = None
    evaluation: Evaluation | None = None
    problem: str | None = None
    why: str | None = None
    stopped: str | None = None
    ended: float = 0.0
