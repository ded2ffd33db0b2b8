"""What a run's files say, launch by launch. Does no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from devicehub.dispatch.conditions import ConditionsReader
from devicehub.dispatch.eval_ask import EVAL, eval_file
from devicehub.dispatch.launches import CUSTOM, custom_of
from devicehub.measure.checks import check_launch
from devicehub.models.fixture import ANSWER_TOKENS
from devicehub.runner.contract import LaunchEnded, Positions
from devicehub.runs.model import GateEnd, Launch
from devicehub.runs.steps import own_steps
from devicehub.units import format_celsius
from devicehub.workloads.ceval import read_exam
from devicehub.workloads.custom import CustomReader
from devicehub.workloads.eval_reader import EvalReader
from devicehub.workloads.verdict import LaunchReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.runner.contract import LaunchExit, Piece
    from devicehub.runs.model import RunHeader
    from devicehub.runs.steps import Step
    from devicehub.workloads.record import Record
    from devicehub.workloads.verdict import Reading

_NO_LIMIT: Final = -1
"""max_new_tokens where the config names none."""
_LIMITS: Final[dict[str, tuple[str, Callable[[int], str]]]] = {
    "limit_time": ("wall_s", lambda limit: f"time={limit} s"),
    "limit_temperature": ("temp_mc", lambda limit: f"temp={format_celsius(limit)}"),
    "limit_battery": ("battery_percent", lambda limit: f"battery={limit} %"),
    "limit_space": ("free_mib", lambda limit: f"space={limit} MiB"),
}
"""The header's name of the limit behind each cause, and how a person gave it."""


def new_launch_reader(header: RunHeader, step: Step) -> LaunchReader | CustomReader | EvalReader:
    """A reader for one launch of this run.

    Raises:
        InputError: a custom workload that another version of the hub wrote.
    """
    if step.kind == "fixture":
        return LaunchReader("demo", max_new_tokens=ANSWER_TOKENS, logs_to_logcat=header.engine.logcat)
    if header.workload == CUSTOM:
        return CustomReader(custom_of(header))
    if header.workload == EVAL:
        return _eval_reader(header, step)
    return LaunchReader(
        header.workload,
        max_new_tokens=header.config.get("max_new_tokens", _NO_LIMIT),
        logs_to_logcat=header.engine.logcat,
        media=header.media,
        timeout_ms=header.config.get("timeout_ms"),
        prompts=header.prompts,
    )


def _eval_reader(header: RunHeader, step: Step) -> EvalReader:
    questions = eval_file(header, step)
    if questions is None:
        return EvalReader(None, logs_to_logcat=header.engine.logcat)
    file, name = questions
    return EvalReader(read_exam(file.text, file.name), result_name=name, logs_to_logcat=header.engine.logcat)


