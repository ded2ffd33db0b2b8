"""The verdict on one launch, from what its readers gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.workloads.agreement import compare_blocks, compare_rows
from devicehub.workloads.facts import FAILED, INCOMPLETE, SUCCEEDED, Facts, Judgement, failed, first_cause
from devicehub.workloads.failures import EXIT_CAUSES
from devicehub.workloads.judge_app import judge_app
from devicehub.workloads.llm_bench import bogus_reason
from devicehub.workloads.log_loss import sentences
from devicehub.workloads.perf_block import MEDIA_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.workloads.evidence import Hit
    from devicehub.workloads.llm_demo import Cost
    from devicehub.workloads.log_loss import Loss
    from devicehub.workloads.log_side import EngineProcess
    from devicehub.workloads.perf_block import PerfBlock
    from devicehub.workloads.record import Record

_KILLED: Final = 137
_FULL_KIB: Final = 1024
_TIMES_ROUNDED_S: Final = 0.011
"""Two times of two decimals each."""


def counters_in_log(facts: Facts) -> bool:
    """Whether this engine's counters go to the log, so that stdout holds the model's text alone."""
    process = facts.log.process
    if process is not None and process.costs and not process.costs[0].block_is_logged:
        return False
    if facts.logs_to_logcat is not None:
        return facts.logs_to_logcat
    if facts.demo.engine_prints_here:
        return False
    if process is None:
        return False
    return process.prints_here or process.blocks.block is not None or facts.demo.block is None


def judge(facts: Facts) -> Judgement:
    """Apply the success predicate: every condition must hold, and doubt is failure."""
    match _find_workload(facts):
        case "demo":
            return _judge_demo(facts)
        case "bench":
            return _judge_bench(facts)
        case "app":
            return judge_app(facts)
        case _:
            return _judge_unknown(facts)


def _find_workload(facts: Facts) -> str | None:
    process = facts.log.process
    if facts.workload is not None:
        return facts.workload
    if facts.demo.started or facts.demo.prompt_file is not None or facts.demo.block is not None:
        return "demo"
    if facts.bench.started:
        return "bench"
    if facts.chat.started or (process is not None and process.chat.started):
        return "app"
    if facts.demo.engine_prints_here or process is not None:
        return "demo"
    return None


# llm_demo


def _judge_demo(facts: Facts) -> Judgement:
    process = facts.log.process
    in_log = counters_in_log(facts)
    demo = facts.demo
    block = (process.blocks.block if process else None) if in_log else demo.block
    doubt = None if in_log or block is None else _doubt(facts, block)
    records = () if doubt is not None else _demo_records(facts, process, block, in_log=in_log)
    # In a logcat build the engine says nothing on stdout: what looks like it there is text.
    after_block = [] if in_log else demo.tail.all
    proven = [*demo.head.all, *after_block, *facts.spoken, *facts.log.own_hits()]
    in_text = [hit for hit in demo.body.all if not in_log or (block is None and hit.pattern.shell_line)]
    healthy = block is not None and block.healthy and _as_asked(block, facts)
    # A model that generated no token wrote nothing: then every line is the engine's.
    silent = not healthy or block is None or not block.decode_tokens
    found = _judge_failures(facts, [*proven, *in_text] if silent else proven, records)
    if found is not None:
        return found
    if in_text:
        return failed("ambiguous_output", records, in_text)
    if block is None:
        return _judge_without_block(facts, in_log=in_log)
    if not healthy:
        return failed("no_tokens", records, lines=_block_lines(block))
    spoilt = _judge_sources(facts, process, block, records, in_log=in_log)
    if spoilt is not None:
        return spoilt
    if not in_log and demo.relaunched:
        return Judgement(INCOMPLETE, "incomplete_output", records, ("a later launch printed no counters",))
    if doubt is not None:
        return failed("ambiguous_output", (), lines=(doubt, *_block_lines(block)))
    unread = [kind for kind, count in facts.media.items() if count and not block.has_read(kind)]
    if unread:
        return failed("media_ignored", records, lines=_media_lines(block, unread))
    cut = _cut_by_timeout(facts, block)
    if cut is not None and facts.prompts == 1:
        return failed("generation_timeout", records, lines=(cut,))
    return Judgement(SUCCEEDED, None, records, _block_lines(block))


def _cut_by_timeout(facts: Facts, block: PerfBlock) -> str | None:
    """Say that `timeout_ms` may have cut an answer, which the engine does without a word; None where not.

    The limit holds for each prompt by itself, the block's times for all of them together.
    """
    tokens, asked = block.decode_tokens or 0, facts.max_new_tokens or 0
    times_s = (block.number("prefill time"), block.number("decode time"))
    if facts.timeout_ms is None or None in times_s or 0 < asked * facts.prompts <= tokens:
        return None
    spent_s = sum(time_s or 0.0 for time_s in times_s)
    if spent_s < facts.timeout_ms / 1000 - _TIMES_ROUNDED_S:
        return None
    return f"prefill and decode took {spent_s:.2f} s, and timeout_ms is {facts.timeout_ms}"


def _judge_sources(
    facts: Facts,
    process: EngineProcess | None,
    block: PerfBlock,
    records: Sequence[Record],
    *,
    in_log: bool,
) -> Judgement | None:
    """What speaks against a healthy block: lines that are gone from it, or another block of its process."""
    if process is None or process.blocks.block is None:
        return None
    if not in_log:
        if facts.log.pid is None:
            return None
        # A model writes to stdout alone: a block in the log is the engine's, so the engine printed both.
        differences = compare_blocks(block, process.blocks.block)
        return failed("counters_disagree", records, lines=differences) if differences else None
    span = process.block_span
    lost = facts.log.losses_within(*span) if span else []
    if lost and not block.has_all_fields:
        return Judgement(INCOMPLETE, "log_loss", tuple(records), tuple(sentences(lost)))
    return None


def find_doubts(facts: Facts) -> list[str]:
    """Why figures that were read are not to be trusted: what the engine said beside them may be lost."""
    if facts.reply is not None:
        return facts.reply.remarks
    process = facts.log.process
    block = process.blocks.block if process and counters_in_log(facts) else facts.demo.block
    cut = _cut_by_timeout(facts, block) if block else None
    doubts = [f"answers may have been cut: {cut}"] if cut is not None else []
    if process is None and facts.logs_to_logcat is not True:
        return doubts
    lost = _lost_words(facts)
    return doubts + [
        f"lines of the engine may be missing from the log, errors among them ({said})"
        for said in sentences(lost)
    ]


def _lost_words(facts: Facts) -> list[Loss]:
    """Losses among what this launch's engine logged, up to its block."""
    process = facts.log.process
    if process is None:
        return facts.log.losses_within(None, None)
    first = process.first if process.heard_from_start else None
    return facts.log.losses_within(first, process.block_span[1] if process.block_span else None)


