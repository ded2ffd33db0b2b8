"""The kinds of models that llmexport 0.0.5 knows, as config.json names them (its utils/model_mapper.py)."""

from __future__ import annotations

from typing import Final

MODEL_TYPES: Final = frozenset(
    {
        *("llama", "llama4_text", "mobilellm", "internlm", "baichuan", "mimo", "poi_qwen2_mtp"),
        *("qwen", "qwen2", "qwen3", "qwen3_moe", "qwen3_5", "qwen3_5_moe", "chatglm", "chatglm2", "glm_ocr"),
        *("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen2_5_omni", "qwen2_audio", "llava_qwen2"),
        *("gemma2", "gemma3", "gemma3_text", "gemma4", "phi", "phi-msft", "gpt_oss", "hunyuan_v1_dense"),
        *("minicpm", "minicpmv", "deepseek-vl", "internvl_chat", "idefics3", "smolvlm", "funaudiochat"),
        *("lfm2", "lfm2_moe", "lfm2_vl", "lfm2_audio"),
    }
)
"""Any other is taken for one like llama."""
WITH_MTP: Final = ("mimo", "poi_qwen2_mtp")
"""Those whose head for several tokens is exported, unasked."""
