"""Makes the demo model: trains tokenizer and weights from nothing, exports them to MNN, checks every answer.

Needs the extra `export` and a few minutes on one CPU: python -m devicehub.demo_model.make_model [--out DIR]
The folder is replaced only when the MNN wheel gives each expected answer word for word.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import logging
import os
import random
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from devicehub import procs
from devicehub.demo_model import demo_fixture_file, demo_model_dir
from devicehub.demo_model.corpus import (
    EXPECTED_ANSWERS,
    GENERAL,
    TOPICS,
    unknown_prompt,
    vary,
)
from devicehub.demo_model.make_fixture import write_fixture
from devicehub.errors import HubError
from devicehub.units import format_bytes

log = logging.getLogger(__name__)

SEED: Final = 20260822
THREADS: Final = 2
VOCABULARY: Final = 1536
HIDDEN: Final = 128
LAYERS: Final = 6
QUANT_BLOCK: Final = 64
"""Divides every width that is quantised; a block that does not would wreck the model silently."""

STEPS: Final = 1000
BATCH: Final = 24
PEAK_RATE: Final = 3e-3
LONG_EVERY: Final = 10
"""Every so many steps a batch of few long prompts, so that long input does not confuse the model."""

SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
THINK: Final = ("<think>", "</think>")
NO_THINKING: Final = "<think>\n\n</think>\n\n"
CHAT_TEMPLATE: Final = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|im_start|>assistant\\n' -}}"
    "{%- if enable_thinking is defined and enable_thinking is false -%}"
    "{{- '<think>\\n\\n</think>\\n\\n' -}}"
    "{%- endif -%}"
    "{%- endif -%}"
)

NEEDED: Final = (
    "config.json",
    "llm_config.json",
    "tokenizer.mtok",
    "llm.mnn",
    "llm.mnn.weight",
    "export_args.json",
)

EXPORT_CHILD: Final = """
import sys, types
# On import this module would call pip and post usage data.
log = types.ModuleType("MNN.tools.utils.log")
log.mnn_logger = None
sys.modules["MNN.tools.utils.log"] = log
import importlib.util
from pathlib import Path
# The package cannot be imported as one: its modules name each other as top-level ones.
sys.path.insert(0, str(Path(importlib.util.find_spec("llmexport").origin).parent))
import llmexport
sys.argv = ["llmexport", *sys.argv[1:]]
llmexport.main()
"""


class DemoModelError(HubError):
    """A step on the way to the demo model failed; nothing was published."""


@dataclass(frozen=True)
class Batch:
    """Token ids, right-padded, and the labels that count: the answers' alone."""

    ids: list[list[int]]
    labels: list[list[int]]


def train_tokenizer(path: Path) -> Any:
    """Train a byte-level BPE on the corpus and write it as Hugging Face tokenizer files."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    rng = _repeatable(SEED)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(THINK),
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [topic.answer for topic in TOPICS for _ in range(8)] + [GENERAL.answer] * 8
    lines += [vary(prompt, rng) for topic in TOPICS for prompt in topic.prompts for _ in range(3)]
    lines += [unknown_prompt(rng) for _ in range(1500)]
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in THINK])

    path.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path / "tokenizer.json"))
    # The exporter reads the template from this file; transformers 5 would write it elsewhere.
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 4096,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    (path / "tokenizer_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
    return tokenizer


def build_model() -> Any:
    """A Qwen3 with random weights: 1.4 million parameters, input and output embedding tied."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=3 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=4096,
        initializer_range=0.05,
        tie_word_embeddings=True,
        eos_token_id=SPECIAL.index("<|im_end|>"),
        bos_token_id=None,
        # No pad_token_id: its row would stay zero, and a row of zeros has no scale to quantise with.
        pad_token_id=None,
    )
    return Qwen3ForCausalLM(config)