def _demo_records(
    facts: Facts, process: EngineProcess | None, block: PerfBlock | None, *, in_log: bool
) -> tuple[Record, ...]:
    if block is None:
        return ()
    costs_ms = [*(cost.ms for cost in _costs(facts, process)), None, None]
    source = "logcat" if in_log else "stdout"
    return (block.record(source=source, load_ms=costs_ms[0], tuning_ms=costs_ms[1]),)


def _costs(facts: Facts, process: EngineProcess | None) -> list[Cost]:
    return facts.demo.costs or (process.costs if process else [])


def _as_asked(block: PerfBlock, facts: Facts) -> bool:
    return block.decode_tokens != 0 or facts.max_new_tokens in (None, 0)


def _judge_without_block(facts: Facts, *, in_log: bool) -> Judgement:
    demo = facts.demo
    if in_log and demo.block is not None:
        return failed("ambiguous_output", (), lines=("the block on stdout is not the engine's",))
    lost = _lost_words(facts) if in_log else []
    if lost:
        return Judgement(INCOMPLETE, "log_loss", (), tuple(sentences(lost)))
    if facts.exit_status == 1 and demo.prompt_file is not None and not (demo.generated() or "").strip():
        return failed("prompt_missing", (), lines=(f"prompt file is {demo.prompt_file}",))
    return _judge_unended(facts)


def _judge_unended(facts: Facts, records: Sequence[Record] = (), lines: Sequence[str] = ()) -> Judgement:
    """An output without its end, of a program that seems to have ended well: the disk may have been full."""
    if facts.free_kib is not None and facts.free_kib < _FULL_KIB:
        return failed("no_space", records, lines=(f"{facts.free_kib} KiB of storage were free at its end",))
    return Judgement(INCOMPLETE, "incomplete_output", tuple(records), tuple(lines))


def _doubt(facts: Facts, block: PerfBlock) -> str | None:
    """Why the last block on stdout may be the model's own text; None where it cannot be."""
    demo = facts.demo
    if demo.block_has_text_after:
        return "text follows the last block"
    if not demo.in_text:
        return None
    if facts.exit_status or (facts.exit_status is None and facts.agent_cause is not None):
        return "the engine did not live to print a block"
    known = facts.logs_to_logcat is False or demo.engine_prints_here or _costs(facts, facts.log.process)
    if facts.is_live and not known:
        return "nothing tells that this engine prints its block to stdout"
    if facts.exit_status is not None:
        return None
    if not block.consistent:
        return "the block's speeds are not its tokens over its times"
    costs = _costs(facts, facts.log.process)
    if costs and not costs[0].block_fields <= block.fields.keys():
        return "the block is of an older version than the engine"
    if _too_short(demo.generated() or "", block.decode_tokens or 0):
        return "the block counts more tokens than the text can hold"
    return None


