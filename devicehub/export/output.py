r"""Reads what llmexport prints while it works: spinners of yaspin, bars of tqdm, and lines.

Push style: bytes in pieces of any size, the same events. As they come (`\r` returns to the line's start)::

    \r⠋ export onnx model to \r                        \r
    ✅ Done export onnx model to \x1b[33;4mexported/onnx/llm.onnx\x1b[0m                   \n
    \rQuant weights:  32%|███▏      | 75/234 [00:01<00:02, 58.20it/s]
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.export.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 64 * 1024
"""Characters of a line that are kept; what a model's own code prints may have no end."""


@dataclass(frozen=True)
class Begun:
    """A stage is under way."""

    stage: Stage


@dataclass(frozen=True)
class Ended:
    """A part of a stage came to its end."""

    stage: Stage


@dataclass(frozen=True)
class Counted:
    """So many of so many steps of a part of a stage are done.

    Attributes:
        stage: None where the part is not known.
        what: the part, as the exporter calls it.
        share: of the whole stage, 0 to 1.
    """

    stage: Stage | None
    what: str
    done: int
    total: int
    share: float = 0.0


@dataclass(frozen=True)
class Said:
    """A line for the log, without colours and line end."""

    text: str


Event = Begun | Ended | Counted | Said

# llmexport 0.0.5, each text of `spinner_run`; a path or nothing follows.
_PARTS: Final = (
    ("load pretrained model", Stage.LOAD),
    ("export embedding to", Stage.ONNX),
    ("export onnx model to", Stage.ONNX),
    ("slim the graph of", Stage.ONNX),
    ("export model weight to", Stage.ONNX),
    ("export visual to", Stage.ONNX),
    ("export audio to", Stage.ONNX),
    ("export talker to", Stage.ONNX),
    ("export token2wav.", Stage.ONNX),
    ("convert onnx model to", Stage.CONVERT),
    ("quant model weight to", Stage.QUANTIZE),
    ("apply gptq to", Stage.QUANTIZE),
    ("export split lora to", Stage.QUANTIZE),
    ("export smooth quant scale to", Stage.QUANTIZE),
    ("export omni quant scale to", Stage.QUANTIZE),
    ("export tokenizer to", Stage.TOKENIZER),
    ("export config to", Stage.CONFIG),
)
_COUNTS: Final = {
    "Loading checkpoint shards": (Stage.LOAD, 0.5, 1.0),
    "Loading weights": (Stage.LOAD, 0.5, 1.0),
    "Unloading and merging model": (Stage.LOAD, 0.9, 1.0),
    "AWQ": (Stage.CALIBRATE, 0.0, 1.0),
    "OmniQuant: Optimize Weights": (Stage.CALIBRATE, 0.0, 0.9),
    "Collecting Feature Map Info": (Stage.CALIBRATE, 0.9, 1.0),
    "collecting data and computing scales...": (Stage.CALIBRATE, 0.0, 0.5),
    "applying scales...": (Stage.CALIBRATE, 0.5, 0.5),
    "collecting static activation scales...": (Stage.CALIBRATE, 0.5, 1.0),
    "Load LayerNorm data": (Stage.QUANTIZE, 0.0, 0.02),
    "Quant weights": (Stage.QUANTIZE, 0.02, 0.95),
    "Quant subgraphs weights": (Stage.QUANTIZE, 0.05, 0.95),
}
"""Before tqdm's bars in llmexport 0.0.5, transformers 5 and peft; from and to which share of the stage."""

_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SPINNER: Final = re.compile(r"[\u2800-\u28ff] (.*)")
_DONE: Final = re.compile("\N{WHITE HEAVY CHECK MARK} Done (.*)")
_BAR: Final = re.compile(r"(.*?):?\s*\d+%\|[^|]*\|\s*(\d{1,15})/(\d{1,15}) \[")


class Output:
    """What the child has printed so far."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._line = ""
        self._begun = False
        self._counted: Counted | None = None

    def receive(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes; gives what they complete."""
        for piece in re.split(r"(?<=[\r\n])", self._decode(data)):
            self._line = (self._line + piece)[-_LONGEST:]
            if self._line.endswith(("\r", "\n")):
                yield from self._read(self._line)
                self._line, self._begun = "", False
        # A spinner's or bar's line is ended by the next one, which may be minutes away.
        text = _plain(self._line)
        yield from self._begin(text)
        yield from self._count(text)

    def close(self) -> Iterator[Event]:
        """The end of the output: what no line end has completed."""
        yield from self._read(self._line + self._decode(b"", True) + "\n")
        self._line, self._begun = "", False

    def _read(self, line: str) -> Iterator[Event]:
        text, whole = _plain(line), line.endswith("\n")
        if spun := _SPINNER.match(text):
            yield from self._begin(text)
            if whole:  # somebody else's words behind the spinner's
                yield Said(spun[1])
        elif done := _DONE.match(text):
            if stage := _stage_of(done[1]):
                yield Ended(stage)
            yield Said(text)
        elif _BAR.match(text):
            yield from self._count(text)
            if whole:
                yield Said(text)
        elif text:
            yield Said(text)

    def _begin(self, text: str) -> Iterator[Event]:
        spun = _SPINNER.match(text)
        if spun and not self._begun and (stage := _stage_of(spun[1])):
            self._begun = True
            yield Begun(stage)

    def _count(self, text: str) -> Iterator[Event]:
        bar = _BAR.match(text)
        if bar is None:
            return
        what, done, total = bar[1], int(bar[2]), int(bar[3])
        stage, begin, end = _COUNTS.get(what, (None, 0.0, 0.0))
        counted = Counted(stage, what, done, total, begin + (end - begin) * min(1.0, done / max(1, total)))
        if counted != self._counted:
            self._counted = counted
            yield counted


def _plain(line: str) -> str:
    return _COLOUR.sub("", line).rstrip()


def _stage_of(part: str) -> Stage | None:
    return next((stage for start, stage in _PARTS if part.startswith(start)), None)
