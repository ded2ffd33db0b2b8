"""Child process: perplexity on a text, and decode speed, of an export in the MNN wheel.

Usage: python -P -m devicehub.export.measuring_child FILE, a `MeasureQuestion` as JSON in FILE; stdin is held
by the parent. What the wheel prints goes to stderr; stdout carries one `MeasureAnswer`.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from statistics import median
from typing import Any, Final

from devicehub.guard import be_expendable, end_with_parent

_SETTINGS: Final = {
    "precision": "high",
    "memory": "low",
    "thread_num": 1,
    "sampler_type": "greedy",
    "speculative_type": "",
    "reuse_kv": False,
}
_WINDOW: Final = 128
"""Tokens that are looked at together: logits of a large vocabulary take megabytes per token."""
_MOST_TOKENS: Final = 2048
_PROMPT_TOKENS: Final = 64
_DECODED: Final = 32
_REPEATS: Final = 3


def main() -> None:
    """Answer and leave without Python's clean-up: the wheel may crash in it after good work."""
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    end_with_parent()
    be_expendable()
    question = json.loads(Path(sys.argv[1]).read_text())
    os.write(answer_fd, json.dumps(_measure(question)).encode() + b"\n")
    os._exit(0)


def _measure(question: dict[str, Any]) -> dict[str, Any]:
    import MNN.llm

    wrapper = MNN.llm.create(question["config"])
    # The sampler is settled while the model is loaded.
    wrapper.set_config(_SETTINGS | {"tmp_path": ".", "use_mmap": question["use_mmap"]})
    model = wrapper._c_obj
    # The wrapper's own load() drops the answer.
    if not model.load():
        return {"error": "the engine cannot load it"}
    sample = wrapper.tokenizer_encode(question["sample"])[:_PROMPT_TOKENS]
    speeds = [_decode_tok_s(wrapper, sample) for _ in range(_REPEATS + 1)]
    known = [speed for speed in speeds[1:] if speed is not None]
    answer: dict[str, Any] = {"decode_tok_s": median(known) if known else None}
    if question["text"] is None:
        return answer
    tokens = wrapper.tokenizer_encode(question["text"])[:_MOST_TOKENS]
    wrapper.set_config({"all_logits": True})
    return answer | {"perplexity": _perplexity(wrapper, tokens), "tokens": len(tokens)}


def _decode_tok_s(wrapper: Any, prompt: list[int]) -> float | None:
    wrapper.generate_init()
    wrapper._c_obj.generate(prompt, _DECODED)
    context = wrapper._c_obj.get_context()
    decoded, took_us = context["gen_seq_len"], context["decode_us"]
    # The first token belongs to the prefill; a model that ends at once has no speed.
    return (decoded - 1) / took_us * 1e6 if decoded > 2 and took_us > 0 else None


def _perplexity(wrapper: Any, tokens: list[int]) -> float | None:
    """The exponential of the mean -log p over all tokens but the first of each window."""
    import numpy

    total, count = 0.0, 0
    for at in range(0, len(tokens), _WINDOW):
        window = tokens[at : at + _WINDOW]
        if len(window) < 2:
            break
        wrapper.generate_init()
        value = wrapper.forward(window)
        logits = numpy.array(value.read(), dtype=numpy.float32, copy=True).reshape(len(window), -1)
        # The process crashes at its end while a result of the engine is alive.
        del value
        logits = logits[:-1].astype(numpy.float64)
        top = logits.max(axis=1, keepdims=True)
        norm = top[:, 0] + numpy.log(numpy.exp(logits - top).sum(axis=1))
        total += float((norm - logits[numpy.arange(len(window) - 1), window[1:]]).sum())
        count += len(window) - 1
    if not count:
        return None
    perplexity = math.exp(min(total / count, 700.0))
    return perplexity if math.isfinite(perplexity) else None


if __name__ == "__main__":
    main()
