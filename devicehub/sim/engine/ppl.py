"""What ppl_eval does, row by row, as MNN's newest sources have it: the perplexity of a text.

A text of more tokens than a chunk holds is read in chunks that overlap by a third; the result is the
exponential of the mean over the chunks, not over the tokens, of each one's mean loss.
"""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.engine import report
from devicehub.sim.engine.paths import host_config
from devicehub.sim.engine.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.engine.wheel import WheelModel

_STRIDE: Final = 512
_LARGEST_EXPONENT: Final = 88.7
"""Of a float."""


class PplEval(Program):
    """One run of the program."""

    def run(self, argv: Sequence[str]) -> int:
        """Run to the end; the exit status is 0 whatever happens.

        Raises:
            SimError: the wheel cannot be used.
        """
        if len(argv) < 3:
            self._stdio.engine("Usage: ./ppl_eval model/config.json wiki_output max_length\n")
            return 0
        try:
            limit = int(argv[3]) if len(argv) > 3 else -1
        except ValueError:
            self._stdio.die(signal.SIGABRT)
        self._stdio.engine(b"llmPath=s " + os.fsencode(argv[1]) + b" in main, 39 \n")
        self._stdio.engine(b"textPath=s " + os.fsencode(argv[2]) + b" in main, 40 \n")
        with host_config(argv[1]) as config_path:
            model = self._open_model(config_path)
        if not self._load(model):
            return 0
        tokens = self._encode(model, Path(argv[2], "prompt.txt"))
        if tokens is None:
            return 0
        length, stride = chunks_of(model.config())
        self._stdio.engine(f"contextLength={length} in main, 86 \nstride={stride} in main, 87 \n")
        losses = [
            model.surprise(chunk)[first:]
            for chunk, first in cut(tokens[:limit] if limit > 0 else tokens, length, stride)
        ]
        self._stdio.engine(f"Perplexity: {_text(losses)}\n")
        return 0

    def _load(self, model: WheelModel) -> bool:
        began = time.perf_counter()
        model.set_config({"all_logits": True, "use_template": False})
        asked = model.config().get("thread_num", 4)
        if isinstance(asked, int) and asked > self._threads:
            self._note(f"virtual engine: threads asked {asked}, used {self._threads}")
            model.set_config({"thread_num": self._threads})
        loaded = model.load()
        if not loaded:
            self._stdio.engine("Load LLM error\n")
        self._stdio.engine(f"main, 43, cost time: {(time.perf_counter() - began) * 1e3:f} ms\n")
        return loaded

    def _encode(self, model: WheelModel, file: Path) -> list[int] | None:
        began = time.perf_counter()
        try:
            tokens = model.encode(file.read_bytes())
        except OSError:
            tokens = None
            self._stdio.engine("Load prompt error\n")
        self._stdio.engine(f"main, 54, cost time: {(time.perf_counter() - began) * 1e3:f} ms\n")
        return tokens


def chunks_of(config: dict[str, Any]) -> tuple[int, int]:
    """How many tokens are read together, and by how many the next chunk begins later."""
    limits, chunk = config.get("chunk_limits"), config.get("chunk")
    length = limits[0] if isinstance(limits, list) and limits else chunk
    if not isinstance(length, int):
        return _STRIDE + _STRIDE // 2, _STRIDE
    return length, length // 3 * 2


def cut(tokens: Sequence[int], length: int, stride: int) -> list[tuple[Sequence[int], int]]:
    """The chunks of a text, each with the place among its losses of the first that counts."""
    chunks: list[tuple[Sequence[int], int]] = []
    begin = read = 0
    while begin < len(tokens):
        end = min(begin + length, len(tokens))
        # The first token of a text is foretold by nothing.
        first = len(tokens[begin:end]) - (end - read) - 1 if read else 0
        chunks.append((tokens[begin:end], first))
        read = end
        if end == len(tokens):
            break
        begin += stride
    return chunks


def _text(losses: Sequence[Sequence[float]]) -> str:
    """As printf writes it."""
    if not losses or not all(losses):
        return report.NAN
    mean = sum(sum(chunk) / len(chunk) for chunk in losses) / len(losses)
    if math.isnan(mean):
        return report.NAN
    return f"{math.exp(mean):f}" if mean < _LARGEST_EXPONENT else "inf"
