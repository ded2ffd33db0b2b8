"""What the launches of workload eval say: llm_demo on a C-Eval file, and ppl_eval.

Of llm_demo's output only what stands before `prompt file is`, between a question's mark and the model's
answer, and after `store to` is the engine's; the answers are those of the file that it wrote. ppl_eval prints
nothing of a model's. So no answer can forge a failure, a perplexity or another answer.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from devicehub.android.lines import LineSplitter
from devicehub.android.logcat import Entry, LogcatParser
from devicehub.workloads.ceval import read_answers, split_output
from devicehub.workloads.choices import judge_choice
from devicehub.workloads.evidence import Hit, HitBag, find_engine_line, find_failure
from devicehub.workloads.facts import INCOMPLETE, SUCCEEDED, Judgement, failed, first_cause
from devicehub.workloads.failures import EXIT_CAUSES
from devicehub.workloads.log_side import LogSide
from devicehub.workloads.remedies import find_remedy
from devicehub.workloads.verdict import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.android.logcat import Item
    from devicehub.workloads.ceval import Exam
    from devicehub.workloads.choices import ChoiceAnswer
    from devicehub.workloads.mnn_chat_plan import AppReply

_MOST_OUTPUT: Final = 32 * 1024 * 1024
"""Bytes of standard output that are kept; the file of answers, which is fetched, is at most half of it."""
_MOST_LOGGED: Final = 100
_KILLED: Final = 137
_FULL_KIB: Final = 1024
_NAMED: Final = re.compile(rb"^prompt file is .*\n", re.MULTILINE)
_PERPLEXITY: Final = re.compile(r"Perplexity: (?P<value>-?(?:nan|inf|[0-9]+[.][0-9]{6}))\s*")


class EvalReader:
    """The streams of one launch of workload eval, in pieces of any size, become one reading.

    Args:
        exam: what llm_demo was asked; None for ppl_eval.
        result_name: of the file with its answers.
        logs_to_logcat: whether the engine prints to the log; None where that is not known.
    """

    def __init__(
        self, exam: Exam | None, *, result_name: str = "", logs_to_logcat: bool | None = None
    ) -> None:
        self._exam = exam
        self._result_name = result_name
        self._in_log = logs_to_logcat is True
        self._stdout = bytearray()
        self._stderr = LineSplitter()
        self._log_bytes = LogcatParser()
        self._log = LogSide()
        self._logged: list[tuple[int | None, str]] = []
        self._spoken = HitBag()
        self._file: bytes | None = None

    def feed_stdout(self, data: bytes) -> None:
        """Take bytes of standard output."""
        self._stdout += data[: max(_MOST_OUTPUT - len(self._stdout), 0)]

    def feed_stderr(self, data: bytes) -> None:
        """Take bytes of standard error."""
        for line in self._stderr.receive(data):
            self._spoken.add(find_failure(line.text))

    def feed_log(self, data: bytes) -> None:
        """Take bytes of the phone's log."""
        self._take_log(self._log_bytes.receive(data))

    def feed_result(self, name: str, data: bytes) -> None:
        """Take the file with the answers; once more where it was fetched once more."""
        if name == self._result_name:
            self._file = data

    def feed_reply(self, reply: AppReply) -> None:
        """Pass: no app is asked."""

    @property
    def text_so_far(self) -> str:
        """Nothing: questions and answers stand mixed."""
        return ""

    def finish(
        self,
        exit_status: int | None = None,
        *,
        agent_cause: str | None = None,
        agent_lines: Sequence[str] = (),
        pid: int | None = None,
        log_captured: bool = True,
        log_wrapped: bool = False,
        memory_short: str | None = None,
        free_kib: int | None = None,
    ) -> Reading:
        """Judge, after the last byte.

        Args:
            exit_status: of the launch; None where it is not known, with which nothing has succeeded.
            agent_cause: why the agent ended the launch, a slug of `failures`.
            agent_lines: what proves that cause; without a cause, what the kernel said of a process it killed.
            pid: the launch's process, the one whose lines in the log count.
            log_captured: the capture of the log ran to the end of the launch.
            log_wrapped: it reached its bound; what came later is missing.
            memory_short: a sentence where the samples say that memory had run out when the launch ended.
            free_kib: what the phone's storage had left then.
        """
        for line in self._stderr.finish():
            self._spoken.add(find_failure(line.text))
        self._take_log(self._log_bytes.finish())
        if agent_cause is None:
            for text in agent_lines:
                self._log.take(Entry(text, tag="kernel"))
        self._log.pid = pid
        self._log.end(captured=log_captured, wrapped=log_wrapped)
        found = _Exam(self._exam, bytes(self._stdout), self._file, self._result_name) if self._exam else None
        figures = [] if found else self._figures(pid)
        hits = [*self._spoken.all, *(found.hits(self._log.own_hits()) if found else self._plain_hits())]
        judgement = _by_end(exit_status, agent_cause, agent_lines, hits, memory_short) or (
            found.judge() if found else _judge_figures(figures)
        )
        if judgement.cause == "incomplete_output" and free_kib is not None and free_kib < _FULL_KIB:
            judgement = failed("no_space", (), lines=(f"{free_kib} KiB of storage were free at its end",))
        return Reading(
            verdict=judgement.verdict,
            cause=judgement.cause,
            records=[],
            text=None,
            evidence=list(judgement.evidence),
            remedy=find_remedy(judgement.cause, judgement.evidence),
            crash=self._log.crash_lines(),
            choices=found.choices() if found else [],
            perplexity=figures[0] if judgement.verdict == SUCCEEDED and figures else None,
        )

    def _take_log(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Entry):
                self._log.take(item)
                is_figure = self._exam is None and _PERPLEXITY.fullmatch(item.message) is not None
                if is_figure and (item.tag or "").startswith("MNN") and len(self._logged) < _MOST_LOGGED:
                    self._logged.append((item.pid, item.message))

    def _plain_hits(self) -> list[Hit]:
        """Failures that ppl_eval tells, every line of which is the engine's."""
        bag = HitBag()
        for line in self._stdout.decode("utf-8", "replace").splitlines():
            bag.add(find_failure(line))
        return [*bag.all, *self._log.own_hits()]

    def _figures(self, pid: int | None) -> list[float]:
        """Every perplexity that ppl_eval told, where this engine prints."""
        lines = self._stdout.decode("utf-8", "replace").splitlines()
        if self._in_log:
            lines = [message for logger, message in self._logged if pid is not None and logger == pid]
        return [float(match["value"]) for line in lines if (match := _PERPLEXITY.fullmatch(line))]


