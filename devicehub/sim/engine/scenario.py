"""What a virtual phone makes happen to its engine.

That is: a lower pace, slower tokens, wrong text, rows of MNN that the wheel has no cause to print, and an
end before the end, or an engine that infers nothing at all. Nothing here is guessed from a model or its name:
the phone hands over a script, and the engine says in the phone's log that it follows one.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from devicehub.errors import SimError
from devicehub.sim.engine.garble import Garbler
from devicehub.sim.engine.pace import Pace, pause_us
from devicehub.sim.engine.set_speed import SetSpeedModel
from devicehub.sim.engine.speeds import Rule, SetSpeed, Subject, joined
from devicehub.sim.engine.wheel import BROKEN, Context, WheelModel, make_executor
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.sim.engine.stdio import Stdio

VARIABLE: Final = "DEVICEHUB_SIM_ENGINE"
"""Names the file with the script, as the phone's processes see it; no such file means no script."""

APP: Final = "app"
"""The tool, and the engine, that MnnLlmChat is."""
Point = Literal["load", "prefill", "decode"]


class End(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the program ends before its end.

    Attributes:
        at: where; `decode` after so many `tokens` of an answer.
        signal: what it dies of; what its buffers hold is lost.
        status: with what it exits, where it dies of no signal.
    """

    at: Point
    tokens: int = 1
    signal: int | None = None
    status: int = 1


class EngineScript(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What happens to each program that is started while the phone holds this script.

    Attributes:
        token_ms: each token takes so much longer, in the program's figures too.
        garble: each token is printed as another one; the model's own decide speeds, counts and the end.
        rows: what MNN prints when it comes to a point, without line ends; at `decode`, once per answer.
        refuse_load: loading fails, after its rows.
        end: None to let the program come to its end.
        rules: what happens to some engines, models or configurations alone; all that fit do.
        speed: nothing is inferred, and this is printed; what is said above has no meaning then.
    """

    token_ms: float = 0.0
    garble: bool = False
    rows: dict[Point, list[str]] = {}
    refuse_load: bool = False
    end: End | None = None
    rules: list[Rule] = []
    speed: SetSpeed | None = None


def read_script() -> EngineScript | None:
    """The phone's script; None where it has none.

    Raises:
        SimError: the file is there and is no script.
    """
    path = os.environ.get(VARIABLE)
    try:
        data = Path(path).read_bytes() if path else b""
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SimError(f"the engine's script cannot be read ({error})") from error
    try:
        return msgspec.json.decode(data, type=EngineScript) if data else None
    except msgspec.MsgspecError as error:
        raise SimError(f"{path} is no engine script: {error}") from error


class Opener:
    """Opens models so that what the phone wants happens to them.

    Args:
        stdio: where their rows go.
        note: is told of a script.
        tool: which program this is.

    Raises:
        SimError: the phone's script is none.
    """

    def __init__(self, stdio: Stdio, note: Callable[[str], None], *, tool: str) -> None:
        self._stdio = stdio
        self._tool = tool
        self._script = read_script()
        self._pace = Pace()
        if self._script is not None:
            note("virtual engine: follows a script")

    def __call__(self, config_path: str) -> WheelModel:
        """A model of the wheel, or what stands for one.

        Raises:
            SimError: the wheel cannot be used, or cannot be as fast as the script says.
        """
        script = self._script
        if script is None and not self._pace.is_set:
            return WheelModel(config_path)
        script = script or EngineScript()
        rule = joined([rule for rule in script.rules if rule.fits(subject_of(self._tool, config_path))])
        if script.speed is not None:
            return SetSpeedModel(config_path, script.speed, rule, self._stdio)
        if max(rule.prefill, rule.decode, rule.load) > 1:
            raise SimError("the script's rules make a real engine faster than it is; give shares up to 1")
        return ScriptedModel(config_path, script, rule, self._pace, self._stdio)

    def make_executor(self, forward_type: int) -> None:
        """Make what MNN runs models with on a backend, where MNN runs any.

        Raises:
            SimError: the wheel cannot be used.
        """
        if self._script is None or self._script.speed is None:
            make_executor(forward_type)


def subject_of(tool: str, config_path: str) -> Subject:
    """What was started, as its environment and the text of its configuration tell."""
    try:
        config = msgspec.json.decode(Path(config_path).read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        config = {}
    base = config.get("base_dir")
    folder = Path(base) if isinstance(base, str) and base else Path(config_path).resolve().parent
    libraries = os.environ.get("LD_LIBRARY_PATH", "").partition(":")[0]
    return Subject(tool, APP if tool == APP else Path(libraries).name, folder.name, config)


class ScriptedModel(WheelModel):
    """A model to which the script happens at the phone's pace; it decodes token by token."""

    def __init__(self, config_path: str, script: EngineScript, rule: Rule, pace: Pace, stdio: Stdio) -> None:
        self._script = script
        self._rule = rule
        self._ballast = b""
        self._pace = pace
        self._stdio = stdio
        self._slept_us = 0
        self._slept_before_us = 0
        self._rows_are_due = False
        self._garbler: Garbler | None = None
        super().__init__(config_path)

    def load(self) -> bool:
        """Load, unless the script ends or refuses it."""
        self._reach("load")
        if self._script.refuse_load:
            return False
        began_ns = time.perf_counter_ns()
        loaded = super().load()
        # Written to, or the memory would be the phone's only on paper.
        self._ballast = b"\1" * (self._rule.memory_mib * MIB)
        self._pace.slow_us((time.perf_counter_ns() - began_ns) // 1000, self._rule.load)
        return loaded

    def respond(self, ids: Sequence[int], max_new_tokens: int) -> None:
        """Begin an answer and, where tokens are asked for, go on to its end."""
        if self._script.garble or self._rule.garble:
            self._garbler = Garbler(self, ids)
            self._walk(lambda: WheelModel.respond_silently(self, ids, 0), max_new_tokens)
        else:
            self._walk(lambda: WheelModel.respond(self, ids, 0), max_new_tokens)

    def respond_silently(self, ids: Sequence[int], max_new_tokens: int) -> int:
        """Answer without a word; how long it took, in microseconds."""
        self._garbler = None
        began_ns = time.perf_counter_ns()
        self._walk(lambda: WheelModel.respond_silently(self, ids, 0), max_new_tokens)
        return (time.perf_counter_ns() - began_ns) // 1000

    def surprise(self, ids: Sequence[int], *, shift: int = 0) -> list[float]:
        """The losses of what is read, which are another's where the script garbles."""
        self._reach("prefill")
        began_ns = time.perf_counter_ns()
        losses = super().surprise(ids, shift=shift + int(self._script.garble or self._rule.garble))
        self._pace.slow_us((time.perf_counter_ns() - began_ns) // 1000, self._rule.prefill)
        return losses

    def step(self) -> None:
        """Generate one more token, as slowly as the script says."""
        before_us = super().context().decode_us
        super().step()
        self._slept_us += self._pace.slow_us(super().context().decode_us - before_us, self._rule.decode)
        if self._garbler is not None:
            # As MNN does: each token by itself, flushed.
            self._stdio.out(self._garbler.news())
        if self._rows_are_due:
            self._rows_are_due = False
            self._print("decode")
        token_ms = self._script.token_ms + self._rule.token_ms
        if token_ms > 0:
            self._slept_us += pause_us(token_ms / 1e3)
        end = self._script.end
        if end is not None and end.at == "decode" and self.context().gen_seq_len >= end.tokens:
            self._end(end)

    def context(self) -> Context:
        """MNN's counters, with the time that the script took."""
        counted = super().context()
        return dataclasses.replace(
            counted,
            prefill_us=counted.prefill_us + self._slept_before_us,
            decode_us=counted.decode_us + self._slept_us,
        )

    def _walk(self, begin: Callable[[], object], limit: int) -> None:
        self._slept_us, self._slept_before_us, self._rows_are_due = 0, 0, True
        self._reach("prefill")
        begin()
        self._slept_before_us = self._pace.slow_us(super().context().prefill_us, self._rule.prefill)
        if limit < 0:
            limit = int(self.config().get("max_new_tokens", 512))
        while limit and (context := self.context()).status not in BROKEN:
            if context.gen_seq_len >= limit or self.stopped():
                return
            self.step()

    def _reach(self, point: Point) -> None:
        self._print(point)
        if self._script.end is not None and self._script.end.at == point:
            self._end(self._script.end)

    def _print(self, point: Point) -> None:
        for row in self._script.rows.get(point, ()):
            self._stdio.engine(row + "\n")

    def _end(self, end: End) -> None:
        if end.signal is not None:
            self._stdio.die(end.signal)
        self._stdio.finish()
        os._exit(end.status)
