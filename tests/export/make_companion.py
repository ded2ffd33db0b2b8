"""Child process: python make_companion.py KIND SOURCE FOLDER: lora, gptq or eagle for a random Qwen3."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

_RANK: Final = 4
_GROUP: Final = 64
_BITS: Final = 4
_DRAFT_VOCABULARY: Final = 128


def lora(weights: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """An adapter for queries and up, as peft writes it."""
    import torch

    tensors = {}
    for name, weight in weights.items():
        if name.endswith(("q_proj.weight", "up_proj.weight")):
            outputs, inputs = weight.shape
            stem = f"base_model.model.{name.removesuffix('.weight')}"
            tensors[f"{stem}.lora_A.weight"] = 0.05 * torch.randn(_RANK, inputs)
            tensors[f"{stem}.lora_B.weight"] = 0.05 * torch.randn(outputs, _RANK)
    config |= {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": _RANK, "lora_alpha": 2 * _RANK, "bias": "none",
        "lora_dropout": 0.0, "target_modules": ["q_proj", "up_proj"], "base_model_name_or_path": "random",
    }  # fmt: skip
    return tensors


def gptq(weights: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The layers rounded to the nearest, symmetric, packed as GPTQ does: eight to a word, inputs first."""
    import torch

    tensors = {}
    most = 2 ** (_BITS - 1)
    for name, weight in weights.items():
        if ".layers." not in name or weight.dim() != 2:
            continue
        outputs, inputs = weight.shape
        groups = weight.float().reshape(outputs, inputs // _GROUP, _GROUP)
        scales = groups.abs().amax(-1, keepdim=True) / (most - 1)
        whole = torch.round(groups / scales).clamp(-most, most - 1).to(torch.int64) + most
        each = 32 // _BITS
        whole = whole.reshape(outputs, inputs).t().reshape(inputs // each, each, outputs)
        packed = torch.zeros(inputs // each, outputs, dtype=torch.int64)
        for place in range(each):
            packed |= whole[:, place, :] << (_BITS * place)
        packed = torch.where(packed >= 2**31, packed - 2**32, packed)
        stem = name.removesuffix(".weight")
        tensors[f"{stem}.qweight"] = packed.to(torch.int32)
        tensors[f"{stem}.scales"] = scales.squeeze(-1).t().contiguous().half()
    config |= {"bits": _BITS, "group_size": _GROUP, "sym": True, "desc_act": False}
    return tensors


def eagle(weights: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """An EAGLE-3 head that was never trained."""
    import torch

    vocab, hidden = weights["model.embed_tokens.weight"].shape
    at = "model.layers.0.self_attn"
    queries, keys = (weights[f"{at}.{part}_proj.weight"].shape[0] for part in "qk")
    inner = 2 * hidden
    shapes = {
        "fc": (hidden, 3 * hidden), "lm_head": (_DRAFT_VOCABULARY, hidden),
        "midlayer.self_attn.q_proj": (queries, 2 * hidden), "midlayer.self_attn.k_proj": (keys, 2 * hidden),
        "midlayer.self_attn.v_proj": (keys, 2 * hidden), "midlayer.self_attn.o_proj": (hidden, queries),
        "midlayer.mlp.gate_proj": (inner, hidden), "midlayer.mlp.up_proj": (inner, hidden),
        "midlayer.mlp.down_proj": (hidden, inner),
    }  # fmt: skip
    config |= {
        "hidden_size": hidden, "vocab_size": vocab, "draft_vocab_size": _DRAFT_VOCABULARY,
        "hidden_act": "silu", "intermediate_size": inner, "rms_norm_eps": 1e-6,
    }  # fmt: skip
    tensors = {f"{name}.weight": 0.02 * torch.randn(*shape) for name, shape in shapes.items()}
    for norm in (
        "norm",
        "midlayer.hidden_norm",
        "midlayer.input_layernorm",
        "midlayer.post_attention_layernorm",
    ):
        tensors[f"{norm}.weight"] = torch.ones(hidden)
    return tensors | {"d2t": torch.zeros(_DRAFT_VOCABULARY, dtype=torch.int64)}


_FILES: Final = {
    "lora": (lora, "adapter_model.safetensors", "adapter_config.json"),
    "gptq": (gptq, "model.safetensors", "quantize_config.json"),
    "eagle": (eagle, "model.safetensors", "config.json"),
}


def main() -> None:
    import torch
    from safetensors.torch import load_file, save_file

    make, weights, settings = _FILES[sys.argv[1]]
    source, folder = Path(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True)
    torch.manual_seed(20261124)
    config: dict[str, Any] = {}
    tensors = make(load_file(source / "model.safetensors"), config)
    save_file(tensors, folder / weights, metadata={"format": "pt"})
    (folder / settings).write_text(json.dumps(config), encoding="utf-8")


if __name__ == "__main__":
    main()
