"""Child process: python -m devicehub.export.unpack_child QUESTION ANSWER: a GGUF becomes a checkpoint.

transformers reads the weights of the GGUF under the names of the model whose config.json lies in
the question's folder, and undoes what llama.cpp's converter did to them; names and shapes must be its.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from devicehub.guard import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked: paths, absolute."""

    gguf: str
    folder: str
    out: str


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came of it; `error` is empty where `out` is written."""

    error: str


def main() -> NoReturn:
    """Unpack what the question names, write the answer, and end."""
    os.dup2(1, 2)
    end_with_parent()
    asked, answer = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        problem = _unpack(msgspec.json.decode(asked.read_bytes(), type=Question))
    except Exception as error:  # noqa: BLE001  whatever transformers raises is the answer
        problem = f"{type(error).__name__}: {error}"
    part = answer.with_name(f"{answer.name}.part")
    part.write_bytes(msgspec.json.encode(Answer(problem)))
    part.replace(answer)
    os._exit(0)


def _unpack(asked: Question) -> str:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    config = AutoConfig.from_pretrained(asked.folder)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    found = load_gguf_checkpoint(
        asked.gguf, return_tensors=True, model_to_load=model, torch_dtype=config.dtype or torch.bfloat16
    )["tensors"]
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if config.tie_word_embeddings:
        wanted.pop("lm_head.weight", None)
        found.pop("lm_head.weight", None)
    if problem := _difference({name: tuple(tensor.shape) for name, tensor in found.items()}, wanted):
        return problem
    save_file({name: found[name].contiguous() for name in wanted}, asked.out, metadata={"format": "pt"})
    return ""


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    for name, shape in wanted.items():
        if name not in found:
            return f"it holds no {name}, which the model of config.json has"
        if found[name] != shape:
            return f"it holds {name} as {found[name]}; the model of config.json has {shape}"
    extra = next((name for name in found if name not in wanted), None)
    return f"it holds {extra}, which the model of config.json has not" if extra else ""


if __name__ == "__main__":
    main()