class RunReader:
    """Takes the pieces of a run's list in order and gives its own launches.

    Attributes:
        positions: up to where the files were read.
        conditions: what the samples said.
        exits: how the list's launches ended so far, in order; those of a comparison's other run, too.
        log_captured: whether the phone's log was captured to the end, told by the run's end.
        log_wrapped: whether the capture reached its bound and lacks its end.
    """

    def __init__(self, header: RunHeader) -> None:
        self._header = header
        self._own = own_steps(header.steps, header.arm)
        self.positions = Positions()
        self.conditions = ConditionsReader(header)
        self.exits: list[LaunchExit] = []
        self.log_captured = True
        self.log_wrapped = False
        self._readers: dict[int, LaunchReader | CustomReader | EvalReader] = {}
        self._spoke: set[int] = set()
        self._shown = 0
        self._log_ahead: list[Piece] = []
        """Pieces of the log of which it is not known yet that they belong to the launch under way."""

    def feed(self, item: Piece | LaunchEnded) -> str:
        """Take the next piece, or the end of a launch; what the model said with it."""
        self.positions = self.positions.after(item)
        if isinstance(item, LaunchEnded):
            self._end_launch(item.exit)
            return ""
        if item.stream == "samples":
            self.conditions.feed(item.data)
            return ""
        if item.stream == "log":
            # The dump of a crash may come seconds after its process is gone: the last launch hears it, too.
            under_way = self._under_way
            for number in {under_way, max(under_way - 1, 1)} & self._own.keys():
                self.reader(number).feed_log(item.data)
            self._log_ahead.append(item)
            return ""
        if item.launch not in self._own:
            return ""
        reader = self.reader(item.launch)
        self._spoke.add(item.launch)
        (reader.feed_stdout if item.stream == "stdout" else reader.feed_stderr)(item.data)
        text = reader.text_so_far
        new, self._shown = text[self._shown :], len(text)
        return new if self._own[item.launch].shown else ""

    @property
    def step(self) -> Step | None:
        """What the phone is at or waits to begin; None where that is another run's, or nothing."""
        return self._own.get(len(self.exits) + 1)

    @property
    def has_begun(self) -> bool:
        """Whether that step has said a word."""
        return len(self.exits) + 1 in self._spoke

    @property
    def own_exits(self) -> list[LaunchExit]:
        """How this run's own launches ended so far."""
        return [end for end in self.exits if end.number in self._own]

    @property
    def shown_exits(self) -> list[LaunchExit]:
        """Those of them that a record shows."""
        return [end for end in self.own_exits if self._own[end.number].shown]

    @property
    def _under_way(self) -> int:
        return min(len(self.exits) + 1, len(self._header.steps))

    def _end_launch(self, end: LaunchExit) -> None:
        """Go on with the next launch, which also gets what the log has beyond this one's end."""
        self.exits.append(end)
        self._shown = 0
        size = end.byte_counts.get("log", 0)
        ahead = [piece for piece in self._log_ahead if piece.offset + len(piece.data) > size]
        self._log_ahead = ahead
        if self._under_way != end.number and self._under_way in self._own:
            for piece in ahead:
                self.reader(self._under_way).feed_log(piece.data[max(size - piece.offset, 0) :])

    def reader(self, number: int) -> LaunchReader | CustomReader | EvalReader:
        """The reader of one of the run's own launches, by its number in the list."""
        if number not in self._readers:
            self._readers[number] = new_launch_reader(self._header, self._own[number])
        return self._readers[number]

    def finish(self, cause: str | None, lines: Sequence[str] = ()) -> list[Launch]:
        """Judge every launch that a record shows, after the last byte.

        Args:
            cause: why the launch under way has no end of its own, for a run that was lost.
            lines: what proves that.
        """
        launches = [
            self._judge(end.number, end, end.cause, [*self._limit_lines(end.cause), *end.kernel])
            for end in self.shown_exits
        ]
        under_way = len(self.exits) + 1
        if cause is not None and (under_way in self._spoke or not launches):
            first = next(number for number, step in self._own.items() if step.shown)
            step = self._own.get(under_way)
            number = under_way if step is not None and step.shown else first
            if number not in {launch.order for launch in launches}:
                launches.append(self._judge(number, None, cause, lines))
        return launches

    def answers(self) -> list[tuple[str | None, str | None]]:
        """What the model answered to the fixture's prompts, and why a launch failed, in their order."""
        found: dict[int, tuple[str | None, str | None]] = {}
        for end in self.own_exits:
            step = self._own[end.number]
            if step.kind == "fixture":
                reading = self._read(end.number, end, end.cause, end.kernel)
                found[step.prompt or 0] = (reading.text, reading.cause)
        asked = [step.prompt or 0 for step in self._own.values() if step.kind == "fixture"]
        return [found.get(prompt, (None, "not_reached")) for prompt in asked]

    def _limit_lines(self, cause: str | None) -> list[str]:
        if cause not in _LIMITS:
            return []
        name, describe = _LIMITS[cause]
        limit = self._header.limits.get(name)
        return [] if limit is None else [f"the run was given the limit {describe(limit)}"]

    def _judge(self, number: int, end: LaunchExit | None, cause: str | None, lines: Sequence[str]) -> Launch:
        reading = self._read(number, end, cause, lines)
        step = self._own[number]
        shown = [order for order, own in self._own.items() if own.shown]
        launch = Launch(
            number=shown.index(number) + 1,
            order=number,
            kind=step.kind,
            cold=_is_cold(reading.cold, end),
            sampled=step.sampled,
            gate=_gate(end),
            verdict=reading.verdict,
            cause=reading.cause,
            text=reading.text,
            records=[self._named(record) for record in reading.records],
            choices=reading.choices,
            perplexity=reading.perplexity,
            exit_status=end.status if end else None,
            evidence=reading.evidence,
            remedy=reading.remedy,
            started_s=end.started_s if end else None,
            duration_s=end.duration_s if end else None,
            oom_score_adj=end.oom_score_adj if end else None,
            cpus_allowed=end.cpus_allowed if end else None,
            cgroups=list(end.cgroups) if end else [],
            doubts=reading.doubts,
            crash=reading.crash,
            log_loss=reading.log_loss,
        )
        return replace(launch, flags=check_launch(launch, self._header))

    def _read(self, number: int, end: LaunchExit | None, cause: str | None, lines: Sequence[str]) -> Reading:
        return self.reader(number).finish(
            end.status if end else None,
            agent_cause=cause,
            agent_lines=lines,
            pid=end.workload_pid if end else None,
            log_captured=self.log_captured,
            log_wrapped=self.log_wrapped,
            memory_short=self.conditions.memory_short(end),
            free_kib=end.free_kib if end else None,
        )

    def _named(self, record: Record) -> Record:
        """llm_bench calls a model by the folder that its config.json lies in, which is the run's."""
        return record if record.model is None else replace(record, model=self._header.model.name)


def _gate(end: LaunchExit | None) -> GateEnd | None:
    if end is None or end.gate_waited_s is None:
        return None
    return GateEnd(
        waited_s=end.gate_waited_s,
        timed_out=bool(end.gate_timed_out),
        temp_mc=end.gate_temp_mc,
        zone=end.gate_zone,
        throttled=end.gate_throttled,
    )


def _is_cold(said: bool | None, end: LaunchExit | None) -> bool | None:
    """Whether caches were made: the engine said so, or the work folder has more of them than before."""
    if end is None or end.caches_before is None or end.caches_after is None:
        return said
    return bool(said) or end.caches_after > end.caches_before
