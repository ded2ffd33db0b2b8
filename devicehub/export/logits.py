"""Compares an export with its source by the logits of one prefill, each in a child process of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from devicehub import procs
from devicehub.errors import ProgramError
from devicehub.export import child
from devicehub.export.logits_question import Fidelity, LogitsAnswer, LogitsQuestion, fidelity, probe_ids

_CHILD: Final = ("-P", "-m", "devicehub.export.logits_child")
_TIMEOUT_S: Final = 1800.0
_TAIL: Final = 3


async def compare_logits(
    source: Path,
    folder: Path,
    *,
    vocab: int,
    adapter: Path | None = None,
    python: str = sys.executable,
    engine: str = sys.executable,
) -> Fidelity:
    """Ask both models about the same tokens, one after the other.

    Args:
        source: the checkpoint's folder.
        folder: the exported one.
        vocab: how many tokens there are.
        adapter: a LoRA that was merged into the export.
        python: the interpreter that has torch and transformers.
        engine: the interpreter that has the MNN wheel.

    Raises:
        ProgramError: one of them gave no logits, or logits of another shape.
    """
    ids = probe_ids(vocab)
    with tempfile.TemporaryDirectory(prefix="devicehub-logits-") as scratch:
        logits = str(Path(scratch) / "source.npy")
        asked = LogitsQuestion(
            model=_absolute(source),
            exported=False,
            ids=ids,
            logits=logits,
            scratch=scratch,
            adapter=_absolute(adapter) if adapter is not None else "",
        )
        await _ask(python, asked, source)
        config = _absolute(folder / "config.json")
        answer = await _ask(engine, msgspec.structs.replace(asked, model=config, exported=True), folder)
    if not answer.cosines:
        raise ProgramError("MNN", f"{folder} gave no logits", remedy="export the model again")
    return fidelity(answer.cosines)


async def _ask(python: str, question: LogitsQuestion, place: Path) -> LogitsAnswer:
    remedy = "export it with another recipe" if question.exported else "check that transformers can load it"
    program = "MNN" if question.exported else "transformers"
    try:
        scratch = Path(question.scratch)
        file = scratch / "question.json"
        file.write_bytes(msgspec.json.encode(question))
        done = await procs.run_guarded(
            [python, *_CHILD, file],
            timeout_s=_TIMEOUT_S,
            env=child.environment(scratch, os.environ),
            cwd=scratch,
        )
    except TimeoutError as error:
        raise ProgramError(program, f"{place} took more than {_TIMEOUT_S:.0f} s", remedy=remedy) from error
    except OSError as error:
        raise ProgramError(python, f"cannot be started: {error.strerror}", remedy="install it") from error
    try:
        answer = msgspec.json.decode(done.stdout, type=LogitsAnswer)
    except msgspec.DecodeError as error:
        said = " | ".join(done.stderr.decode(errors="replace").strip().splitlines()[-_TAIL:])
        problem = f"{place} gave no logits, status {done.status}" + (f": {said}" if said else "")
        raise ProgramError(program, problem, remedy=remedy) from error
    if answer.error:
        raise ProgramError(program, f"{place}: {answer.error}", remedy=remedy)
    return answer


def _absolute(path: Path) -> str:
    return str(path.resolve())
