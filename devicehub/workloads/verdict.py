"""From the bytes of a launch to its counters and its verdict."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.android.lines import Line, LineSplitter
from devicehub.android.logcat import Divider, Entry, LogcatParser, LogLines, Unparsed
from devicehub.workloads.choices import ChoiceAnswer
from devicehub.workloads.evidence import HitBag, find_failure
from devicehub.workloads.facts import SUCCEEDED, Facts
from devicehub.workloads.judge import counters_in_log, find_doubts, judge
from devicehub.workloads.llm_bench import BenchReader
from devicehub.workloads.llm_demo import DemoReader
from devicehub.workloads.log_loss import sentences
from devicehub.workloads.log_side import LogSide
from devicehub.workloads.mnn_chat import ChatReader
from devicehub.workloads.mnn_chat_launch import AppSide
from devicehub.workloads.record import Record, finite
from devicehub.workloads.remedies import find_remedy, where_figures_went
from devicehub.workloads.saved import SavedLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devicehub.android.logcat import Item
    from devicehub.workloads.facts import Judgement
    from devicehub.workloads.mnn_chat_plan import AppReply

_STATUS: Final = re.compile(
    r"\s*(?:rc|ret|exit(?: ?code| ?status)?|exit_?code|\$\?)\s*[:=]?\s*(\d{1,3})\s*$", re.IGNORECASE
)
_MOST_LOSSES: Final = 20
_LONGEST_DOCUMENT: Final = 4 * 1024 * 1024


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one launch gave.

    Attributes:
        verdict: succeeded, failed or incomplete.
        cause: a slug of `failures`; None when it succeeded.
        records: one per measured row.
        text: the model's answer as it stood on stdout; None where none was begun.
        evidence: the lines that prove the verdict.
        remedy: what a person can do about the cause.
        doubts: why figures that were read are not to be trusted.
        log_loss: what the phone's log says of lines that it lost, whoever's.
        crash: lines of the log on how this launch's process crashed, was killed or hung.
        cold: whether the engine made its caches anew; None where nothing of it tells.
        choices: of workload eval: how the questions of its file were answered.
        perplexity: of workload eval: that of its text.
    """

    verdict: str
    cause: str | None
    records: list[Record]
    text: str | None
    evidence: list[str]
    remedy: str | None
    doubts: list[str] = []
    log_loss: list[str] = []
    crash: list[str] = []
    cold: bool | None = None
    choices: list[ChoiceAnswer] = []
    perplexity: float | None = None