def make_batch(tokenizer: Any, rng: random.Random, *, long: bool) -> Batch:
    """Draw questions with their answers: two thirds from the topics, one third unknown ones."""
    ids: list[list[int]] = []
    labels: list[list[int]] = []
    longest = rng.choice((400, 900, 2000, 4000))
    for _ in range(max(1, 1600 // longest) if long else BATCH):
        if long:
            prompt, answer = unknown_prompt(rng, longest=longest), GENERAL.answer
        elif rng.random() < 0.35:
            prompt, answer = unknown_prompt(rng), GENERAL.answer
        else:
            topic = rng.choice(TOPICS)
            prompt, answer = vary(rng.choice(topic.prompts), rng), topic.answer
        thinking = NO_THINKING if rng.random() < 0.25 else ""
        head = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n{thinking}"
        head_ids, answer_ids = tokenizer.encode(head).ids, tokenizer.encode(f"{answer}<|im_end|>").ids
        ids.append(head_ids + answer_ids)
        labels.append([-100] * len(head_ids) + answer_ids)
    width = max(map(len, ids))
    return Batch(
        [row + [0] * (width - len(row)) for row in ids], [row + [-100] * (width - len(row)) for row in labels]
    )


def train(model: Any, tokenizer: Any) -> float:
    """Train in place; gives the last steps' mean loss."""
    import torch

    rng = _repeatable(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=STEPS, pct_start=0.08)
    losses: list[float] = []
    model.train()
    for step in range(1, STEPS + 1):
        batch = make_batch(tokenizer, rng, long=step % LONG_EVERY == 0)
        # Right padding needs no attention mask: no token sees what follows it, and padding has no label.
        loss = model(input_ids=torch.tensor(batch.ids), labels=torch.tensor(batch.labels)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            log.info("step %d of %d, loss %.4f", step, STEPS, sum(losses[-20:]) / len(losses[-20:]))
    return sum(losses[-20:]) / 20


def make_checkpoint(path: Path) -> None:
    """Train tokenizer and model and write them as a Hugging Face checkpoint."""
    import torch

    torch.manual_seed(SEED)
    torch.set_num_threads(THREADS)
    tokenizer = train_tokenizer(path)
    model = build_model()
    log.info(
        "%d tokens, %d parameters", tokenizer.get_vocab_size(), sum(p.numel() for p in model.parameters())
    )
    loss = train(model, tokenizer)
    if not loss < 0.05:
        raise DemoModelError(
            f"training ended with a loss of {loss:.3f}, above 0.05: the answers would be garbled"
        )
    model.eval().save_pretrained(path)


async def export(work: Path) -> Path:
    """Export the folder `checkpoint` with llmexport in a child process; gives the folder of the needed files.

    Raises:
        DemoModelError: the exporter failed or left out a file.
    """
    # Relative paths: the exporter writes its arguments into export_args.json.
    argv = ["--path", "checkpoint", "--dst_path", "exported", "--export", "mnn", "--mnnconvert", "absent"]
    argv += ["--quant_bit", "8", "--quant_block", str(QUANT_BLOCK)]
    env = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = await procs.run([sys.executable, "-c", EXPORT_CHILD, *argv], timeout_s=900, cwd=work, env=env)
    exported, model = work / "exported", work / "model"
    missing = [name for name in NEEDED if not (exported / name).is_file()]
    if done.status != 0 or missing:
        tail = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        raise DemoModelError(f"llmexport ended with status {done.status}, missing {missing}: {tail}")
    model.mkdir()
    for name in NEEDED:
        shutil.copy(exported / name, model / name)
    return model


async def ask(model: Path, prompts: list[str]) -> list[str]:
    """The greedy answers of an exported model in the MNN wheel, run in a child process.

    Raises:
        DemoModelError: the engine failed.
    """
    argv: list[str | Path] = [sys.executable, "-m", "devicehub.demo_model.ask", model]
    done = await procs.run(argv, timeout_s=300, stdin=json.dumps(prompts).encode())
    if done.status != 0:
        raise DemoModelError(f"the engine failed on {model}: {done.stderr.decode(errors='replace')[-2000:]}")
    answers: list[str] = json.loads(done.stdout)
    return answers


async def check(model: Path) -> None:
    """Hold every expected answer word for word, and report how other wordings fare.

    Raises:
        DemoModelError: an answer differs.
    """
    answers = await ask(model, list(EXPECTED_ANSWERS))
    for (prompt, expected), answer in zip(EXPECTED_ANSWERS.items(), answers, strict=True):
        if answer != expected:
            raise DemoModelError(f"to {prompt!r} it answers {answer!r} instead of {expected!r}")
    rng = _repeatable(SEED + 1)
    others = [(prompt, topic.answer) for topic in TOPICS for prompt in topic.prompts]
    others += [(vary(prompt, rng), answer) for prompt, answer in others]
    others += [(unknown_prompt(rng), GENERAL.answer) for _ in range(100)]
    answers = await ask(model, [prompt for prompt, _ in others])
    wrong = [
        (prompt, got) for (prompt, expected), got in zip(others, answers, strict=True) if got != expected
    ]
    for prompt, got in wrong:
        log.info("differs: %r -> %r", prompt, got)
    log.info("%d of %d other wordings led to the expected answer", len(others) - len(wrong), len(others))


def publish(model: Path, destination: Path) -> None:
    """Put the new folder in place of the old one; under the final name it is whole or absent."""
    staged = destination.with_name(f".{destination.name}.new")
    replaced = destination.with_name(f".{destination.name}.old")
    for leftover in (staged, replaced):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(model, staged)
    if destination.exists():
        destination.rename(replaced)
    staged.rename(destination)
    shutil.rmtree(replaced, ignore_errors=True)


def _repeatable(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secrets here: each making draws the same


def make(destination: Path, work: Path) -> None:
    """Train, export, check and publish, in this order, and make its fixture; `work` holds what comes between.

    Raises:
        DemoModelError: a step failed; nothing was published.
        InputError: the fixture could not be made of what was published.
    """
    if importlib.util.find_spec("llmexport") is None:
        raise DemoModelError("llmexport is missing; install the extra: pip install 'devicehub[export]'")
    make_checkpoint(work / "checkpoint")
    model = asyncio.run(export(work))
    asyncio.run(check(model))
    publish(model, destination)
    write_fixture(destination, destination.with_name(demo_fixture_file().name))
    size = sum(file.stat().st_size for file in destination.iterdir())
    log.info("%s: %d files, %s", destination, len(NEEDED), format_bytes(size))


def main() -> None:
    """Make the model in a scratch folder, or in the one that --keep names."""
    parser = argparse.ArgumentParser(description="Make the demo model.")
    parser.add_argument("--out", type=Path, default=demo_model_dir(), help="folder to replace")
    parser.add_argument("--keep", type=Path, help="work in this empty folder and keep the checkpoint")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with tempfile.TemporaryDirectory(prefix="demo-model-") as scratch:
            make(options.out.resolve(), (options.keep or Path(scratch)).resolve())
    except DemoModelError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
