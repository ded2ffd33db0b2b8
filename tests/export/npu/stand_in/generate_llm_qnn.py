"""Prints what MNN's script prints and starts what it starts; the tools do the rest."""

import argparse
import importlib
import json
import os
import shutil
import sys
from pathlib import Path

# It lies beside this file in the checkout that a test lays out.
come_to = importlib.import_module("strange").come_to


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--model", "--soc_id", "--dsp_arch", "--mnn_path", "--cache_path"):
        parser.add_argument(name, required=True)
    parser.add_argument("--chunk_size", type=int, required=True)
    asked = parser.parse_args()
    model, cache, build = Path.cwd() / asked.model, Path.cwd() / asked.cache_path, Path(asked.mnn_path)
    (cache / "testdir").mkdir(parents=True)
    (cache / "input.json").write_text("{}")
    (cache / "qnn.json").write_text("{}")
    graph = model / "llm.mnn"
    say("Step1: Make IO")
    come_to("io")
    run("generateIO", f"{build}/generateIO {graph} {cache}/input.json {cache}/testdir {graph}.weight", cache)
    say("Cost:  0.25  s")
    say("Step2: Seperate Model")
    come_to("separate")
    run("compilefornpu", f"{build}/compilefornpu {graph} qnn/llm.mnn qnn.json", cache)
    say("Cost:  0.5  s")
    say("Step3: Compile to QNN")
    come_to("compile")
    convert = build / ".." / "source/backend/qnn/npu_convert.py"
    run("npu_convert.py", f"python3 {convert} npu_postreat.json {asked.soc_id} {asked.dsp_arch} 8", cache)
    say("Cost:  1  s")
    say(f"Step4: Move result file to  {asked.model}")
    come_to("move")
    shutil.move(cache / "qnn", model / "qnn")
    config = json.loads((model / "config.json").read_text())
    config |= {"llm_model": "qnn/llm.mnn", "llm_weight": "llm.mnn.weight"}
    config["chunk_limits"] = json.loads(os.environ.get("STAND_IN_CHUNKS", f"[{asked.chunk_size}, 1]"))
    (model / "config_qnn.json").write_text(json.dumps(config, indent=4))
    shutil.rmtree(cache)
    say("End")


def run(name: str, command: str, cache: Path) -> None:
    # Unquoted and through a shell, as there.
    if os.system(f"cd {cache} && {command}") != 0:
        raise RuntimeError(f"{name} failed")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
