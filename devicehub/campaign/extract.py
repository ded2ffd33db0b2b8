"""From the records of a cell's runs to its outcome: what judgement and reports need, and no more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.campaign.outcome import Arm, CellOutcome, Compared, LaunchFigures, PairOf
from devicehub.campaign.planned import SPEEDS
from devicehub.campaign.sampled import Sampled
from devicehub.dispatch.outcome import PHONE_LOST, WRONG_OUTPUT, remedy_for
from devicehub.measure.compare import left_out, unpaired_reason, why_not
from devicehub.measure.fidelity import wrong_lines
from devicehub.measure.likeness import find_conditions, find_unlike
from devicehub.measure.pairs import chosen, interleaved, make_pairs
from devicehub.runs.lifecycle import RunState
from devicehub.runs.model import figure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.campaign.planned import Cell, PhoneRef, Variant
    from devicehub.measure.thing import Facet
    from devicehub.runs.model import Launch, RunRecord

REFUSED: Final = "refused"
_MOST_EVIDENCE: Final = 12


def extract(
    cell: Cell,
    *,
    attempt: int,
    phone: PhoneRef,
    moved: bool,
    record: RunRecord,
    base: RunRecord | None = None,
    samples: bytes = b"",
    base_samples: bytes = b"",
) -> CellOutcome:
    """What a cell's runs came to.

    Args:
        cell: of the plan.
        attempt: which try this was, from 1.
        phone: where it ran.
        moved: whether that is another phone than planned.
        record: of its own run, which has ended.
        base: of its baseline's; None where none was made.
        samples: of its own run, as the phone wrote them.
        base_samples: of the baseline's.
    """
    problem, why = _problem(record)
    arm = _arm(record, cell.variant, samples) if problem != REFUSED else None
    base_arm = None
    if base is not None and cell.against is not None and arm is not None:
        base_arm = _arm(base, cell.against.variant, base_samples)
    compared = None
    if base is not None and base_arm is not None and arm is not None:
        compared = _compare(base, record, base_arm, arm)
    return CellOutcome(
        cell=cell.number,
        attempt=attempt,
        phone=phone,
        moved=moved,
        arm=arm,
        base=base_arm,
        compared=compared,
        suite=record.suite,
        evaluation=record.evaluation,
        problem=problem,
        why=why,
        ended=record.ended,
    )


def _problem(record: RunRecord) -> tuple[str | None, str | None]:
    """Why a run is none to judge, as a slug and a sentence."""
    said = record.error.sentence if record.error else next(iter(record.trust_reasons), None)
    if record.cause == REFUSED:
        return REFUSED, said
    if record.state == RunState.CANCELLED:
        return "cancelled", said
    if record.state == RunState.LOST or record.cause == PHONE_LOST:
        return "lost", said
    return None, None


def _arm(record: RunRecord, variant: Variant, samples: bytes) -> Arm:
    sampled = Sampled(samples)
    counted = {id(launch) for launch in chosen(record)}
    launches = [_launch(launch, record, sampled, counts=id(launch) in counted) for launch in record.launches]
    return Arm(
        run=record.id,
        variant=variant,
        state=str(record.state),
        verdict=record.verdict,
        cause=record.cause,
        remedy=remedy_for(record),
        evidence=_evidence(record),
        trusted=record.trusted,
        trust_reasons=record.trust_reasons,
        flags=_flags(record),
        conditions={facet.what: facet.a for facet in find_conditions(record, record) if facet.a is not None},
        config=record.config,
        config_sha256=record.config_sha256,
        fidelity=record.fidelity,
        fidelity_reason=record.answered.reason,
        joules_per_token=record.energy.joules_per_token if record.energy else None,
        throttled=record.conditions.throttled,
        gate_timed_out=any(
            launch.gate is not None and launch.gate.timed_out
            for launch in record.launches
            if launch.kind == "measured"
        ),
        started=record.started,
        ended=record.ended,
        launches=launches,
        trace=sampled.trace(),
    )


def _launch(launch: Launch, record: RunRecord, sampled: Sampled, *, counts: bool) -> LaunchFigures:
    told = sampled.of_launch(launch)
    return LaunchFigures(
        order=launch.order,
        number=launch.number,
        kind=launch.kind,
        cold=launch.cold,
        verdict=launch.verdict,
        cause=launch.cause,
        counts=counts,
        why_not=None if counts else _why_not(launch),
        prefill_tok_s=figure_of(launch, "prefill_tok_s"),
        decode_tok_s=figure_of(launch, "decode_tok_s"),
        load_ms=figure_of(launch, "load_ms"),
        ttft_ms=first_token_ms(launch, record.prompts),
        peak_memory_mib=told.peak_memory_mib,
        temp_c=told.temp_c,
        at_s=told.at_s,
        duration_s=launch.duration_s,
        throttled=told.throttled,
    )


def _why_not(launch: Launch) -> str:
    if launch.kind != "measured":
        return "a warm-up"
    if launch.verdict == "succeeded" and launch.doubts:
        return "; ".join(launch.doubts)
    return why_not(launch) if launch.verdict != "succeeded" or launch.cold else "sampled, which cost speed"


def first_token_ms(launch: Launch, prompts: int) -> float | None:
    """How long the engine took up to the first token of an answer, loading left out.

    That is the time of the prefill, of pictures and of sounds; over several prompts their mean. A tool that
    prints no time of the prefill tells it by prompt tokens and speed. None where a launch measured prompts of
    several lengths, as llm_bench does when asked for several.

    Args:
        launch: of the run.
        prompts: how many it was asked.
    """
    spent_s: list[float] = []
    lengths = set()
    for row in launch.records:
        if row.prefill_s is not None:
            prefill_s = row.prefill_s
        elif row.prompt_tokens and row.prefill_tok_s:
            prefill_s = row.prompt_tokens / row.prefill_tok_s
        else:
            continue
        lengths.add(row.prompt_tokens)
        spent_s.append(prefill_s + (row.vision_s or 0.0) + (row.audio_s or 0.0))
    is_bench = any(row.tool == "llm_bench" for row in launch.records)
    if not spent_s or (is_bench and len(lengths) > 1):
        return None
    asked = len(spent_s) if is_bench else max(len(spent_s), prompts)
    return 1000 * sum(spent_s) / asked


def _evidence(record: RunRecord) -> list[str]:
    """The lines that prove a run's cause."""
    if record.cause == WRONG_OUTPUT:
        return wrong_lines(record.answered)[:_MOST_EVIDENCE]
    found = [
        line
        for launch in record.launches
        if launch.verdict != "succeeded"
        for line in (*launch.evidence, *launch.crash)
    ]
    if record.error is not None:
        found.append(record.error.sentence)
    return list(dict.fromkeys(found or record.diagnosis))[:_MOST_EVIDENCE]


