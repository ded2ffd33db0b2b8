"""Child process: prunes the copy of a checkpoint in place, or measures the perplexity of one.

Usage: python -P -m devicehub.export.prune.child FILE, a `PruneQuestion` as JSON in FILE; stdin is held by the
parent. What the libraries print goes to stderr; stdout carries a `PruneEvent` per line, the last one with the
answer.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.export.prune.magnitude import prune_layer, write_layer
from devicehub.export.prune.pattern import Pattern
from devicehub.export.tensors import read_tensors
from devicehub.guard import be_expendable, end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.export.tensors import Tensor

_MOST_TOKENS: Final = 512
"""Of one sample."""
_LIBRARIES: Final = ("llmcompressor", "torch", "transformers", "numpy")
_STRUCTURES: Final = {"unstructured": "0:0"}
"""As llmcompressor writes them; groups have the same names there."""
_OUTPUT: Final = "re:.*lm_head"
"""Tied to the embedding in many a model."""


class PruneQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked.

    Attributes:
        task: of `METHODS`, or `perplexity`.
        folder: of the checkpoint; what is pruned is overwritten.
        layers: the names of the tensors that are pruned.
        lines: of the text to calibrate with, or to measure on.
    """

    task: str
    folder: str
    layers: tuple[str, ...] = ()
    pattern: Pattern | None = None
    lines: tuple[str, ...] = ()


class PruneEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What the child says: so many layers are done, or at the end the answer."""

    done: int = 0
    ended: bool = False
    error: str = ""
    perplexity: float | None = None
    seconds: float = 0.0
    versions: dict[str, str] = {}


def main() -> None:
    """Answer and leave without Python's clean-up: torch may crash in it after good work."""
    events_fd = os.dup(1)
    os.dup2(2, 1)
    end_with_parent()
    be_expendable()

    def tell(event: PruneEvent) -> None:
        os.write(events_fd, msgspec.json.encode(event) + b"\n")

    question = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=PruneQuestion)
    began_s = time.monotonic()
    try:
        answer = _answer(question, lambda done: tell(PruneEvent(done=done)))
    except (OSError, ImportError, ValueError, RuntimeError, KeyError, AttributeError, TypeError) as error:
        answer = PruneEvent(ended=True, error=f"{type(error).__name__}: {error}")
    tell(msgspec.structs.replace(answer, seconds=time.monotonic() - began_s, versions=_versions()))
    os._exit(0)


def _answer(question: PruneQuestion, tell: Callable[[int], None]) -> PruneEvent:
    if question.task == "perplexity":
        return PruneEvent(ended=True, perplexity=_perplexity(question))
    assert question.pattern is not None
    tensors = read_tensors(Path(question.folder))
    layers = [tensors[name] for name in question.layers]
    if question.task == "magnitude":
        for done, tensor in enumerate(layers):
            tell(done)
            prune_layer(tensor, question.pattern)
    else:
        _prune_by_text(question, question.pattern, layers, tell)
    return PruneEvent(ended=True, done=len(layers))


def _prune_by_text(
    question: PruneQuestion, pattern: Pattern, layers: list[Tensor], tell: Callable[[int], None]
) -> None:
    """Let llmcompressor prune the model in memory, then put its weights into the checkpoint's own files."""
    import torch
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.modifiers.pruning import SparseGPTModifier, WandaPruningModifier
    from loguru import logger
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(question.folder, dtype="auto")
    tokenizer = AutoTokenizer.from_pretrained(question.folder)
    encoded = [tokenizer(line, truncation=True, max_length=_MOST_TOKENS) for line in question.lines]
    samples = [
        {"input_ids": one["input_ids"], "attention_mask": one["attention_mask"]}
        for one in encoded
        if one["input_ids"]
    ]
    if not samples:
        raise ValueError("the text holds no token")
    count = 0

    def hear(message: str) -> None:
        nonlocal count
        if "Sparsifying " in message:
            tell(min(count, len(layers)))
            count += 1

    logger.add(hear, format="{message}")
    kinds = {"wanda": WandaPruningModifier, "sparsegpt": SparseGPTModifier}
    modifier = kinds[question.task](
        sparsity=pattern.sparsity,
        mask_structure=_STRUCTURES.get(pattern.name, pattern.name),
        targets=["Linear"],
        ignore=[_OUTPUT],
    )
    oneshot(
        model=model,
        dataset=Dataset.from_list(samples),
        recipe=modifier,
        max_seq_length=_MOST_TOKENS,
        num_calibration_samples=len(samples),
    )
    weights = model.state_dict()
    kinds_of = {"F32": (torch.float32, torch.int32), "F16": (torch.float16, torch.int16)}
    kinds_of["BF16"] = (torch.bfloat16, torch.int16)
    for tensor in layers:
        stored, whole = kinds_of[tensor.dtype]
        write_layer(tensor, weights[tensor.name].to(stored).contiguous().view(whole).numpy())


def _perplexity(question: PruneQuestion) -> float:
    """The exponential of the mean -log p over all tokens but the first of each line."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(question.folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(question.folder)
    total, count = 0.0, 0
    for line in question.lines:
        ids = tokenizer(line, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")["input_ids"]
        if ids.shape[1] < 2:
            continue
        with torch.no_grad():
            logits = model(ids).logits[0, :-1].double()
        total += float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
        count += ids.shape[1] - 1
    if not count:
        raise ValueError("the text holds fewer than two tokens a line")
    return math.exp(total / count)


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
