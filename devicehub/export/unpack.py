"""Makes a checkpoint of a GGUF and the Hugging Face folder of the same model, in a child process."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub import procs
from devicehub.errors import InputError, ProgramError
from devicehub.export import child
from devicehub.export.source import SMALL_FILES
from devicehub.export.tensors import INDEX, SINGLE
from devicehub.export.unpack_child import Answer, Question
from devicehub.manifest import unwritable

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.source import Source

_CHILD: Final = "devicehub.export.unpack_child"
_ASKED: Final = "unpack-question.json"
_ANSWER: Final = "unpack-answer.json"
_MOST_SAID: Final = 4000
_LINES: Final = 3


async def unpack_gguf(source: Source, out: Path, *, python: str = sys.executable) -> Path:
    """Write the checkpoint that a source with a GGUF stands for: its weights, and the folder's other files.

    The weights are those that the GGUF's quantisation left, in the type that config.json names.

    Args:
        source: with a GGUF.
        out: the folder to make; it must not be there. Left half made where this fails.
        python: the interpreter that has torch, transformers and gguf.

    Returns:
        The folder.

    Raises:
        InputError: the GGUF and the folder do not go together, or the checkpoint cannot be written.
        ProgramError: the child cannot be started, or ended before its time.
    """
    assert source.gguf is not None
    try:
        await asyncio.to_thread(_copy_small, source.folder, out)
        question = Question(
            gguf=str(source.gguf.absolute()),
            folder=str(source.folder.absolute()),
            out=str((out / SINGLE).absolute()),
        )
        (out / _ASKED).write_bytes(msgspec.json.encode(question))
    except OSError as error:
        raise unwritable(out, error) from error
    status, said = await _run(out, python)
    try:
        answer = msgspec.json.decode((out / _ANSWER).read_bytes(), type=Answer)
    except (OSError, msgspec.DecodeError) as error:
        tail = " | ".join(said.splitlines()[-_LINES:])
        problem = f"{source.gguf} could not be unpacked, status {status}" + (f": {tail}" if tail else "")
        raise ProgramError("transformers", problem, remedy="take the checkpoint in safetensors") from error
    if answer.error:
        remedy = "give the Hugging Face folder of this very model, or take the checkpoint in safetensors"
        raise InputError(source.gguf, answer.error, remedy=remedy)
    for name in (_ASKED, _ANSWER):
        (out / name).unlink()
    return out


def _copy_small(folder: Path, out: Path) -> None:
    out.mkdir(parents=True)
    for file in sorted({file for pattern in SMALL_FILES for file in folder.glob(pattern)}):
        if file.name != INDEX and file.is_file():
            shutil.copyfile(file, out / file.name)


async def _run(out: Path, python: str) -> tuple[int, str]:
    """Run the child; its status, and the end of what it said."""
    try:
        async with procs.child(
            [python, "-P", "-m", _CHILD, _ASKED, _ANSWER],
            env=child.environment(out, os.environ),
            cwd=out,
        ) as process:
            assert process.stdout is not None
            # The child joins its two outputs; its stdin stays open for as long as it is to live.
            said = await procs.read_tail(process.stdout, _MOST_SAID)
            assert process.stderr is not None
            said += (await process.stderr.read())[-_MOST_SAID:]
            status = await process.wait()
    except OSError as error:
        raise ProgramError(python, f"cannot be started: {error.strerror}", remedy="install it") from error
    return status, said.decode(errors="replace").strip()
