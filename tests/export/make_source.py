"""Child process: python make_source.py FOLDER {SHAPE}: a random model as a Hugging Face checkpoint.

SHAPE changes the configuration of the language model; `kind` in it is qwen3 (what is meant without it),
qwen3_vl or qwen2_audio, `dtype` is bfloat16, as nearly all checkpoints are, or float32, and `pruned` makes
half of the layers' weights zero, 2 of 4.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
TINY: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
}
VISION_START, VISION_END, IMAGE, VIDEO, SOUND = range(500, 505)
"""Tokens without words, at the end of the vocabulary, as real models have them."""


def make_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TINY["vocab_size"],
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        # No bytes but those of ASCII: what a random model says stays UTF-8, without which the wheel crashes.
        initial_alphabet=[
            byte for byte in pre_tokenizers.ByteLevel.alphabet() if byte.isascii() or byte in "ĠĊ"
        ],
        show_progress=False,
    )
    tokenizer.train_from_iterator([f"phone {n} of the lab is warm" for n in range(300)], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    # The exporter reads the template from this file; transformers 5 would write it elsewhere.
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 1024,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def qwen3(shape: dict[str, Any]) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    # No pad_token_id: its row would stay zero, and a row of zeros has no scale to quantise with.
    config = Qwen3Config(**(TINY | shape), eos_token_id=2, bos_token_id=None, pad_token_id=None)
    return Qwen3ForCausalLM(config)


def qwen3_vl(shape: dict[str, Any]) -> Any:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    text = TINY | shape
    rope = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [12, 10, 10],
        "mrope_interleaved": True,
    }
    config = Qwen3VLConfig(
        text_config=text | {"rope_parameters": rope, "pad_token_id": None},
        vision_config={
            "depth": 2, "hidden_size": 128, "intermediate_size": 256, "num_heads": 4,
            "out_hidden_size": text["hidden_size"], "num_position_embeddings": 256,
            "deepstack_visual_indexes": [0, 1], "patch_size": 16, "spatial_merge_size": 2,
        },
        tie_word_embeddings=text["tie_word_embeddings"],
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        image_token_id=IMAGE,
        video_token_id=VIDEO,
    )  # fmt: skip
    return Qwen3VLForConditionalGeneration(config)


def qwen2_audio(shape: dict[str, Any]) -> Any:
    from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

    text = TINY | {"tie_word_embeddings": False} | shape
    config = Qwen2AudioConfig(
        text_config=text | {"model_type": "qwen2", "pad_token_id": None},
        audio_config={
            "d_model": 64, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 128,
            "num_mel_bins": 128,
        },
        audio_token_index=SOUND,
    )  # fmt: skip
    return Qwen2AudioForConditionalGeneration(config)


def prune(model: Any) -> None:
    """Of each four weights of the layers that lie side by side the two smallest become zero."""
    import torch

    for name, weight in model.named_parameters():
        if ".layers." in name and weight.dim() == 2:
            fours = weight.data.view(-1, 4)
            fours.scatter_(1, torch.topk(fours.abs(), 2, largest=False).indices, 0.0)


def main() -> None:
    import torch

    folder, shape = Path(sys.argv[1]), json.loads(sys.argv[2])
    folder.mkdir(parents=True)
    torch.manual_seed(20261123)
    make_tokenizer(folder)
    make = {"qwen3": qwen3, "qwen3_vl": qwen3_vl, "qwen2_audio": qwen2_audio}[shape.pop("kind", "qwen3")]
    dtype = getattr(torch, shape.pop("dtype", "bfloat16"))
    pruned = shape.pop("pruned", False)
    model = make(shape).eval()
    if pruned:
        prune(model)
    model.to(dtype).save_pretrained(folder)


if __name__ == "__main__":
    main()
