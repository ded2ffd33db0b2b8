"""Child process: put prompts to an exported model in the MNN wheel, greedily and on one thread.

Usage: python -m devicehub.demo_model.ask MODEL_DIR
Reads a JSON list of prompts from stdin, writes a JSON list of answers to stdout. What the engine prints
through the C library's stdout goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory


def main() -> None:
    """Answer and leave.

    Ends without Python's own clean-up: the wheel may crash in it after good work.
    """
    answers_fd = os.dup(1)
    os.dup2(2, 1)
    prompts: list[str] = json.load(sys.stdin)
    with TemporaryDirectory() as scratch:
        answers = _ask(Path(sys.argv[1]), prompts, scratch)
    if answers is None:
        sys.stderr.write(f"{sys.argv[1]}: the engine cannot load this model\n")
        os._exit(1)
    with os.fdopen(answers_fd, "w", encoding="utf-8") as stdout:
        json.dump(answers, stdout, ensure_ascii=False)
    os._exit(0)


def _ask(model_dir: Path, prompts: list[str], scratch: str) -> list[str] | None:
    import MNN.llm

    model = MNN.llm.create(str(model_dir / "config.json"))
    # The sampler is built by load(); set later, it would be ignored.
    model.set_config({"sampler_type": "greedy", "thread_num": 1, "tmp_path": scratch, "max_new_tokens": 200})
    if not model._c_obj.load():  # the wrapper's own load() drops the answer
        return None
    answers: list[str] = []
    for prompt in prompts:
        model.reset()
        # The engine ends each answer with a line end of its own.
        answers.append(model.response(prompt, False).removesuffix("\n"))
    return answers


if __name__ == "__main__":
    main()
