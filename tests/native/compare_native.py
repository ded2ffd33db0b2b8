"""Compares the virtual llm_demo, or llm_bench, with a native one.

    python tests/native/compare_native.py LLM_DEMO MODEL_DIR [PROMPT_FILE]
    python tests/native/compare_native.py LLM_BENCH MODEL_DIR

Both run the model with a greedy configuration and one thread, in empty folders. Prints `no difference`, or
the first line that differs of each case, and then ends with status 1. Figures, line numbers of MNN's sources
and the name of the cache folder may differ. Without a prompt file llm_demo is asked three prompts of its own,
each alone and all in one file, and again with models and configurations at which it fails. llm_bench is given
good arguments and bad ones, and models that lack something; its JSON file is compared as well.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub import procs
from tests.native.cases import ARGUMENTS, CONFIGS, MODELS, change_config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROMPTS: Final = (
    "What is DeviceHub?",
    "Write one sentence about the sea, in quotes: \"...\" \\n $(date) 'x'.",
    "你好! Grüße 🙂 <- what is this?",
)
_TIMEOUT_S: Final = 600.0
_MASKS: Final = (
    (re.compile(rb"^main, \d+, cost time: [\d.]+ ms$"), b"main, N, cost time: T ms"),
    (re.compile(rb"\bonForward, \d+"), b"onForward, N"),
    (re.compile(rb"\btmp_[0-9a-f]+"), b"tmp_H"),
    (
        re.compile(
            rb"^( vision time| pixels_mp|  audio \w+ time|prefill time| decode time| sample time) = [\d.]+"
        ),
        rb"\1 = T",
    ),
    (re.compile(rb"^total time : [\d.]+ ms, total mflops : [\d.]+ $"), b"total"),
    (re.compile(rb"[\d.]+ \xc2\xb1 (?:[\d.]+|-?nan)"), b"S +- D"),
    (re.compile(rb'"((?:\w+_)?(?:tps|std)|loading_time(?:_std)?)":[-+.e\d]*'), rb'"\1":F'),
    (re.compile(rb'("modelSize":\d+\.\d{12})\d*'), rb"\1"),
    (re.compile(rb"^(prefill speed| decode speed| vision speed) = [\d.]+"), rb"\1 = T"),
)
_OPERATOR: Final = re.compile(rb"\w+ +\t(?:\d+\.\d+ *\t){4}$")
"""A row of the table of operators: which there are is each version's own."""


@dataclass(frozen=True)
class Outcome:
    """What a run left."""

    status: int
    stdout: bytes
    stderr: bytes


def mask(output: bytes) -> list[bytes]:
    """The lines of an output without what differs from run to run."""
    lines = [line for line in output.split(b"\n") if not _OPERATOR.match(line)]
    for pattern, replacement in _MASKS:
        lines = [pattern.sub(replacement, line) for line in lines]
    return lines


def first_difference(native: Outcome, virtual: Outcome) -> str | None:
    """A description of the first difference, or None."""
    for name, left, right in (
        ("stdout", native.stdout, virtual.stdout),
        ("stderr", native.stderr, virtual.stderr),
    ):
        for number, (one, other) in enumerate(itertools.zip_longest(mask(left), mask(right)), 1):
            if one != other:
                return f"{name}, line {number}:\n  native  {one!r}\n  virtual {other!r}"
    if native.status != virtual.status:
        return f"exit status:\n  native  {native.status}\n  virtual {virtual.status}"
    return None


