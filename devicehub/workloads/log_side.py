"""What the phone's log says about a launch, and which of its lines are about this launch at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.workloads.evidence import Hit, HitBag, find_failure
from devicehub.workloads.llm_demo import Cost, is_engine_line, read_cost
from devicehub.workloads.mnn_chat import ChatReader
from devicehub.workloads.perf_block import BlockReader, Step

if TYPE_CHECKING:
    from devicehub.android.logcat import Entry

_OUR_PROGRAMS: Final = re.compile(r"llm_demo|llm_bench|alibaba\.mnnllm|^lm_demo$|alibaba\.mnn")
_TOOL_TAGS: Final = ("llm_demo", "llm_bench")
# "pid: 7325, tid: 7325, name: llm_demo  >>> ./llm_demo <<<"
_TOMBSTONE: Final = re.compile(r"pid: (?P<pid>\d+), .*>>> (?P<program>.*?) <<<")
_PROCESS: Final = re.compile(r"Process: (?P<program>\S+), PID: (?P<pid>\d+)")
_LOSS: Final = re.compile(
    r"\b(?:identical|expire) \d+ lines?|unexpected EOF|skipping \d+ entries", re.IGNORECASE
)
_SPEAKS_AS_ENGINE: Final = re.compile(
    r"The device supports: |CPU Group: \[|main, \d+, cost time: |#{33}|PERF \||createLLM "
    r"|LLM init error|\[Error\]: "
)
_MOST_PROCESSES: Final = 32


class EngineProcess:
    """What one process's engine logged."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        self.prints_here = False
        self.blocks = BlockReader(interleaved=True)
        self.costs: list[Cost] = []
        self.hits = HitBag()
        self.chat = ChatReader()

    def take(self, entry: Entry) -> None:
        """Read one entry under a tag of the engine or the app."""
        text = entry.message
        if is_engine_line(text):
            self.prints_here = True
            cost = read_cost(text)
            if cost is not None and len(self.costs) < 2:
                self.costs.append(cost)
            return
        if self.blocks.take(text) is Step.OUTSIDE and not self.chat.take(text, entry.at_s):
            self.hits.add(find_failure(text, from_shell=False))


class LogSide:
    """Entries of a log become engine processes, failures of this launch, and failures of others.

    Attributes:
        pid: the launch's process where it is known; else the last that began to speak as an engine counts.
        losses: what logd says of entries that it dropped.
    """

    def __init__(self) -> None:
        self.pid: int | None = None
        self._processes: dict[int | None, EngineProcess] = {}
        self._others: list[tuple[Hit, int | None]] = []
        self._crashing: dict[int | None, tuple[str, int | None]] = {}
        self.losses: list[str] = []

    def take(self, entry: Entry) -> None:
        """Read one entry."""
        if self._is_engine(entry):
            self._take_engine(entry)
        else:
            self._take_system(entry)

    def _is_engine(self, entry: Entry) -> bool:
        if entry.tag is not None:
            return entry.tag.startswith("MNN")
        # Some formats leave the tag out: the process that once spoke as the engine does is the engine.
        return entry.pid in self._processes or _SPEAKS_AS_ENGINE.match(entry.message) is not None

    def _take_engine(self, entry: Entry) -> None:
        process = self._processes.get(entry.pid)
        if process is None:
            process = EngineProcess(entry.pid)
            if len(self._processes) >= _MOST_PROCESSES:
                del self._processes[next(iter(self._processes))]
            self._processes[entry.pid] = process
        process.take(entry)

    def _take_system(self, entry: Entry) -> None:
        if entry.tag in ("chatty", "liblog", "logd") and len(self.losses) < 3 and _LOSS.search(entry.message):
            self.losses.append(entry.message)
            return
        crash = _TOMBSTONE.search(entry.message) or _PROCESS.search(entry.message)
        if crash:
            self._crashing = {entry.pid: (crash["program"], int(crash["pid"][:9]))}
        hit = find_failure(entry.message, from_shell=False)
        if hit is None or len(self._others) >= 200:
            return
        line = f"{entry.tag}: {hit.line}" if entry.tag else hit.line
        program, pid = self._crashing.get(entry.pid, (None, entry.pid))
        victim = hit.process or program or (entry.tag if entry.tag in _TOOL_TAGS else None)
        self._others.append((Hit(hit.failure, line, hit.pattern, victim), pid))

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

    def own_hits(self) -> list[Hit]:
        """Failures of this launch."""
        process = self.process
        pid = self.pid if self.pid is not None else process.pid if process else None
        hits = [hit for hit, victim_pid in self._others if _is_ours(hit.process, victim_pid, pid)]
        return (process.hits.all if process else []) + hits

    def all_hits(self) -> list[Hit]:
        """Failures of any process, for a log in which nothing tells which one was meant."""
        return [hit for hit, _ in self._others]


def _is_ours(program: str | None, victim_pid: int | None, pid: int | None) -> bool:
    if pid is not None and (victim_pid == pid or program == str(pid)):
        return True
    return program is not None and _OUR_PROGRAMS.search(program) is not None
