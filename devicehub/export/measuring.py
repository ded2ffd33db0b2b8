"""Measures a variant on this host: size, bits per weight, perplexity and speed in the MNN wheel."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub import procs
from devicehub.export.figures import Figures, bits_per_weight
from devicehub.export.weights import read_linears
from devicehub.models.check import CONFIG, check_model, read_object

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHILD: Final = ("-P", "-m", "devicehub.export.measuring_child")
_GRAPH: Final = "llm.mnn.json"
_EMBEDDINGS: Final = "embeddings_*.bin"
_TIMEOUT_S: Final = 1800.0
_MMAP_FROM: Final = 1 << 30
"""Bytes of a model whose weights are better left on the disk."""
_TAIL: Final = 2
SAMPLE: Final = (
    "A phone that runs a language model warms up, and a warm phone slows down. Whoever compares two settings "
    "therefore takes turns between them, waits until the phone is cool again, and counts every launch."
)
"""What is read before the speed is taken; any text will do."""


class MeasureQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked; without `text` there is no perplexity."""

    config: str
    sample: str
    text: str | None
    use_mmap: bool


class MeasureAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the child answers."""

    decode_tok_s: float | None = None
    perplexity: float | None = None
    tokens: int = 0
    error: str = ""


async def measure_figures(
    folder: Path,
    *,
    cosine: float | None,
    text: str | None,
    python: str = sys.executable,
    child: Sequence[str] = _CHILD,
) -> Figures:
    """Measure one exported model; what cannot be measured is None, with the reason.

    Args:
        folder: of the model.
        cosine: of its logits, which its acceptance has found.
        text: for the perplexity.
        python: the interpreter that has the MNN wheel.
        child: its arguments, those of a stand-in in tests.

    Raises:
        InputError: it is no exported model.
    """
    size = sum((folder / name).stat().st_size for name in check_model(folder).files)
    bits = _bits_per_weight(folder)
    config = str((folder / CONFIG).resolve())
    question = MeasureQuestion(config=config, sample=SAMPLE, text=text, use_mmap=size >= _MMAP_FROM)
    answer = await _ask([python, *child], question)
    return Figures(
        size=size,
        bits_per_weight=bits,
        cosine=cosine,
        perplexity=answer.perplexity,
        decode_tok_s=answer.decode_tok_s,
        problem=answer.error,
    )


def _bits_per_weight(folder: Path) -> float | None:
    graph = folder / _GRAPH
    linears = read_linears(read_object(graph)) if graph.is_file() else []
    if not linears:
        return None
    own = sum(file.stat().st_size for file in folder.glob(_EMBEDDINGS))
    # The embedding has the shape of the output layer, which is the last one.
    last = linears[-1]
    weights = last.outputs * last.inputs if own else 0
    return bits_per_weight(linears, embedding_bytes=own, embedding_weights=weights)


async def _ask(command: Sequence[str], question: MeasureQuestion) -> MeasureAnswer:
    with tempfile.TemporaryDirectory(prefix="devicehub-measure-") as scratch:
        file = Path(scratch) / "question.json"
        file.write_bytes(msgspec.json.encode(question))
        # MNN's threads spin: more of them than asked for would make every figure worse.
        env = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"}
        try:
            done = await procs.run_guarded(
                [*command, str(file)], timeout_s=_TIMEOUT_S, env=env, cwd=Path(scratch)
            )
        except TimeoutError:
            return MeasureAnswer(error=f"it took more than {_TIMEOUT_S:.0f} s")
        except OSError as error:
            return MeasureAnswer(error=f"{command[0]} cannot be started: {error.strerror}")
    try:
        return msgspec.json.decode(done.stdout, type=MeasureAnswer)
    except msgspec.DecodeError:
        said = " | ".join(done.stderr.decode(errors="replace").strip().splitlines()[-_TAIL:])
        problem = f"the engine ended with status {done.status}"
        return MeasureAnswer(error=problem + (f": {said}" if said else ""))
