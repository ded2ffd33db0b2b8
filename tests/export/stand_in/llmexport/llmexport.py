"""Prints and writes what llmexport 0.0.5 does for a tied Qwen3, and does in a stage what the test asks for.

STAND_IN_AT names the stage (the words of its spinner), STAND_IN_DOES what happens there: `hang` with a
program and a fork of its own at work, `fail` as its stages do, `raise`, `pip`, `leave out`, `no result`.
"""

import os
import sys
import time
import traceback
from pathlib import Path

STAGES = (
    ("load pretrained model ", "source", ()),
    ("export onnx model to ", "exported/onnx/llm.onnx", ()),
    ("convert onnx model to ", "exported/llm.mnn", ("llm.mnn",)),
    ("quant model weight to ", "exported/llm.mnn.weight", ("llm.mnn.weight",)),
    ("export tokenizer to ", "exported/tokenizer.mtok", ("tokenizer.mtok",)),
    ("export config to ", "exported/llm_config.json", ("config.json", "llm_config.json")),
)


def main() -> None:
    out = Path(sys.argv[sys.argv.index("--dst_path") + 1])
    out.mkdir()
    for words, made, files in STAGES:
        say(f"\r⠋ {words}")
        if words.strip() == os.environ.get("STAND_IN_AT"):
            strange()
        if words.startswith("quant"):
            say("\rQuant weights:   0%|          | 0/2 [00:00<?, ?it/s]")
            say("\rQuant weights: 100%|██████████| 2/2 [00:00<00:00,  3.00it/s]\n")
        if words.startswith("convert"):
            Path(".export.log").write_text("Start to Convert Other Model Format To MNN Model...\n")
        for name in files:
            if not (
                words.strip() == os.environ.get("STAND_IN_AT") and os.environ["STAND_IN_DOES"] == "leave out"
            ):
                (out / name).write_text("{}")
        say(f"\r{' ' * len(words)}\r✅ Done {words}\x1b[33;4m{made}\x1b[0m\n\x1b[0m")


def strange() -> None:
    does = os.environ["STAND_IN_DOES"]
    if does == "hang":
        os.spawnv(os.P_NOWAIT, "/bin/sh", ["sh", "-c", "trap '' TERM; sleep 1000; true"])
        os.fork()
        time.sleep(1000)
    if does == "fail":
        try:
            reshape()
        except RuntimeError:
            say("💥 Failed\n")
            traceback.print_exc()
            sys.exit(1)
    if does == "raise":
        raise ValueError("no such model type")
    if does == "no result":
        os._exit(0)
    if does == "pip":
        os.system("pip install -U aliyun-log-python-sdk")


def reshape() -> None:
    raise RuntimeError("shape '[64, -1]' is invalid")


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