def _flags(record: RunRecord) -> list[str]:
    sentences = [flag.sentence for flag in record.flags]
    sentences += [
        f"launch {launch.number}: {flag.sentence}"
        for launch in record.launches
        if launch.kind == "measured"
        for flag in launch.flags
    ]
    return list(dict.fromkeys(sentences))


# beside the baseline


def _compare(base: RunRecord, record: RunRecord, base_arm: Arm, arm: Arm) -> Compared:
    """The launches of both in pairs, or what forbids that."""
    if not interleaved(base, record):
        return Compared(unlike=[unpaired_reason(base, record)])
    assert record.comparison is not None
    unlike = [_unlike(facet) for facet in find_unlike(base, record, record.comparison.by)]
    pairs = make_pairs(base, record)
    bases = {launch.order: launch for launch in base_arm.launches}
    owns = {launch.order: launch for launch in arm.launches}
    places = [(pair.a.order, pair.b.order) for pair in pairs]
    return Compared(
        unlike=unlike,
        pairs={
            figure: found
            for figure in SPEEDS
            if (found := _pairs(figure, [(bases[one], owns[other]) for one, other in places]))
        },
        left_out=[_left_out(sentence) for sentence in left_out(base, record, pairs)],
    )


def _pairs(figure: str, launches: Sequence[tuple[LaunchFigures, LaunchFigures]]) -> list[PairOf]:
    """Those of which both launches have a figure above 0."""
    found = []
    for one, other in launches:
        base, cell = getattr(one, figure), getattr(other, figure)
        if base is not None and cell is not None and base > 0 and cell > 0:
            found.append(PairOf(base=base, cell=cell, place_base=one.order, place_cell=other.order))
    return found


def _unlike(facet: Facet) -> str:
    return f"{facet.what}: {facet.b or 'not known'}, with the baseline {facet.a or 'not known'}"


def _left_out(sentence: str) -> str:
    """As a comparison says it, in the words of campaigns: A is the baseline."""
    return sentence.replace(" of A:", " of the baseline:", 1).replace(" of B:", ":", 1)
