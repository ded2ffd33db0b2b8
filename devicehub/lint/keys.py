"""Every key of config.json and llm_config.json that MNN reads, as one table. Pure.

Names, types and defaults are those of transformers/llm/engine/src/llmconfig.hpp and of what llm.cpp, omni.cpp
and embedding.cpp read beside it, at MNN 3.6.1 and the month after.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from devicehub.models.file_keys import FILE_KEYS, SPECULATION


class Kind(StrEnum):
    """What the engine reads a value as."""

    WHOLE = "a whole number"
    REAL = "a number"
    SWITCH = "true or false"
    TEXT = "a text"
    FILE = "a file name"
    TEXTS = "a list of texts"
    WHOLES = "a list of whole numbers"
    OBJECT = "an object"


@dataclass(frozen=True)
class Key:
    """What is known of one key.

    Attributes:
        default: where it is left out.
        choices: all that the engine tells apart; empty where any will do.
        least: below which nothing sensible comes.
        most: above which nothing sensible comes.
    """

    kind: Kind
    default: Any = None
    choices: tuple[object, ...] = ()
    least: float | None = None
    most: float | None = None


def _whole(default: int | None, least: float | None = None, most: float | None = None) -> Key:
    return Key(Kind.WHOLE, default, least=least, most=most)


def _real(default: float | None, least: float | None = None, most: float | None = None) -> Key:
    return Key(Kind.REAL, default, least=least, most=most)


def _switch(default: bool) -> Key:
    return Key(Kind.SWITCH, default)


def _text(default: str | None, *choices: str) -> Key:
    return Key(Kind.TEXT, default, choices=choices)


LEVELS: Final = ("low", "normal", "high")
BACKENDS: Final = ("cpu", "opencl", "vulkan", "opengl", "metal", "cuda", "hexagon", "npu")
"""Any other means: choose yourself (llm.cpp, backend_type_convert)."""
SAMPLERS: Final = ("greedy", "temperature", "topK", "topP", "minP", "min_p", "tfs", "typical", "penalty")
"""What mixed_samplers may name; sampler_type may also be `mixed`."""
MIXED: Final = ("topK", "tfs", "typical", "topP", "min_p", "temperature")

_RUNTIME: Final[dict[str, Key]] = {
    "backend_type": _text("cpu", *BACKENDS),
    "thread_num": _whole(4, 0),
    "precision": _text("low", *LEVELS),
    "memory": _text("low", *LEVELS),
    "power": _text("normal", *LEVELS),
}
MULTIMODAL: Final[dict[str, Key]] = {**_RUNTIME, "precision": _text("low", *LEVELS)}
"""Inside `mllm`: the same for pictures and sounds."""

_RUN: Final[dict[str, Key]] = {
    **_RUNTIME,
    "mllm": Key(Kind.OBJECT),
    "max_new_tokens": _whole(512, 1),
    "max_all_tokens": _whole(2048, 1),
    "reuse_kv": _switch(False),
    "prompt_cache": _switch(False),
    "all_logits": _switch(False),
    "timeout_ms": _whole(-1, -1),
    "chunk": _whole(0, 0),
    "chunk_limits": Key(Kind.WHOLES),
    "attention_mode": _whole(8, 0, 15),
    "dynamic_option": Key(Kind.WHOLE, 0, choices=(0, 1, 2, 8, 9, 10)),
    "use_mmap": _switch(False),
    "use_cached_mmap": _switch(True),
    "mmap_size": _whole(1024, 1),
    "kvcache_mmap": _switch(False),
    "tmp_path": _text(""),
    "prefix_cache_path": _text("prefixcache"),
    "cpu_sme2_neon_division_ratio": _whole(41, 0),
    "cpu_sme_core_num": _whole(2, 0),
    "async": _switch(True),
    "enable_debug": _switch(False),
    "base_dir": _text(None),
    "hidden_states": _switch(False),
    "load_disk_embedding_only": _switch(False),
}

_SAMPLER: Final[dict[str, Key]] = {
    "sampler_type": _text("mixed", *SAMPLERS, "mixed"),
    "mixed_samplers": Key(Kind.TEXTS, MIXED),
    "temperature": _real(1.0),
    "top_k": _whole(40),
    "topK": _whole(40),
    "top_p": _real(0.9, 0, 1),
    "topP": _real(0.9, 0, 1),
    "min_p": _real(0.1, 0, 1),
    "minP": _real(0.1, 0, 1),
    "tfs_z": _real(1.0, 0, 1),
    "tfsZ": _real(1.0, 0, 1),
    "typical": _real(1.0, 0, 1),
    "repetition_penalty": _real(1.0, 0),
    "penalty": _real(1.0, 0),
    "presence_penalty": _real(0.0, -2, 2),
    "frequency_penalty": _real(0.0, -2, 2),
    "penalty_window": _whole(0, 0),
    "n_gram": _whole(8, 0),
    "ngram_factor": _real(1.0, 0),
    "penalty_sampler": _text("greedy", "greedy", "temperature"),
    "logit_bias": Key(Kind.OBJECT),
    "banned_tokens": Key(Kind.WHOLES),
}

ALIASES: Final[dict[str, str]] = {
    "topK": "top_k",
    "topP": "top_p",
    "minP": "min_p",
    "tfsZ": "tfs_z",
    "penalty": "repetition_penalty",
}
"""A second name of a key, and the one that wins where both stand there, unless that is negative."""

_SPECULATION: Final[dict[str, Key]] = {
    "speculative_type": _text("", "", *SPECULATION),
    "draft_predict_length": _whole(3, 1),
    "draft_match_strictness": _text("low", "low", "medium", "high"),
    "draft_selection_rule": _text("freqxlen", "freqxlen", "fcfs"),
    "ngram_match_maxlen": _whole(4, 1),
    "ngram_update": _switch(False),
    "eagle_depth": _whole(3, 1),
    "eagle_topk": _whole(1, 1),
    "dflash_block_size": _whole(8, 1),
    "dflash_mask_token_id": _whole(0),
    "dflash_shift_label": _switch(False),
    "dflash_target_layer_ids": Key(Kind.WHOLES),
    "dflash_shared_lmhead_input": _text(""),
}

_PROMPTING: Final[dict[str, Key]] = {
    "use_template": _switch(True),
    "system_prompt": _text(""),
    "jinja": Key(Kind.OBJECT),
    "bos": _text(""),
    "chat_template": _text(""),
    "prompt_template": _text(None),
    "system_prompt_template": _text(None),
    "user_prompt_template": _text(None),
    "assistant_prompt_template": _text(None),
    "asr_language": _text("Chinese"),
    "asr_use_audio_template": _switch(False),
}

_SPEECH: Final[dict[str, Key]] = {
    "talker_max_new_tokens": _whole(2048, 1),
    "talker_speaker": _text("Chelsie"),
    "talker_type": _text(""),
    "talker_text_hidden_size": _whole(2048),
    "tts_bos_token_id": _whole(151672),
    "tts_eos_token_id": _whole(151673),
    "tts_pad_token_id": _whole(151671),
    "code_predictor_vocab_size": _whole(2048),
    "code_predictor_groups": _whole(16),
    "speech_decoder_upsample_rate": _whole(1920),
    "speaker_encoder_sample_rate": _whole(24000),
    "interleaved": _switch(False),
    "dit_steps": _whole(5, 1),
    "dit_solver": Key(Kind.WHOLE, 1, choices=(1, 4)),
}

MODEL_FACTS: Final = frozenset({
    "model_type", "hidden_size", "layer_nums", "key_value_shape", "attention_mask", "attention_type",
    "attention_fused", "sliding_window", "attn_scale", "is_single", "is_visual", "is_audio", "is_mrope",
    "is_embedding", "mrope_axes", "has_talker", "has_deepstack", "max_position_embeddings",
    "ple_embed_scale", "ple_embed_dim", "ple_quant", "tie_embeddings", "audio_type", "audio_pad",
    "audio_start", "audio_end", "n_window", "vision_type", "image_size", "image_size_unit",
    "image_max_size", "image_pad", "image_mean", "image_norm", "image_min_pixels", "image_max_pixels",
    "global_image", "video_pad", "video_fps", "video_max_frames", "video_max_pixels",
    "video_max_vision_tokens", "vision_start", "vision_end", "num_grid_per_side", "hunyuan_patch_size",
    "hunyuan_spatial_merge_size", "hunyuan_temporal_patch_size", "vision_slice_start_id",
    "vision_slice_end_id", "vision_id_start_id", "vision_id_end_id",
})  # fmt: skip
"""What the exporter found out of the model; it stands in llm_config.json and is not to be edited."""

KEYS: Final[dict[str, Key]] = {
    **{name: Key(Kind.FILE, default) for name, default in FILE_KEYS.items()},
    **_RUN,
    **_SAMPLER,
    **_SPECULATION,
    **_PROMPTING,
    **_SPEECH,
}
"""What a person may set, by name."""


@dataclass(frozen=True)
class Gone:
    """A key that MNN no longer reads, or never did.

    Attributes:
        why: what became of it.
        successor: the key that does it today.
        values: of the successor, by the old value as the engine reads it; None leaves that to a person.
    """

    why: str
    successor: str
    values: dict[object, object] | None = None


GONE: Final[dict[str, Gone]] = {
    "quant_qkv": Gone(
        "is deprecated since MNN 3.4, which reads it as attention_mode: its values mean something else now",
        "attention_mode",
    ),
    "prefer_decode": Gone(
        "was read by MNN 3.2.x and 3.3.0 only",
        "dynamic_option",
        {True: 8},
    ),
    "speculative_steps": Gone("was never a key of MNN", "draft_predict_length"),
}

NEVER_READ: Final[dict[str, str]] = {
    "draft_model": "no speculative mode of MNN uses a draft model",
    "cpu_core_ids": "MNN has no such key for language models; power high or low binds threads to cores",
}


def default_of(name: str) -> Any:
    """What the engine takes where a key is left out."""
    return KEYS[name].default