def _too_short(text: str, decode_tokens: int) -> bool:
    """Whether a text is far too short for its tokens: hardly one is less than a byte, end tokens aside.

    A person who pastes a log may have left the text out, or put dots in its place.
    """
    size = len(text.strip().encode())
    return 0 < size < decode_tokens // 4 - 32 and not any(dots in text for dots in ("...", "…", "<", "["))


def _media_lines(block: PerfBlock, kinds: Sequence[str]) -> tuple[str, ...]:
    names = [name for kind in kinds for name in MEDIA_FIELDS.get(kind, ())]
    printed = [f"{name} = {block.fields[name]}" for name in names if name in block.fields]
    return (*printed, f"prompt tokens num = {block.fields['prompt tokens num']}")


def _block_lines(block: PerfBlock) -> tuple[str, ...]:
    names = ("prompt tokens num", "decode tokens num", "output tokens num", "prefill speed", "decode speed")
    return tuple(f"{name} = {block.fields[name]}" for name in names if name in block.fields)


# llm_bench and the rest


def _judge_bench(facts: Facts) -> Judgement:
    bench = facts.bench
    records = _with_exact_loads(bench.records, facts.bench_file)
    found = _judge_failures(facts, [*facts.demo.head.all, *facts.spoken, *facts.log.own_hits()], records)
    if found is not None:
        return found
    reasons = [f"{record.test}: {reason}" for record in records if (reason := bogus_reason(record))]
    if reasons:
        return failed("bogus_bench", records, lines=reasons)
    differences = compare_rows(bench.records, facts.bench_file) if bench.records and facts.bench_file else []
    if differences:
        return failed("counters_disagree", records, lines=differences)
    if bench.other_tool and not records:
        return failed("not_mnn", ())
    if not records or bench.cut_row is not None:
        return _judge_unended(facts, records, (bench.cut_row,) if bench.cut_row else ())
    return Judgement(SUCCEEDED, None, records)


def _with_exact_loads(rows: Sequence[Record], file: Sequence[Record]) -> tuple[Record, ...]:
    """The table's rows, else the file's; the table rounds load times to hundredths of a second."""
    if len(rows) != len(file):
        return tuple(rows or file)
    return tuple(
        msgspec.structs.replace(row, load_ms=exact.load_ms) if exact.load_ms is not None else row
        for row, exact in zip(rows, file, strict=True)
    )


def _judge_unknown(facts: Facts) -> Judgement:
    """No line of any workload: a start that failed, another tool, or nothing."""
    hits = [*facts.demo.head.all, *facts.spoken, *facts.log.own_hits()] or facts.log.all_hits()
    found = _judge_failures(facts, hits, ())
    if found is not None:
        return found
    if facts.bench.other_tool:
        return failed("not_mnn", ())
    return Judgement(INCOMPLETE, "incomplete_output")


# causes


def _judge_failures(facts: Facts, hits: list[Hit], records: Sequence[Record]) -> Judgement | None:
    """The failure that the agent, a line, or the exit status proves; None where none does."""
    if facts.agent_cause is not None:
        lines = facts.agent_lines or (f"the agent ended the launch: {facts.agent_cause}",)
        return failed(facts.agent_cause, records, hits, lines=lines)
    status = facts.exit_status
    if status == _KILLED and facts.memory_short is not None and _only_killed(hits):
        return failed("out_of_memory", records, hits, lines=(facts.memory_short, f"exit status {status}"))
    if hits:
        return failed(first_cause(hits).slug, records, hits)
    if status in (None, 0):
        return None
    if status == 1 and facts.demo.prompt_file is not None and not records:
        # Without a block the rule for a missing prompt file decides.
        ended = _judge_without_block(facts, in_log=False)
        if ended.verdict == FAILED:
            return ended
    return failed(_status_cause(facts, status), records, lines=(f"exit status {status}",))


def _only_killed(hits: Sequence[Hit]) -> bool:
    return all(hit.failure.slug == "killed" for hit in hits)


def _status_cause(facts: Facts, status: int | None) -> str:
    if status == 255:
        return "generation_error" if facts.demo.prompt_file is not None else "usage_error"
    return EXIT_CAUSES.get(status or 0, "exit_status")
