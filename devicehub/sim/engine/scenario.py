"""What a virtual phone makes happen to its engine.

That is: slower tokens, rows of MNN that the wheel has no cause to print, and an end before the end. Nothing
here is guessed from a model or its name: the phone hands over a script, and the engine says in the phone's
log that it follows one.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from devicehub.errors import SimError
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
        rows: what MNN prints when it comes to a point, without line ends; at `decode`, once per answer.
        refuse_load: loading fails, after its rows.
        end: None to let the program come to its end.
    """

    token_ms: float = 0.0
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


class ScriptedModel(WheelModel):
    """A model to which the script happens; it decodes token by token."""

    def __init__(self, config_path: str, script: EngineScript, stdio: Stdio) -> None:
        self._script = script
        self._stdio = stdio
        self._slept_us = 0
        self._rows_are_due = False
        super().__init__(config_path)

    def load(self) -> bool:
        """Load, unless the script ends or refuses it."""
        self._reach("load")
        return False if self._script.refuse_load else super().load()

    def respond(self, ids: Sequence[int], max_new_tokens: int) -> None:
        """Begin an answer and, where tokens are asked for, go on to its end."""
        self._walk(lambda: WheelModel.respond(self, ids, 0), max_new_tokens)

    def respond_silently(self, ids: Sequence[int], max_new_tokens: int) -> int:
        """Answer without a word; how long it took, in microseconds."""
        began_ns = time.perf_counter_ns()
        self._walk(lambda: WheelModel.respond_silently(self, ids, 0), max_new_tokens)
        return (time.perf_counter_ns() - began_ns) // 1000

    def step(self) -> None:
        """Generate one more token, as slowly as the script says."""
        super().step()
        if self._rows_are_due:
            self._rows_are_due = False
            self._print("decode")
        # Not time.sleep: it fails where libfaketime has set the clock meanwhile.
        signal.sigtimedwait((), self._script.token_ms / 1e3)
        self._slept_us += round(self._script.token_ms * 1e3)
        end = self._script.end
        if end is not None and end.at == "decode" and self.context().gen_seq_len >= end.tokens:
            self._end(end)

    def context(self) -> Context:
        """MNN's counters, with the time that the script took."""
        counted = super().context()
        return dataclasses.replace(counted, decode_us=counted.decode_us + self._slept_us)

    def _walk(self, begin: Callable[[], object], limit: int) -> None:
        self._slept_us, self._rows_are_due = 0, True
        self._reach("prefill")
        begin()
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
            # Python lets no other thread change what it has only changed for a few signals itself.
            if end.signal != signal.SIGKILL and threading.current_thread() is threading.main_thread():
                signal.signal(end.signal, signal.SIG_DFL)
            # To this thread: one for the whole process may come after the exit below.
            signal.raise_signal(end.signal)
        self._stdio.flush()
        os._exit(end.status)
