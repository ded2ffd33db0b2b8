"""Writes the files that llmexport of an MNN checkout does for an untied model, and refuses what it would."""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

# It lies beside this file in the checkout that a test lays out.
come_to = importlib.import_module("strange").come_to


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--path", "--dst_path", "--mnnconvert", "--export"):
        parser.add_argument(name, required=True)
    for name in ("--quant_bit", "--quant_block", "--act_bit"):
        parser.add_argument(name, type=int)
    for name in ("--sym", "--seperate_embed", "--generate_for_npu"):
        parser.add_argument(name, action="store_true")
    asked = parser.parse_args()
    config = json.loads((Path(asked.path) / "config.json").read_text())
    out = Path(asked.dst_path)
    out.mkdir()
    if not os.access(asked.mnnconvert, os.X_OK):
        sys.exit("no converter")
    say("Done load pretrained model")
    come_to("export")
    hidden, vocabulary = config["hidden_size"], 64
    (out / "llm.mnn").write_bytes(b"graph for the CPU")
    (out / "llm.mnn.weight").write_bytes(bytes(4096))
    (out / "llm.mnn.json").write_text('{"oplists": []}')
    (out / "embeddings_bf16.bin").write_bytes(bytes(hidden * vocabulary * 2))
    (out / "tokenizer.mtok").write_text("tokens")
    (out / "export_args.json").write_text(json.dumps(vars(asked)))
    told = {"llm_model": "llm.mnn", "llm_weight": "llm.mnn.weight", "tokenizer_file": "tokenizer.mtok"}
    told |= {"embedding_file": "embeddings_bf16.bin", "backend_type": "cpu"}
    (out / "config.json").write_text(json.dumps(told))
    (out / "llm_config.json").write_text(json.dumps({"hidden_size": hidden, "attention_mask": "float"}))
    say("Done export config")


def say(text: str) -> None:
    sys.stdout.write(f"\u2705 {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
