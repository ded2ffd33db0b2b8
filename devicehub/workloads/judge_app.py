"""The verdict on a launch of MnnLlmChat: its log, what the agent saw of it, and what came back from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from devicehub.workloads.facts import INCOMPLETE, SUCCEEDED, Judgement, failed, first_cause
from devicehub.workloads.log_loss import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.workloads.facts import Facts
    from devicehub.workloads.mnn_chat import ChatReader
    from devicehub.workloads.record import Record


def judge_app(facts: Facts) -> Judgement:
    """Judge a launch of the app, or the saved log of one."""
    process = facts.log.process
    chat = process.chat if process is not None and process.chat.started else facts.chat
    records = _records(facts, chat)
    found = _judge_failures(facts, records)
    if found is not None:
        return found
    spoilt = _judge_count(facts, chat, records)
    if spoilt is not None:
        return spoilt
    if not records:
        return _unheard(facts, ())
    if not all(_replied(record) for record in records):
        return failed("no_tokens", records)
    return Judgement(SUCCEEDED, None, records)


def _records(facts: Facts, chat: ChatReader) -> tuple[Record, ...]:
    """The app's own figures; where it logged none, those that came with its answers."""
    reply = facts.reply
    if reply is None or (chat.records and reply.measured is None):
        return tuple(chat.records)
    return tuple(
        replace(record, load_ms=chat.load_ms, model=record.model or chat.model) for record in reply.records()
    )


def _judge_failures(facts: Facts, records: Sequence[Record]) -> Judgement | None:
    """The failure that the agent, the log or the app itself proves; None where none does."""
    if facts.agent_cause is not None:
        lines = facts.agent_lines or (f"the agent ended the launch: {facts.agent_cause}",)
        return failed(facts.agent_cause, records, facts.log.own_hits(), lines=lines)
    if facts.app is not None and (absent := facts.app.absence()):
        return failed(absent[0], records, facts.log.own_hits(), lines=absent[1])
    hits = [*facts.demo.head.all, *facts.log.own_hits()]
    if hits:
        return failed(first_cause(hits).slug, records, hits)
    if facts.reply is not None and facts.reply.cause is not None:
        return failed(facts.reply.cause, records, lines=facts.reply.evidence)
    if facts.app is None:
        return None
    if facts.app.gone:
        return failed("killed", records, lines=("the app's process ended",))
    spoilt = facts.app.spoilt()
    return failed(spoilt[0], records, lines=spoilt[1]) if spoilt is not None else None


def _judge_count(facts: Facts, chat: ChatReader, records: Sequence[Record]) -> Judgement | None:
    """Whether there is one PERF line for each answer: one too many may be a model's text."""
    reply = facts.reply
    if reply is None:
        # Nobody who asked has told what was answered.
        return _unheard(facts, records) if facts.is_live else None
    if reply.measured is not None:
        return None
    if not chat.records:
        cut = sum(answer.decode_tokens is None for answer in reply.answers)
        if reply.channel != "api" or not cut:
            return None
        lines = (f"max_new_tokens cut {cut} answers, and of such the app's API counts no tokens",)
        return _unheard(facts, records, lines)
    asked, answered, counted = reply.asked, len(reply.answers), len(chat.records)
    if counted > asked:
        lines = (f"the log holds {counted} PERF lines, and {asked} prompts were asked",)
        return failed("ambiguous_output", (), lines=lines)
    if counted < answered:
        lines = (f"the log holds {counted} PERF lines for {answered} answers",)
        return _unheard(facts, records, lines)
    return None


def _unheard(facts: Facts, records: Sequence[Record], lines: Sequence[str] = ()) -> Judgement:
    lost = sentences(facts.log.losses_within(None, None))
    if lost:
        return Judgement(INCOMPLETE, "log_loss", tuple(records), (*lines, *lost[:3]))
    return Judgement(INCOMPLETE, "incomplete_output", tuple(records), tuple(lines))


def _replied(record: Record) -> bool:
    if not (record.prompt_tokens and record.decode_tokens and record.prefill_tok_s):
        return False
    # A single token is the prefill's: by the API, which times nothing, there is no speed of decoding then.
    return bool(record.decode_tok_s) or (record.source == "api" and record.decode_tokens == 1)