class _Exam:
    """What one launch of llm_demo made of its questions."""

    def __init__(self, exam: Exam, stdout: bytes, file: bytes | None, result_name: str) -> None:
        named = _NAMED.search(stdout)
        head, body = (stdout[: named.end()], stdout[named.end() :]) if named else (stdout, b"")
        body, stored, tail = body.rpartition(b"store to " + result_name.encode() + b"\n")
        self._exam = exam
        self._is_stored = bool(stored)
        self._has_file = file is not None
        self._body = body if stored else tail
        self._doubt: str | None = None
        self._answers: list[bytes] | None = None
        said = split_output(self._body, exam) if stored else None
        if file is not None and stored:
            try:
                self._answers = read_answers(file, len(exam.questions), said)
            except ValueError as error:
                self._doubt = str(error)
        self._is_split = said is not None
        # What the engine says of an answer it says before that is printed.
        noise = [
            text[: len(text) - len(answer)]
            for text, answer in zip(said or (), self._answers or (), strict=False)
        ]
        self._engine = b"\n".join([head, *noise, tail if stored else b""]).decode("utf-8", "replace")

    def hits(self, logged: Sequence[Hit]) -> list[Hit]:
        """Failures that the engine tells; of the log's those that are no line of a question or an answer."""
        bag = HitBag()
        for line in self._engine.splitlines():
            bag.add(find_failure(line))
        if self._answers is None:
            # The launch has failed already: whose line it is decides about the cause alone.
            for line in self._body.decode("utf-8", "replace").splitlines():
                bag.add(find_engine_line(line))
            return [*bag.all, *logged]
        asked = [question.prompt for question in self._exam.questions]
        spoken = b"".join([*asked, *self._answers]).decode("utf-8", "replace")
        others = HitBag()
        for line in () if self._is_split else self._body.decode("utf-8", "replace").splitlines():
            others.add(find_engine_line(line))
        return [*bag.all, *(hit for hit in [*others.all, *logged] if hit.line.strip() not in spoken)]

    def choices(self) -> list[ChoiceAnswer]:
        """How each question was answered; none where that is not known."""
        questions = self._exam.questions
        return [judge_choice(*pair) for pair in zip(questions, self._answers or (), strict=False)]

    def judge(self) -> Judgement:
        """Whether every question was answered."""
        if self._doubt is not None:
            return failed("ambiguous_output", (), lines=(self._doubt,))
        if self._answers is None:
            missing = "the file with the answers is not there"
            if self._has_file:
                missing = "the file with the answers has no end" if self._is_stored else "no end was printed"
            return Judgement(INCOMPLETE, "incomplete_output", (), (missing,))
        if not any(answer.strip() for answer in self._answers):
            return failed("no_tokens", (), lines=("every answer is empty",))
        return Judgement(SUCCEEDED, None, (), (f"{len(self._answers)} questions answered",))


def _judge_figures(figures: Sequence[float]) -> Judgement:
    if not figures:
        return Judgement(INCOMPLETE, "incomplete_output", (), ("no perplexity was printed",))
    lines = [f"Perplexity: {value:f}" for value in figures]
    if len(figures) > 1:
        return failed("ambiguous_output", (), lines=lines)
    if not math.isfinite(figures[0]):
        return failed("perplexity_infinite", (), lines=lines)
    return Judgement(SUCCEEDED, None, (), tuple(lines))


def _by_end(
    status: int | None,
    agent_cause: str | None,
    agent_lines: Sequence[str],
    hits: Sequence[Hit],
    memory_short: str | None,
) -> Judgement | None:
    """The failure that the agent, a line, or the exit status proves; None where none does."""
    if agent_cause is not None:
        lines = agent_lines or (f"the agent ended the launch: {agent_cause}",)
        return failed(agent_cause, (), hits, lines=lines)
    if status == _KILLED and memory_short is not None and all(hit.failure.slug == "killed" for hit in hits):
        return failed("out_of_memory", (), hits, lines=(memory_short, f"exit status {status}"))
    if hits:
        return failed(first_cause(hits).slug, (), hits)
    if status is None:
        return Judgement(INCOMPLETE, "incomplete_output", (), ("how it ended is not known",))
    if status != 0:
        return failed(EXIT_CAUSES.get(status, "exit_status"), (), lines=(f"exit status {status}",))
    return None
