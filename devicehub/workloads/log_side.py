"""What the phone's log says about a launch, and which of its lines are about this launch at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.workloads.cold import is_cold_mark
from devicehub.workloads.crash import CrashReader, find_victim
from devicehub.workloads.evidence import Hit, HitBag, find_failure
from devicehub.workloads.llm_demo import Cost, is_engine_line, read_cost
from devicehub.workloads.log_loss import Loss, LossReader
from devicehub.workloads.mnn_chat import ChatReader
from devicehub.workloads.perf_block import BlockReader, Step

if TYPE_CHECKING:
    from devicehub.android.logcat import Entry

_OUR_PROGRAMS: Final = re.compile(r"llm_demo|llm_bench|ppl_eval|alibaba\.mnnllm|^lm_demo$|alibaba\.mnn")
_TOOL_TAGS: Final = ("llm_demo", "llm_bench", "ppl_eval")
_SELF_TAGS: Final = ("libc", "linker", "AndroidRuntime", *_TOOL_TAGS)
"""Under these a process logs its own end."""
# "pid: 7325, tid: 7325, name: llm_demo  >>> ./llm_demo <<<"
_TOMBSTONE: Final = re.compile(r"pid: (?P<pid>\d+), .*>>> (?P<program>.*?) <<<")
_PROCESS: Final = re.compile(r"Process: (?P<program>\S+), PID: (?P<pid>\d+)")
_SPEAKS_AS_ENGINE: Final = re.compile(
    r"The device supports: |CPU Group: \[|main, \d+, cost time: |#{33}|PERF \||createLLM "
    r"|LLM init error|\[Error\]: "
)
# What the engine says first, before it can have said anything else.
_FIRST_WORDS: Final = re.compile(r"The device supports: |CPU Group: \[")
_MOST_PROCESSES: Final = 32


class EngineProcess:
    """What one process's engine logged.

    Attributes:
        first: the number of its first entry in the log.
        heard_from_start: the first thing that was read of it is the first that an engine says.
        is_cold: it told that it makes its caches anew.
        block_span: the numbers of the entries between which its whole block stands.
    """

    def __init__(self, pid: int | None, first: int, text: str) -> None:
        self.pid = pid
        self.first = first
        self.heard_from_start = _FIRST_WORDS.match(text) is not None
        self.block_span: tuple[int, int] | None = None
        self._opened = first
        self.prints_here = False
        self.is_cold = False
        self.blocks = BlockReader(interleaved=True)
        self.costs: list[Cost] = []
        self.hits = HitBag()
        self.chat = ChatReader()

    def take(self, entry: Entry, at: int) -> None:
        """Read one entry under a tag of the engine or the app."""
        text = entry.message
        if self.chat.quotes(entry):
            return
        if is_engine_line(text):
            self.prints_here = True
            cost = read_cost(text)
            if cost is not None and len(self.costs) < 2:
                self.costs.append(cost)
            return
        self.is_cold = self.is_cold or is_cold_mark(text)
        was_open = self.blocks.is_open
        step = self.blocks.take(text)
        if self.blocks.is_open and (not was_open or step is not Step.INSIDE):
            self._opened = at
        if step is Step.COMPLETE:
            self.block_span = (self._opened, at)
        if step is Step.OUTSIDE and not self.chat.take(text, entry.at_s):
            self.hits.add(find_failure(text, from_shell=False))


class LogSide:
    """Entries of a log become engine processes, failures of this launch, and failures of others.

    Attributes:
        pid: the launch's process where it is known; else the last that began to speak as an engine counts.
    """

    def __init__(self) -> None:
        self.pid: int | None = None
        self._processes: dict[int | None, EngineProcess] = {}
        self._others: list[tuple[Hit, int | None]] = []
        self._crashing: dict[int | None, tuple[str, int | None]] = {}
        self._losses = LossReader()
        self._crashes = CrashReader()
        self._count = 0

    def take(self, entry: Entry) -> None:
        """Read one entry."""
        if self._is_engine(entry):
            self._take_engine(entry)
        elif not self._losses.take(entry, self._count):
            self._take_system(entry)
        self._count += 1

    def take_text(self, text: str) -> None:
        """Read a line that is no entry."""
        self._losses.take_text(text, self._count)

    def end(self, *, captured: bool, wrapped: bool) -> None:
        """There are no more lines.

        Args:
            captured: the capture ran to the end of the launch.
            wrapped: it reached its bound; what came later is missing.
        """
        self._losses.end(self._count, captured=captured, wrapped=wrapped)

    def _is_engine(self, entry: Entry) -> bool:
        if entry.tag is not None:
            return entry.tag.startswith("MNN")
        # Some formats leave the tag out: the process that once spoke as the engine does is the engine.
        return entry.pid in self._processes or _SPEAKS_AS_ENGINE.match(entry.message) is not None

    def _take_engine(self, entry: Entry) -> None:
        process = self._processes.get(entry.pid)
        if process is None:
            process = EngineProcess(entry.pid, self._count, entry.message)
            if len(self._processes) >= _MOST_PROCESSES:
                del self._processes[next(iter(self._processes))]
            self._processes[entry.pid] = process
        process.take(entry, self._count)

    def _take_system(self, entry: Entry) -> None:
        self._crashes.take(entry)
        crash = _TOMBSTONE.search(entry.message) or _PROCESS.search(entry.message)
        if crash:
            self._crashing = {entry.pid: (crash["program"], int(crash["pid"][:9]))}
        hit = find_failure(entry.message, from_shell=False)
        if hit is None or len(self._others) >= 200:
            return
        line = f"{entry.tag}: {hit.line}" if entry.tag else hit.line
        program, pid = self._find_victim(entry, hit)
        self._others.append((Hit(hit.failure, line, hit.pattern, program), pid))

    def _find_victim(self, entry: Entry, hit: Hit) -> tuple[str | None, int | None]:
        """The program and pid that a line is about, as far as it tells: not always those of who wrote it."""
        if entry.pid in self._crashing:
            program, pid = self._crashing[entry.pid]
            return hit.process or program, pid
        told = find_victim(entry.message)
        if told is not None:
            return hit.process or told[0], told[1]
        if hit.process is not None and entry.tag not in _SELF_TAGS:
            return hit.process, None
        return hit.process or (entry.tag if entry.tag in _TOOL_TAGS else None), entry.pid

    @property
    def process(self) -> EngineProcess | None:
        """The launch's own process, if its engine logged anything."""
        if self.pid is not None:
            return self._processes.get(self.pid)
        spoke = [
            process
            for process in self._processes.values()
            if process.prints_here
            or process.blocks.block
            or process.blocks.is_open
            or process.chat.started
            or process.hits.all
        ]
        return spoke[-1] if spoke else None

    @property
    def own_pid(self) -> int | None:
        """The launch's process; None where nothing tells it."""
        process = self.process
        return self.pid if self.pid is not None else process.pid if process else None

    @property
    def losses(self) -> list[Loss]:
        """Everything that the log lost, whoever's."""
        return self._losses.all

    def losses_within(self, first: int | None, last: int | None) -> list[Loss]:
        """Losses that may have taken lines of this launch between two entries; None is no bound."""
        return [loss for loss in self.losses if loss.touches(self.own_pid, first, last)]

    def crash_lines(self) -> list[str]:
        """Lines that tell how this launch's process crashed, was killed or hung."""
        return self._crashes.lines_of(self.own_pid, _OUR_PROGRAMS)

    def own_hits(self) -> list[Hit]:
        """Failures of this launch."""
        process, pid = self.process, self.own_pid
        hits = [hit for hit, victim_pid in self._others if _is_ours(hit.process, victim_pid, pid)]
        return (process.hits.all if process else []) + hits

    def all_hits(self) -> list[Hit]:
        """Failures of any process, for a log in which nothing tells which one was meant."""
        return [hit for hit, _ in self._others]


def _is_ours(program: str | None, victim_pid: int | None, pid: int | None) -> bool:
    if pid is not None and (victim_pid is not None or program == str(pid)):
        # Another launch of the same program may stand in the same log.
        return victim_pid == pid or program == str(pid)
    return program is not None and _OUR_PROGRAMS.search(program) is not None
