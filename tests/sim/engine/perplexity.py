"""The perplexity of a text as the MNN wheel's own logits have it, computed without any code of ours."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Final

from devicehub import procs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LOSSES: Final = """
import json, os, sys
import _mnncengine, numpy
model = _mnncengine.llm.create(sys.argv[1], False)
model.set_config('{"all_logits": true, "use_template": false}')
assert model.load()
ids = list(model.tokenizer_encode(sys.argv[2]))
def losses(ids):
    model.reset()
    value = model.forward(ids)
    logits = numpy.array(value.read(), dtype=numpy.float64, copy=True)[0]
    del value
    logits -= logits.max(axis=1, keepdims=True)
    logits -= numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
    return [-logits[at, token] for at, token in enumerate(ids[1:])]
sys.stderr.write(json.dumps([losses(ids[begin:end]) for begin, end, _ in json.loads(sys.argv[3])]))
sys.stderr.flush()
os._exit(0)
"""


async def perplexity_of(config: Path, text: str, chunks: Sequence[tuple[int, int, int]]) -> float:
    """The exponential of the mean of the chunks' mean losses.

    Args:
        config: of the model.
        text: whose perplexity it is.
        chunks: each its begin, its end, and its first loss that counts.
    """
    argv = [sys.executable, "-c", _LOSSES, str(config), text, json.dumps(chunks)]
    done = await procs.run(argv, timeout_s=60)
    counted = [losses[first:] for losses, (_, _, first) in zip(json.loads(done.stderr), chunks, strict=True)]
    return math.exp(sum(sum(losses) / len(losses) for losses in counted) / len(counted))
