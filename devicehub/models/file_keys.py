"""The keys of config.json that name files, and the names that MNN takes where they are left out. Pure."""

from __future__ import annotations

from typing import Final

LLM_CONFIG: Final = "llm_config.json"

FILE_KEYS: Final[dict[str, str]] = {
    "llm_config": LLM_CONFIG,
    "llm_model": "llm.mnn",
    "llm_weight": "llm.mnn.weight",
    "tokenizer_file": "tokenizer.txt",
    "embedding_file": "embeddings_bf16.bin",
    "embedding_model": "embedding.mnn",
    "lm_model": "lm.mnn",
    "block_model": "block_",
    "visual_model": "visual.mnn",
    "audio_model": "audio.mnn",
    "npu_model_dir": "",
    "context_file": "context.json",
    "lookup_file": "lookup_file.txt",
    "ple_embed_file": "",
    "talker_model": "talker.mnn",
    "talker_weight": "talker.mnn.weight",
    "talker_embedding_file": "talker_embeddings_bf16.bin",
    "talker_text_embedding_file": "talker_text_embeddings_bf16.bin",
    "code_predictor_model": "code_predictor.mnn",
    "code_predictor_weight": "code_predictor.mnn.weight",
    "code_predictor_embedding_file": "code_predictor_embeddings_bf16.bin",
    "speech_decoder_model": "speech_decoder.mnn",
    "speech_decoder_weight": "speech_decoder.mnn.weight",
    "speaker_encoder_model": "speaker_encoder.mnn",
    "speaker_encoder_weight": "speaker_encoder.mnn.weight",
    "prompt_embedder_model": "prompt_embedder.mnn",
    "prompt_embedder_weight": "prompt_embedder.mnn.weight",
    "codec_embedder_model": "codec_embedder.mnn",
    "codec_embedder_weight": "codec_embedder.mnn.weight",
    "predit_model": "predit.mnn",
    "dit_model": "dit.mnn",
    "bigvgan_model": "bigvgan.mnn",
    "spk_dict": "spk_dict.mnn",
    "draft_model": "",
    "mtp_model": "mtp.mnn",
    "eagle_model": "eagle.mnn",
    "eagle_fc": "eagle_fc.mnn",
    "eagle_d2t": "eagle_d2t.mnn",
    "dflash_model": "dflash.mnn",
    "dflash_fc": "dflash_fc.mnn",
    "dflash_kvmat": "dflash_kvmat.mnn",
}

SPECULATION: Final[dict[str, str | None]] = {
    "lookahead": None,
    "mtp": "mtp_model",
    "eagle": "eagle_model",
    "dflash": "dflash_model",
}
"""The ways of speculative decoding that MNN has (speculative_decoding/generate.cpp), and the key of the file
that one needs beside the model."""
