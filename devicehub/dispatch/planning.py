"""What a run is made of on this phone: which steps, and whether its model must answer first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from devicehub.dispatch.launches import APP, CUSTOM, FIXTURE_PROGRAM
from devicehub.errors import UnlikeRuns
from devicehub.measure.cost import COSTLY
from devicehub.measure.likeness import find_unlike_before
from devicehub.measure.protocol import plan_comparison, plan_steps
from devicehub.models.fixture import ANSWER_TOKENS
from devicehub.models.memory import memory_needed_kib
from devicehub.runs.model import Fidelity
from devicehub.store.answers import AnswerKey
from devicehub.workloads.config import fixture_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.device.state import PhoneState
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.prepare import Prepared
    from devicehub.dispatch.request import RunRequest
    from devicehub.models.fixture import Fixture
    from devicehub.runs.model import RunHeader

GPU_BACKENDS: Final = frozenset({"opencl", "vulkan", "metal", "cuda"})


@dataclass(frozen=True)
class Question:
    """Whether a model answers its fixture in this run.

    Attributes:
        fixture: what it is asked; None where it is not asked now.
        known: why not: an earlier answer, or what stands in the way.
        config: with which it answers.
    """

    fixture: Fixture | None = None
    known: Fidelity | None = None
    config: dict[str, Any] = field(default_factory=dict)


def plan_question(request: RunRequest, header: RunHeader, state: PhoneState, means: Means) -> Question:
    """Decide it: asked is what this combination has not answered yet, or what shall be answered again."""
    fixture = means.models.fixture(request.model)
    if request.workload == CUSTOM:
        return _unasked("a custom workload answers no fixture")
    if request.workload == APP:
        # LlmSession begins each conversation with its own system prompt and samples as the model says:
        # what it answers is not what the host answers, on a right engine either.
        return _unasked("MnnLlmChat asks with a sampler and a system prompt of its own")
    if fixture is None:
        return _unasked(means.models.fixture_reason(request.model) or "the model has no fixture")
    if request.engine is not None and FIXTURE_PROGRAM not in request.engine.executables:
        return _unasked(f"engine {request.engine.name} has no {FIXTURE_PROGRAM}, which would answer")
    known = means.store.known_answer(answer_key(header, fixture))
    if known is not None and not request.verify_output:
        return Question(known=known)
    return Question(fixture=fixture, config=_config(request, header, state))


def _unasked(reason: str) -> Question:
    return Question(known=Fidelity(share=None, reason=reason))


def _config(request: RunRequest, header: RunHeader, state: PhoneState) -> dict[str, Any]:
    free_kib = state.memory.available_kib
    in_memory = {**header.config, "use_mmap": False}
    fits = free_kib is None or memory_needed_kib(request.model, in_memory) <= free_kib
    use_mmap = header.config.get("use_mmap") in (True, "true") and not fits
    return fixture_config(
        header.config, request.model.config, max_new_tokens=ANSWER_TOKENS, use_mmap=use_mmap
    )


def answer_key(header: RunHeader, fixture: Fixture) -> AnswerKey:
    """Of what an answer is remembered: phone, Android build, engine, model and final config."""
    build = header.at_start.build if header.at_start else None
    return AnswerKey.of(
        fixture,
        serialno=header.device.serialno,
        build=build or header.device.android or "",
        engine_id=header.engine.id,
        model_id=header.model.id,
        config_sha256=header.config_sha256,
    )


def with_steps(request: RunRequest, header: RunHeader, question: Question, means: Means) -> RunHeader:
    """The header with the steps of a run of its own."""
    steps = plan_steps(
        request.protocol,
        launches=request.launches,
        fixture_prompts=_prompts(question),
        gpu=_on_gpu(header) and header.asked_eval is None,  # answers need no warm kernels
        idle=request.energy,
        cost=request.measure_cost,
        unsampled=_unsampled(header, means),
        suite=header.asked_suite is not None or header.asked_eval is not None,
    )
    return replace(header, steps=steps, fixture=question.fixture, fidelity_known=question.known)


def with_shared_steps(prepared: Sequence[Prepared], means: Means) -> list[RunHeader]:
    """The headers of a comparison's two runs on one phone, with the one list that it works through.

    Raises:
        UnlikeRuns: they differ in more than the factor that was named.
    """
    first, second = prepared
    assert first.request.protocol is not None
    refuse_unlike(first.header, second.header)
    steps = plan_comparison(
        first.request.protocol,
        fixture_prompts=(_prompts(first.question), _prompts(second.question)),
        gpu=(_on_gpu(first.header), _on_gpu(second.header)),
        unsampled=_unsampled(first.header, means),
        suite=first.header.asked_suite is not None,
    )
    return [
        replace(
            one.header,
            steps=steps,
            arm=arm,
            fixture=one.question.fixture,
            fidelity_known=one.question.known,
        )
        for arm, one in enumerate(prepared)
    ]


def refuse_unlike(a: RunHeader, b: RunHeader) -> None:
    """Refuse now what would be refused when all launches were made.

    Raises:
        UnlikeRuns: they differ in more than the factor that was named.
    """
    assert a.comparison is not None
    if unlike := find_unlike_before(a, b, a.comparison.by):
        raise UnlikeRuns(
            a.comparison.by,
            [(facet.what, facet.a or "not known", facet.b or "not known") for facet in unlike],
        )


def _prompts(question: Question) -> int:
    return len(question.fixture.prompts) if question.fixture else 0


def _on_gpu(header: RunHeader) -> bool:
    return header.config.get("backend_type", "cpu") in GPU_BACKENDS


def _unsampled(header: RunHeader, means: Means) -> bool:
    cost = means.store.sampling_cost(header.device.serialno)
    return cost is not None and cost > COSTLY
