"""Workload custom: a command of the user's own, its output read by regular expressions of the user's own.

What a line means is the profile's to say: a regular expression that matches what a model may print believes
the model. Of the log the lines of the launch's own process count, as `TAG: message`.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from devicehub.android.lines import LineSplitter
from devicehub.android.logcat import Entry, LogcatParser, Unparsed
from devicehub.workloads.cold import is_cold_mark
from devicehub.workloads.custom_finds import Finds, Patterns, make_records
from devicehub.workloads.custom_judge import CustomFacts, judge_custom, remedy_of
from devicehub.workloads.evidence import HitBag, find_failure
from devicehub.workloads.facts import SUCCEEDED
from devicehub.workloads.kinds import Place, Start
from devicehub.workloads.log_loss import sentences
from devicehub.workloads.log_side import LogSide
from devicehub.workloads.verdict import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.android.lines import Line
    from devicehub.android.logcat import Item
    from devicehub.profiles.custom import Custom, Stream
    from devicehub.workloads.mnn_chat_plan import AppReply

MOST_TEXT: Final = 1024 * 1024
"""Characters of standard output that are kept as the launch's text; all of it is searched."""
_MOST_PROCESSES: Final = 64
_MOST_LOSSES: Final = 20


def start(place: Place, custom: Custom) -> Start:
    """The launch of a profile's command."""
    paths = {
        "engine": place.engine_dir,
        "model": place.model_dir,
        "config": place.config,
        "prompts": place.prompts,
        "work": place.work_dir,
        "run": place.run_dir,
        "launch": place.launch_dir,
    }
    first, *rest = custom.command
    program = first if custom.program is None else f"{place.engine_dir}/{first}"
    return Start((program, *(word.format_map(paths) for word in rest)), result_files=custom.results)


def log_tags(custom: Custom) -> tuple[str, ...]:
    """What the capture of the log keeps for the command beside what bears its own name."""
    return tuple(f"{tag}:V" for tag in custom.log_tags)


class CustomReader:
    """The streams of one launch of a custom workload, in pieces of any size, become one reading.

    Args:
        custom: the profile's table.

    Raises:
        re.error: the table was not checked.
    """

    def __init__(self, custom: Custom) -> None:
        self._custom = custom
        self._patterns = Patterns(custom)
        self._searches_log = self._patterns.searches("log")
        self._stdout = Finds(self._patterns, "stdout")
        self._stderr = Finds(self._patterns, "stderr")
        self._logged: dict[int, Finds] = {}
        self._results: dict[str, bytes] = {}
        self._out_lines = LineSplitter()
        self._err_lines = LineSplitter()
        self._log_lines = LogcatParser()
        self._log = LogSide()
        self._spoken = HitBag()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._is_cold = False

    def feed_stdout(self, data: bytes) -> None:
        """Take bytes of standard output."""
        self._search_stdout(self._out_lines.receive(data))
        self._keep(self._decoder.decode(data))

    def feed_stderr(self, data: bytes) -> None:
        """Take bytes of standard error."""
        self._take_stderr(self._err_lines.receive(data))

    def feed_log(self, data: bytes) -> None:
        """Take bytes of the phone's log."""
        self._take_log(self._log_lines.receive(data))

    def feed_result(self, name: str, data: bytes) -> None:
        """Take a file that the command wrote; once more where it was fetched once more."""
        self._results[name] = data

    def feed_reply(self, reply: AppReply) -> None:
        """Pass: no app is asked."""

    @property
    def text_so_far(self) -> str:
        """Standard output as far as it has come."""
        return self._text

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
            pid: the launch's process, the one whose lines in the log count; None: none does.
            log_captured: the capture of the log ran to the end of the launch.
            log_wrapped: it reached its bound; what came later is missing.
            memory_short: a sentence where the samples say that memory had run out when the launch ended.
            free_kib: what the phone's storage had left then.
        """
        self._end_streams()
        if agent_cause is None:
            for line in agent_lines:
                self._log.take(Entry(line, tag="kernel"))
        self._log.pid = pid
        self._log.end(captured=log_captured, wrapped=log_wrapped)
        finds = self._all_finds(pid)
        records, unread = make_records(self._custom, finds, self._custom.command[0].rpartition("/")[2])
        lost = sentences(self._log.losses_within(None, None)) if self._searches_log else []
        facts = CustomFacts(
            custom=self._custom,
            finds=finds,
            records=records,
            hits=[*self._spoken.all, *(self._log.own_hits() if pid is not None else ())],
            losses=lost,
            agent_cause=agent_cause,
            agent_lines=agent_lines,
            exit_status=exit_status,
            memory_short=memory_short,
            free_kib=free_kib,
        )
        judgement = judge_custom(facts)
        own = self._log.process
        doubts = [*unread, *(f"lines that the profile looks for may be missing ({said})" for said in lost)]
        return Reading(
            verdict=judgement.verdict,
            cause=judgement.cause,
            records=list(judgement.records),
            text=self._text,
            evidence=list(judgement.evidence),
            remedy=remedy_of(facts, judgement),
            doubts=doubts if judgement.verdict == SUCCEEDED else [],
            log_loss=sentences(self._log.losses)[:_MOST_LOSSES],
            crash=self._log.crash_lines() if pid is not None else [],
            cold=self._is_cold or (pid is not None and own is not None and own.is_cold) or None,
        )

    def _end_streams(self) -> None:
        self._search_stdout(self._out_lines.finish())
        self._keep(self._decoder.decode(b"", final=True))
        self._take_stderr(self._err_lines.finish())
        self._take_log(self._log_lines.finish())

    def _all_finds(self, pid: int | None) -> dict[Stream, Finds]:
        results = Finds(self._patterns, "result")
        for name in self._custom.results:
            lines = LineSplitter()
            _search(lines.receive(self._results.get(name, b"")), results)
            _search(lines.finish(), results)
        own = self._logged.get(pid) if pid is not None else None
        return {
            "stdout": self._stdout,
            "stderr": self._stderr,
            "log": own or Finds(self._patterns, "log"),
            "result": results,
        }

    def _keep(self, text: str) -> None:
        self._text += text[: MOST_TEXT - len(self._text)]

    def _search_stdout(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if not line.goes_on:
                self._stdout.take(line.text)
                self._is_cold = self._is_cold or is_cold_mark(line.text)

    def _take_stderr(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if not line.goes_on:
                self._stderr.take(line.text)
                self._is_cold = self._is_cold or is_cold_mark(line.text)
                self._spoken.add(find_failure(line.text))

    def _take_log(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Entry):
                self._log.take(item)
                self._search_entry(item)
            elif isinstance(item, Unparsed):
                self._log.take_text(item.text)

    def _search_entry(self, entry: Entry) -> None:
        """Search an entry in the name of its process: which one is the launch's is told at the end."""
        if not self._searches_log or entry.pid is None:
            return
        finds = self._logged.pop(entry.pid, None) or Finds(self._patterns, "log")
        if len(self._logged) >= _MOST_PROCESSES:
            del self._logged[next(iter(self._logged))]
        self._logged[entry.pid] = finds
        finds.take(f"{entry.tag}: {entry.message}" if entry.tag else entry.message)


def _search(lines: Iterable[Line], finds: Finds) -> None:
    """Search lines; of one that comes in parts the first part alone."""
    for line in lines:
        if not line.goes_on:
            finds.take(line.text)
