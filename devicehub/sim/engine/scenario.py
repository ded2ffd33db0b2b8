"""What a virtual phone makes happen to its engine.

That is: a lower pace, slower tokens, wrong text, rows of MNN that the wheel has no cause to print, and an
end before the end. Nothing here is guessed from a model or its name: the phone hands over a script, and the
engine says in the phone's log that it follows one.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from devicehub.errors import SimError
from devicehub.sim.engine.garble import Garbler
from devicehub.sim.engine.pace import Pace, pause_us
from devicehub.sim.engine.wheel import BROKEN, Context, WheelModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.sim.engine.stdio import Stdio

VARIABLE: Final = "DEVICEHUB_SIM_ENGINE"
"""Names the file with the script, as the phone's processes see it; no such file means no script."""

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
    """

    token_ms: float = 0.0
    garble: bool = False
    rows: dict[Point, list[str]] = {}
    refuse_load: bool = False
    end: End | None = None


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


def model_opener(stdio: Stdio, note: Callable[[str], None]) -> Callable[[str], WheelModel]:
    """What opens a model, so that what the phone wants happens to it; `note` is told of a script.

    Raises:
        SimError: the phone's script is none.
    """
    script, pace = read_script(), Pace()
    if script is not None:
        note("virtual engine: follows a script")
    elif not pace.is_set:
        return WheelModel
    return lambda config_path: ScriptedModel(config_path, script or EngineScript(), pace, stdio)


class ScriptedModel(WheelModel):
    """A model to which the script happens at the phone's pace; it decodes token by token."""

    def __init__(self, config_path: str, script: EngineScript, pace: Pace, stdio: Stdio) -> None:
        self._script = script
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
        self._pace.slow_us((time.perf_counter_ns() - began_ns) // 1000)
        return loaded

    def respond(self, ids: Sequence[int], max_new_tokens: int) -> None:
        """Begin an answer and, where tokens are asked for, go on to its end."""
        if self._script.garble:
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

    def step(self) -> None:
        """Generate one more token, as slowly as the script says."""
        before_us = super().context().decode_us
        super().step()
        self._slept_us += self._pace.slow_us(super().context().decode_us - before_us)
        if self._garbler is not None:
            # As MNN does: each token by itself, flushed.
            self._stdio.out(self._garbler.news())
        if self._rows_are_due:
            self._rows_are_due = False
            self._print("decode")
        if self._script.token_ms > 0:
            self._slept_us += pause_us(self._script.token_ms / 1e3)
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
        self._slept_before_us = self._pace.slow_us(super().context().prefill_us)
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