class LaunchReader:
    """The streams of one launch, in pieces of any size, become one reading.

    Args:
        workload: demo, bench or app; None tells it from what is printed.
        saved: stdout is a saved or pasted file: any stream, several in one, with what a shell, adb or a
            person put around it.
        max_new_tokens: what was asked of llm_demo, where that is known.
        logs_to_logcat: whether the engine prints to the log, where that is known.
        media: how many pictures (`img`) and sounds (`audio`) the prompts hold.
        timeout_ms: as the configuration has it; what is no number above 0 is no limit.
        prompts: how many were asked.
    """

    def __init__(
        self,
        workload: str | None = None,
        *,
        saved: bool = False,
        max_new_tokens: int | None = None,
        logs_to_logcat: bool | None = None,
        media: Mapping[str, int] | None = None,
        timeout_ms: object = None,
        prompts: int = 1,
    ) -> None:
        self._workload = workload
        self._saved = saved
        self._max_new_tokens = max_new_tokens
        self._logs_to_logcat = logs_to_logcat
        self._media = media or {}
        # The engine takes numbers in quotes as well.
        limit = finite(str(timeout_ms))
        self._timeout_ms = int(limit) if limit is not None and limit >= 1 else None
        self._prompts = prompts
        self._bench_file = BenchReader()
        self._stdout: LineSplitter | SavedLines = SavedLines() if saved else LineSplitter()
        self._stderr = LineSplitter()
        self._log_bytes = LogcatParser()
        self._saved_log = LogLines()
        self._demo = DemoReader(saved=saved)
        self._bench = BenchReader()
        self._chat = ChatReader()
        self._app = AppSide() if workload == "app" and not saved else None
        self._reply: AppReply | None = None
        self._log = LogSide()
        self._spoken = HitBag()
        self._said_status: int | None = None
        self._document: list[str] | None = [] if saved else None
        self._document_size = 0

    def feed_stdout(self, data: bytes) -> None:
        """Take bytes of standard output, or of the saved file."""
        self._take_stdout(self._stdout.receive(data))

    def feed_stderr(self, data: bytes) -> None:
        """Take bytes of standard error, where it was kept apart."""
        self._take_stderr(self._stderr.receive(data))

    def feed_log(self, data: bytes) -> None:
        """Take bytes of the phone's log, in any format of logcat."""
        self._take_log(self._log_bytes.receive(data))

    def feed_result(self, name: str, data: bytes) -> None:
        """Take a file that the tool wrote: llm_bench's JSON; any other says nothing here."""
        if name.endswith(".json") and len(data) <= _LONGEST_DOCUMENT:
            self._bench_file.take_document(data.decode("utf-8", "replace"))

    def feed_reply(self, reply: AppReply) -> None:
        """Take what the hub heard from the app, which says it to nobody else."""
        self._reply = reply

    @property
    def text_so_far(self) -> str:
        """The model's text as far as it has come; it only grows while the model speaks."""
        rest = self._stdout.rest if isinstance(self._stdout, LineSplitter) else ""
        return self._demo.visible(rest, all_of_it=self._logs_to_logcat is True)

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
            exit_status: of the launch; None where it is not known, which fails nothing.
            agent_cause: why the agent ended the launch, a slug of `failures`.
            agent_lines: what proves that cause; without a cause, what the kernel said of a process it killed.
            pid: the launch's process, the one whose lines in the log count; None where it is not known.
            log_captured: the capture of the log ran to the end of the launch.
            log_wrapped: it reached its bound; what came later is missing.
            memory_short: a sentence where the samples say that memory had run out when the launch ended.
            free_kib: what the phone's storage had left then.
        """
        self._take_stdout(self._stdout.finish())
        # The launch's own process is the agent's script, which has started the app.
        self._log.pid = pid if self._app is None else self._app.pid
        self._take_stderr(self._stderr.finish())
        self._take_log(self._log_bytes.finish())
        if agent_cause is None:
            for line in agent_lines:
                self._log.take(Entry(line, tag="kernel"))
        self._log.end(captured=log_captured, wrapped=log_wrapped)
        self._demo.finish()
        self._take_document()
        facts = Facts(
            demo=self._demo,
            bench=self._bench,
            chat=self._chat,
            log=self._log,
            spoken=self._spoken.all,
            workload=self._workload,
            exit_status=exit_status if exit_status is not None else self._said_status,
            agent_cause=agent_cause,
            agent_lines=agent_lines,
            memory_short=memory_short,
            free_kib=free_kib,
            bench_file=[msgspec.structs.replace(row, source="json") for row in self._bench_file.records],
            media=self._media,
            max_new_tokens=self._max_new_tokens,
            timeout_ms=self._timeout_ms,
            prompts=self._prompts,
            logs_to_logcat=self._logs_to_logcat,
            app=self._app,
            reply=self._reply,
            is_live=not self._saved,
        )
        judgement = judge(facts)
        return Reading(
            verdict=judgement.verdict,
            cause=judgement.cause,
            records=list(judgement.records),
            text=self._reply.text if self._reply else self._demo.generated(all_of_it=counters_in_log(facts)),
            evidence=list(judgement.evidence),
            remedy=self._find_remedy(facts, judgement),
            doubts=find_doubts(facts) if judgement.verdict == SUCCEEDED else [],
            log_loss=sentences(self._log.losses)[:_MOST_LOSSES],
            crash=self._crash_lines(),
            cold=self._find_cold(),
        )

    def _find_cold(self) -> bool | None:
        process = self._log.process
        if self._demo.is_cold or (process is not None and process.is_cold):
            return True
        if self._demo.engine_prints_here:
            return False
        in_log = process is not None and process.prints_here
        return False if in_log and not self._log.losses_within(None, None) else None

    def _crash_lines(self) -> list[str]:
        lines = self._log.crash_lines()
        return lines if self._app is None else self._app.crash_lines(lines)

    def _find_remedy(self, facts: Facts, judgement: Judgement) -> str | None:
        demo = facts.demo
        in_log = demo.prompt_file is not None and not demo.engine_prints_here and counters_in_log(facts)
        if judgement.cause == "incomplete_output" and (in_log or facts.logs_to_logcat is True):
            return where_figures_went(self._log.own_pid, was_captured=not self._saved)
        return find_remedy(judgement.cause, judgement.evidence)

    def _take_log(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Entry):
                self._log.take(item)
            elif isinstance(item, Unparsed):
                self._log.take_text(item.text)

    def _take_stderr(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._spoken.add(find_failure(line.text))

    def _take_stdout(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if not self._saved:
                self._take_plain(line)
                continue
            item = Unparsed(line.text) if line.goes_on else self._saved_log.take(line.text)
            if isinstance(item, Entry) and self._is_log(item):
                self._log.take(item)
            elif not isinstance(item, Divider) or self._demo_is_speaking:
                self._collect_document(line)
                self._take_plain(line)

    @property
    def _demo_is_speaking(self) -> bool:
        """Whether lines that look like a log may be the model's text: it prints here and has no block yet."""
        demo = self._demo
        return demo.in_text and demo.engine_prints_here and demo.block is None

    def _is_log(self, entry: Entry) -> bool:
        if self._demo_is_speaking:
            return False
        return entry.stamp is not None or entry.pid is not None or (entry.tag or "").startswith("MNN")

    def _take_plain(self, line: Line) -> None:
        if self._app is not None:
            self._app.take_line(line.text)
            return
        demo = self._demo
        if self._may_be_figures(line) and (
            self._bench.take(line.text) or self._chat.take(line.text, None, source="stdout")
        ):
            return
        demo.take(line)
        if self._saved and (not demo.in_text or demo.block is not None):
            status = _STATUS.match(line.text)
            self._said_status = int(status[1]) if status else self._said_status

    def _may_be_figures(self, line: Line) -> bool:
        """Whether another tool than llm_demo may have written this line: the model's text may look alike."""
        demo = self._demo
        return self._workload != "demo" and not demo.in_text and not demo.started and not line.goes_on

    def _collect_document(self, line: Line) -> None:
        """Keep a file that begins as a JSON object, to be read as one at its end."""
        if self._document is None:
            return
        begins = self._document or line.text.lstrip().startswith("{") or not line.text.strip()
        self._document_size += len(line.text)
        if not begins or self._document_size > _LONGEST_DOCUMENT:
            self._document = None
        elif self._document or line.text.strip():
            self._document.append(line.text)

    def _take_document(self) -> None:
        if self._document and not self._bench.started:
            text = "\n".join(self._document)
            if '"results"' in text or '"modelSize"' in text:
                self._bench.take_document(text)