async def compare(
    llm_demo: Path,
    model: Path,
    prompts: bytes,
    arguments: Sequence[str],
    *,
    spoil: str = "good",
    values: Mapping[str, Any] | None = None,
) -> str | None:
    """Run both in folders of their own, each with a copy of the model; the first difference.

    Args:
        llm_demo: the native one.
        model: the folder with the model.
        prompts: the prompt file.
        arguments: after the prompt file.
        spoil: the case of `MODELS` that spoils the copy.
        values: over the configuration.
    """
    outcomes: list[Outcome] = []
    virtual = [sys.executable, "-m", "devicehub.sim.engine", "llm_demo"]
    for command in ([str(llm_demo)], virtual):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copytree(model, folder / "m")
            change_config(folder / "m", **{"sampler_type": "greedy", "thread_num": 1} | dict(values or {}))
            MODELS[spoil](folder / "m")
            (folder / "prompt.txt").write_bytes(prompts)
            argv = [*command, "m/config.json", "prompt.txt", *arguments]
            done = await procs.run(argv, timeout_s=_TIMEOUT_S, cwd=folder, env=_environment())
            outcomes.append(Outcome(done.status, done.stdout, done.stderr))
    return first_difference(*outcomes)


async def compare_bench(llm_bench: Path, model: Path, spoil: str, arguments: Sequence[str]) -> str | None:
    """Run both with a copy of the model that a case of `MODELS` has spoilt; the first difference."""
    outcomes: list[Outcome] = []
    virtual = [sys.executable, "-m", "devicehub.sim.engine", "llm_bench"]
    for command in ([str(llm_bench)], virtual):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copytree(model, folder / "m")
            MODELS[spoil](folder / "m")
            done = await procs.run(
                [*command, *arguments], timeout_s=_TIMEOUT_S, cwd=folder, env=_environment()
            )
            stdout = done.stdout.replace(os.fsencode(llm_bench), b"llm_bench")
            stdout += _written_files(folder)
            outcomes.append(Outcome(done.status, stdout, done.stderr))
    return first_difference(*outcomes)


def _written_files(folder: Path) -> bytes:
    files = sorted(folder.glob("*.*"))
    return b"".join(b"\nfile " + os.fsencode(file.name) + b"\n" + file.read_bytes() for file in files)


def _environment() -> dict[str, str]:
    package = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": package}


def _compare_all_bench(llm_bench: Path, model: Path) -> int:
    differences = 0
    for spoil, arguments in itertools.chain(
        itertools.product(["good"], ARGUMENTS), itertools.product(MODELS, ARGUMENTS[:3])
    ):
        difference = asyncio.run(compare_bench(llm_bench, model, spoil, arguments))
        if difference is not None:
            sys.stdout.write(f"model {spoil}, arguments {' '.join(arguments)}: {difference}\n")
            differences += 1
    if not differences:
        sys.stdout.write("no difference\n")
    return min(differences, 1)


def main(arguments: Sequence[str]) -> int:
    """Compare and print; the exit status."""
    if not 2 <= len(arguments) <= 3:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    program, model = (Path(argument).resolve() for argument in arguments[:2])
    if program.name == "llm_bench":
        return _compare_all_bench(program, model)
    if len(arguments) == 3:
        files = [Path(arguments[2]).read_bytes()]
    else:
        files = [f"{prompt}\n".encode() for prompt in PROMPTS]
        files.append(b"".join(files))
    cases: list[tuple[bytes, Sequence[str], str, Mapping[str, Any]]] = [
        (prompts, options, "good", {})
        for prompts in files
        for options in (["64"], [], ["0"], ["64", "no_think"])
    ]
    cases += [(files[-1], options, spoil, {}) for spoil in MODELS for options in ([], ["8"])]
    cases += [(files[-1], options, "good", values) for values in CONFIGS.values() for options in ([], ["8"])]
    differences = 0
    for prompts, options, spoil, values in cases:
        difference = asyncio.run(compare(program, model, prompts, options, spoil=spoil, values=values))
        if difference is not None:
            asked = (
                f"prompts {prompts.decode(errors='replace')!r}, arguments {options}, model {spoil}, {values}"
            )
            sys.stdout.write(f"{asked}: {difference}\n")
            differences += 1
    if not differences:
        sys.stdout.write("no difference\n")
    return min(differences, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
