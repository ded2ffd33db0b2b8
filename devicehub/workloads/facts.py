"""What is known of a launch when it is judged, and the words of a judgement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.workloads.failures import BY_SLUG, RANK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.workloads.evidence import Hit
    from devicehub.workloads.llm_bench import BenchReader
    from devicehub.workloads.llm_demo import DemoReader
    from devicehub.workloads.log_side import LogSide
    from devicehub.workloads.mnn_chat import ChatReader
    from devicehub.workloads.mnn_chat_launch import AppSide
    from devicehub.workloads.mnn_chat_plan import AppReply
    from devicehub.workloads.patterns import Failure
    from devicehub.workloads.record import Record

SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
INCOMPLETE: Final = "incomplete"

_MOST_EVIDENCE: Final = 8
_LONGEST_EVIDENCE: Final = 400


@dataclass(frozen=True)
class Facts:
    """Everything that is known about one launch.

    Attributes:
        workload: demo, bench or app, where the caller knows it.
        spoken: what standard error and the agent gave, none of it the model's text.
        exit_status: None where it is not known, which fails nothing.
        agent_cause: why the agent ended the launch, a slug.
        agent_lines: what proves that cause.
        memory_short: a sentence where memory had run out when the launch ended.
        free_kib: what the phone's storage had left then.
        bench_file: the rows of llm_bench's JSON file, where it was fetched.
        media: how many pictures and sounds the prompts hold, by kind.
        max_new_tokens: what was asked; None where it is not known.
        timeout_ms: the configuration's own limit for an answer; None where there is none.
        prompts: how many there were.
        logs_to_logcat: whether the engine prints to the log; None where it is not known.
        app: what the agent told of the app that it started.
        reply: what came back from the app; None where the hub heard nothing.
        is_live: the streams are a process's own, whole and apart; not so in a saved file.
    """

    demo: DemoReader
    bench: BenchReader
    chat: ChatReader
    log: LogSide
    spoken: Sequence[Hit] = ()
    workload: str | None = None
    exit_status: int | None = None
    agent_cause: str | None = None
    agent_lines: Sequence[str] = ()
    memory_short: str | None = None
    free_kib: int | None = None
    bench_file: Sequence[Record] = ()
    media: Mapping[str, int] = field(default_factory=dict)
    max_new_tokens: int | None = None
    timeout_ms: int | None = None
    prompts: int = 1
    logs_to_logcat: bool | None = None
    app: AppSide | None = None
    reply: AppReply | None = None
    is_live: bool = False


@dataclass(frozen=True)
class Judgement:
    """What the hub concludes about one launch, and the lines that prove it."""

    verdict: str
    cause: str | None = None
    records: tuple[Record, ...] = ()
    evidence: tuple[str, ...] = ()


def failed(
    slug: str, records: Sequence[Record], hits: Sequence[Hit] = (), *, lines: Sequence[str] = ()
) -> Judgement:
    """A failure; the lines that prove its cause come first."""
    ordered = sorted(hits, key=lambda hit: (hit.failure.slug != slug, RANK[hit.failure.slug]))
    evidence = [re.sub(r"\s+", " ", line).strip()[:_LONGEST_EVIDENCE] for line in lines]
    evidence += [hit.line.strip()[:_LONGEST_EVIDENCE] for hit in ordered]
    return Judgement(FAILED, slug, tuple(records), tuple(dict.fromkeys(evidence))[:_MOST_EVIDENCE])


def first_cause(hits: Sequence[Hit]) -> Failure:
    """The failure that decides where several are proven."""
    first = min((hit.failure for hit in hits), key=lambda failure: RANK[failure.slug])
    proven = {hit.failure.slug for hit in hits}
    if first.slug == "weight_missing" and "config_missing" in proven:
        # llm_bench looks for the weights first: the whole folder is missing.
        return BY_SLUG["model_missing"]
    return first
