"""What llm_demo does, row by row, as MNN's newest sources have it; the wheel is 3.6.1 or newer.

Rows that only the newer sources print are added here, each where it belongs. Three things differ from the
real one: without a prompt file it ends when its input ends, where the real one answers an empty question for
ever; the number of threads is limited, since MNN's threads spin and a virtual phone shares its host; and
bytes of a prompt that are not UTF-8 become replacement characters.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.engine import report
from devicehub.sim.engine.paths import host_config
from devicehub.sim.engine.program import Program
from devicehub.sim.engine.prompts import (
    CEVAL_HEADER,
    ceval_question,
    ceval_result_name,
    parse_csv,
    parse_max_new_tokens,
    read_prompts,
)
from devicehub.sim.engine.wheel import BROKEN, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.engine.wheel import WheelModel

_REQUIRED: Final = (
    ("tokenizer_file", "tokenizer.txt"),
    ("llm_model", "llm.mnn"),
    ("llm_weight", "llm.mnn.weight"),
)
_DRAFTS: Final = {"mtp": "MTP", "eagle": "Eagle"}
_NO_LM_HEAD: Final = (
    "DFlash: dflash_shared_lmhead_input is empty; the draft has no lm_head of its own. Re-export the model "
    "with the current llmexport."
)
_SYSTEM: Final = {"role": "system", "content": "You are a helpful assistant."}
_INTERNAL_ERROR: Final = 255


class LlmDemo(Program):
    """One run of the program."""

    _model: WheelModel

    def run(self, argv: Sequence[str]) -> int:
        """Run to the end; the exit status.

        Raises:
            SimError: the wheel cannot be used.
        """
        if len(argv) < 2:
            self._stdio.out(f"Usage: {argv[0]} config.json <prompt.txt>\n")
            return 0
        self._stdio.out(b"config path is " + os.fsencode(argv[1]) + b"\n")
        with host_config(argv[1]) as config_path:
            self._model = self._open_model(config_path)
        if not self._load(argv[1]):
            return 0
        self._tune()
        if len(argv) < 3:
            return self._chat()
        limit = parse_max_new_tokens(argv[3]) if len(argv) > 3 else -1
        if len(argv) > 4:
            self._stdio.engine("Set not thinking, only valid for Qwen3\n")
            self._model.set_config({"jinja": {"context": {"enable_thinking": False}}})
        self._model.set_config({"async": False})
        return self._evaluate(argv[2], limit)

    def _load(self, config_path: str) -> bool:
        # Hashed like the real one's: of the resolved path, so that two spellings share a cache.
        digest = hashlib.sha256(os.fsencode(os.path.realpath(config_path))).hexdigest()[:16]
        cache = f"tmp_{digest}"
        asked = _whole_number(self._model.config().get("thread_num", 4))
        used = min(asked, self._threads)
        self._note(f"virtual engine: threads asked {asked}, used {used}")
        # MNN checks, and complains about, the whole configuration at each change: as many as in the real one.
        self._model.set_config(
            {"tmp_path": cache} if used == asked else {"tmp_path": cache, "thread_num": used}
        )
        began = time.perf_counter()
        config = self._model.config()
        complete = _has_required_files(config, config_path)
        if complete:
            self._make_cache_folder(cache)
        loaded = self._load_draft_too(config, config_path) if complete else self._model.load()
        if not loaded:
            self._stdio.engine("LLM init error\n")
        self._stdio.engine(report.load_time(time.perf_counter() - began))
        return loaded

    def _load_draft_too(self, config: dict[str, Any], config_path: str) -> bool:
        """Load the model, and fail as the newest sources do where the draft model is missing."""
        complaints = _draft_complaints(config, _base_dir(config, config_path))
        if not complaints:
            return self._model.load()
        # The wheel would go on without the draft, into a crash.
        self._model.set_config({"speculative_type": ""})
        if self._model.load():
            for row in (*complaints, "Llm::load: generation strategy failed to load"):
                self._stdio.engine(row + "\n")
        return False

    def _make_cache_folder(self, name: str) -> None:
        try:
            Path(name).mkdir(exist_ok=True)
        except OSError:
            self._stdio.engine(
                f"Llm: cannot create cache dir '{name}' (no write permission?). Continuing without "
                "disk cache; create the directory yourself to restore it.\n"
            )

    def _tune(self) -> None:
        began = time.perf_counter()
        self._stdio.engine("Prepare for tuning opt Begin\n")
        self._model.tune()
        if self._model.context().status == Status.INTERNAL_ERROR:
            self._stdio.engine(report.no_outputs(1, decoding=True))
        self._stdio.engine("Prepare for tuning opt End\n")
        self._stdio.engine(report.tuning_time(time.perf_counter() - began))

    def _evaluate(self, prompt_file: str, limit: int) -> int:
        self._stdio.out(b"prompt file is " + os.fsencode(prompt_file) + b"\n")
        try:
            prompts = read_prompts(Path(prompt_file).read_bytes())
        except OSError:
            prompts = []
        if not prompts:
            return 1
        if prompts[0] == CEVAL_HEADER:
            return self._ceval(prompts, prompt_file)
        return self._benchmark(prompts, limit)

    def _benchmark(self, prompts: Sequence[bytes], limit: int) -> int:
        totals = report.Totals()
        if limit > 0:
            self._model.set_config({"max_new_tokens": 1})
        for prompt in prompts:
            if prompt.startswith(b"#"):
                continue
            heard_s = self._model.context().audio_input_s
            began = time.perf_counter()
            if not self._answer(prompt, limit):
                return _INTERNAL_ERROR
            context = self._model.context()
            totals.add(context)
            if context.audio_input_s > heard_s:
                totals.audio_e2e_us += round((time.perf_counter() - began) * 1e6)
                totals.audio_e2e_input_s += context.audio_input_s - heard_s
        for row in report.perf_block(totals, self._model.context()):
            self._stdio.engine(row)
        return 0

    def _answer(self, prompt: bytes, limit: int) -> bool:
        """Stream one answer; false after an error that ends the program."""
        if limit < 0:
            self._respond(prompt, -1)
            if self._model.context().status == Status.INTERNAL_ERROR:
                self._stdio.engine("Error: Response generation failed due to internal error\n")
                return False
            return True
        self._respond(prompt, 0)
        while not self._model.stopped() and self._model.context().gen_seq_len < limit:
            self._model.step()
            if self._model.context().status == Status.INTERNAL_ERROR:
                self._stdio.engine("Error: Generation failed due to internal error\n")
                return False
        return True

    def _refused(self) -> bool:
        """Whether the model is broken; says so as MNN does at the start of each answer."""
        status = self._model.context().status
        if status not in BROKEN:
            return False
        self._stdio.engine(f"[Error]: LLM in error state. Status: {status}\n")
        return True

    def _respond(self, prompt: bytes, limit: int) -> None:
        if self._refused():
            return
        ids = self._model.encode(prompt)
        if not ids:
            self._stdio.engine("[Error]: empty input_ids after tokenizer_encode in Llm::response(text)\n")
            self._model.fail()
            return
        self._model.respond(ids, limit)
        context = self._model.context()
        if context.status == Status.INTERNAL_ERROR and context.gen_seq_len == 0:
            self._stdio.engine(report.no_outputs(len(ids), decoding=False))

    def _ceval(self, lines: list[bytes], prompt_file: str) -> int:
        answers: list[bytes] = []
        for number, row in enumerate(parse_csv(lines)[1:], 1):
            try:
                question = ceval_question(row)
            except IndexError:
                self._stdio.die(signal.SIGSEGV)
            self._stdio.engine(question)
            self._stdio.engine(f"## 进度: {number} / {len(lines) - 1}\n")
            with self._stdio.captured() as caught:
                self._respond(question, -1)
            self._stdio.engine(caught[0])
            answers += caught
        name = ceval_result_name(prompt_file)
        self._stdio.out(b"store to " + os.fsencode(name) + b"\n")
        rows = b"".join(b'%d,"%s"\n' % (number, answer) for number, answer in enumerate(answers))
        try:
            Path(name).write_bytes(b"id,answer\n" + rows)
        except OSError:
            # The real one does not look whether it could write.
            return 0
        return 0

    def _chat(self) -> int:
        messages = [_SYSTEM]
        while True:
            self._stdio.out("\nUser: ")
            line = sys.stdin.buffer.readline()
            asked = line.removesuffix(b"\n").decode(errors="replace")
            if not line or asked == "/exit":
                return 0
            if asked == "/reset":
                messages = [_SYSTEM]
                self._stdio.out("\nA: reset done.\n")
                continue
            messages.append({"role": "user", "content": asked})
            self._stdio.out("\nA: ")
            if not self._refused():
                self._model.respond(self._model.encode_chat(messages), -1)
            answer = self._model.text_of(self._model.context().output_tokens)
            messages.append({"role": "assistant", "content": answer})


def _draft_complaints(config: dict[str, Any], base: str) -> list[str]:
    """What the newest sources say of a draft model that they cannot use; nothing where none is asked for."""
    kind = str(config.get("speculative_type"))
    if kind == "dflash" and not config.get("dflash_shared_lmhead_input"):
        return [_NO_LM_HEAD]
    draft = f"{base}{config.get(f'{kind}_model', f'{kind}.mnn')}"
    if kind not in _DRAFTS or Path(draft).exists():
        return []
    return [
        f"Can't open file:{draft}",
        f"Error for open {draft}",
        f"{_DRAFTS[kind]}: failed to load {kind} model {draft}",
    ]


def _has_required_files(config: dict[str, Any], config_path: str) -> bool:
    base = _base_dir(config, config_path)
    return all(os.access(f"{base}{config.get(key, default)}", os.R_OK) for key, default in _REQUIRED)


def _base_dir(config: dict[str, Any], config_path: str) -> str:
    return str(config.get("base_dir", config_path[: config_path.rfind("/") + 1]))


def _whole_number(value: object) -> int:
    try:
        return int(value) if isinstance(value, int | float | str) else 4
    except (ValueError, OverflowError):
        return 4
