"""Makes a model's fixture: the MNN wheel answers on this host, in a child process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from devicehub import procs
from devicehub.models.answering import NOT_LOADED, Answered, Question
from devicehub.models.check import CONFIG
from devicehub.models.fixture import ANSWER_TOKENS, CHECKED, Fixture, FixturePrompt, NoFixture, merge_tokens
from devicehub.models.provenance import read_provenance
from devicehub.models.room import HostRoom, Place, find_place, look_at_host, need_of
from devicehub.units import GIB, KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devicehub.models.catalog import Model

PROMPTS: Final = (
    ("Introduce yourself.", "Write a Python function that adds two numbers."),
    ("What is a token?", "What is the Android Debug Bridge?"),
    ("\u8bf7\u4ecb\u7ecd\u4e00\u4e0b\u4f60\u81ea\u5df1", "\u4ec0\u4e48\u662f\u624b\u673a\uff1f"),
)
"""Of each kind the first that is answered at some length, else the second: talk, knowledge, Chinese.

Each is one line, since llm_demo takes a line end for the next prompt.
"""
SETTINGS: Final[dict[str, Any]] = {
    "sampler_type": "greedy",
    "precision": "high",
    "attention_mode": 8,
    "backend_type": "cpu",
    "max_new_tokens": ANSWER_TOKENS,
    "reuse_kv": False,
    "prompt_cache": False,
    "kvcache_mmap": False,
    # Greedy, it writes the same words; its draft models are one more thing that can crash.
    "speculative_type": "",
    "timeout_ms": -1,
    "chunk": 0,
    "async": False,
    "tmp_path": ".",
}
"""Over the model's own config.json, whose templates, system prompt and context stay."""

_CHILD: Final = (sys.executable, "-m", "devicehub.models.answering")
_LONG_ENOUGH: Final = 8
"""Pieces; an answer of one token has no speed on a phone, and says little of its output."""
_LEAST: Final = 2
_PATIENCE_S: Final = 120.0
_BYTES_PER_S: Final = 4 * MIB
"""Of weights, for the load and all answers, on a slow disk and a busy host."""
_THREADS_FROM: Final = GIB // 4
"""Of weights; MNN's threads spin, so on a busy host few are faster than many."""
_MOST_STDOUT: Final = MIB
_KEPT_STDERR: Final = 64 * KIB
_COMPLAINT: Final = re.compile(
    r"\[Error\]: (.+)|((?:\w+\.)*\w*(?:Error|Exception): .+)|(Can't open file:.+)|(std::\w+)"
)
_SHORT_OF_MEMORY: Final = re.compile(r"bad_alloc|MemoryError|Memory allocation")
_STATUSES: Final = {4: "an error inside the engine", 5: "its time was up"}
"""Of MNN's LlmStatus."""


class _Ended(NamedTuple):
    """What the child left behind; no status where its time was up."""

    status: int | None
    answers: tuple[Answered, ...]
    stderr: str


async def make_fixture(
    model: Model,
    scratch: Path,
    *,
    heard: Callable[[int], None] = lambda _answers: None,
    child: Sequence[str] = _CHILD,
    host: HostRoom | None = None,
) -> Fixture | NoFixture:
    """Ask a model the fixture's prompts on this host.

    Args:
        model: its files are read where they lie.
        scratch: an empty folder on a disk, for the weights of a model that must be mapped.
        heard: told how many answers there are, after each.
        child: the program that answers, as `devicehub.models.answering` does.
        host: what there is of memory; None looks.

    Returns:
        Why there is none, where the wheel cannot load the model within memory, fails, crashes or hangs.

    Raises:
        InputError: the model's configuration cannot be read any more.
    """
    made = read_provenance(model.root)
    if made is not None and made.htp is not None:
        return NoFixture(reason=f"its graphs run on Qualcomm's HTP {made.htp} alone, which this host has not")
    settings = {**SETTINGS, "thread_num": _threads(model)}
    place = find_place(need_of(model, settings), host or look_at_host(scratch))
    if not isinstance(place, Place):
        return NoFixture(reason=place)
    question = Question(
        config=str(model.root / CONFIG),
        settings={**settings, "use_mmap": place.use_mmap},
        kinds=PROMPTS,
        enough=_LONG_ENOUGH,
        most_tokens=ANSWER_TOKENS,
        most_bytes=place.most_bytes,
    )
    patience_s = _PATIENCE_S + model.manifest.size / _BYTES_PER_S
    ended = await _ask(child, question, scratch, patience_s, heard)
    problem = _problem(ended, patience_s)
    if problem is not None:
        return NoFixture(reason=problem)
    chosen = _choose(model, ended.answers)
    was_compared = made is not None and made.acceptance.cosine_mean is not None and made.tells_of(model.root)
    if isinstance(chosen, Fixture) and was_compared:
        return msgspec.structs.replace(chosen, source=CHECKED)
    return chosen


async def _ask(
    child: Sequence[str],
    question: Question,
    scratch: Path,
    patience_s: float,
    heard: Callable[[int], None],
) -> _Ended:
    # The wheel loads weights with threads of its own, whatever the configuration says.
    env = {**os.environ, "OMP_THREAD_LIMIT": str(question.settings["thread_num"])}
    try:
        async with procs.child(child, env=env, cwd=scratch) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            status: int | None = None
            noise = bytearray()
            said = bytearray()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_keep_end(process.stderr, noise, _KEPT_STDERR))
                tasks.create_task(_keep_lines(process.stdout, said, heard))
                try:
                    async with asyncio.timeout(patience_s):
                        await _tell(process.stdin, question)
                        status = await process.wait()
                except TimeoutError:
                    # Killed, it closes its pipes, and the two tasks come to their end.
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
    except OSError as error:
        return _Ended(1, (), f"OSError: {error.strerror}")
    return _Ended(status, _answers(said), noise.decode(errors="replace"))


async def _tell(stdin: asyncio.StreamWriter, question: Question) -> None:
    """Ask; a child that has ended already hears nothing."""
    with contextlib.suppress(ConnectionError):
        stdin.write(msgspec.json.encode(question))
        await stdin.drain()
        stdin.close()


async def _keep_end(stream: asyncio.StreamReader, kept: bytearray, most: int) -> None:
    while data := await stream.read(most):
        kept += data
        del kept[:-most]


async def _keep_lines(stream: asyncio.StreamReader, kept: bytearray, heard: Callable[[int], None]) -> None:
    while data := await stream.read(_MOST_STDOUT):
        new = data[: _MOST_STDOUT - len(kept)]
        kept += new
        if b"\n" in new:
            heard(kept.count(b"\n"))


def _answers(said: bytearray) -> tuple[Answered, ...]:
    """The whole lines; one that a crash cut is none."""
    answers: list[Answered] = []
    for line in said.splitlines():
        with contextlib.suppress(msgspec.MsgspecError):
            answers.append(msgspec.json.decode(line, type=Answered))
    return tuple(answers)


def _problem(ended: _Ended, patience_s: float) -> str | None:
    """Why the answers make no fixture, without a full stop; None where they do."""
    complaint = _complaint(ended.stderr)
    said = f": {complaint}" if complaint else ""
    if ended.status is None:
        return f"the MNN wheel did not answer within {patience_s:.0f} s on this host{said}"
    if ended.status == -signal.SIGKILL or (ended.status and _SHORT_OF_MEMORY.search(ended.stderr)):
        return "the MNN wheel did not find enough memory on this host"
    if ended.status < 0:
        number = -ended.status
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return f"the MNN wheel crashed on it ({name}){said}"
    failed = next((answer.failed for answer in ended.answers if answer.failed is not None), None)
    if failed == NOT_LOADED:
        return f"the MNN wheel does not load it{said}"
    if failed is not None:
        return f"the MNN wheel could not answer ({_STATUSES.get(failed, f'status {failed}')}){said}"
    told = {answer.prompt for answer in ended.answers}
    if ended.status > 0 or not all(told.intersection(kind) for kind in PROMPTS):
        return f"the MNN wheel could not be used on this host{said}"
    return None


def _complaint(stderr: str) -> str:
    """The last sentence that names an error."""
    found = [next(filter(None, match.groups())) for match in _COMPLAINT.finditer(stderr)]
    return found[-1].strip().rstrip(".")[:200] if found else ""


def _choose(model: Model, answers: Sequence[Answered]) -> Fixture | NoFixture:
    """Of each kind the first prompt that was answered at some length, else the longest answer."""
    made = {
        answer.prompt: FixturePrompt(
            prompt=answer.prompt, pieces=merge_tokens(answer.tokens, ended=answer.ended), ended=answer.ended
        )
        for answer in answers
        if answer.prompt is not None
    }
    chosen: list[FixturePrompt] = []
    for kind in PROMPTS:
        answered = [made[prompt] for prompt in kind if prompt in made]
        long = [one for one in answered if len(one.pieces) >= _LONG_ENOUGH]
        chosen.append(long[0] if long else max(answered, key=lambda one: len(one.pieces)))
    told = tuple(one for one in chosen if len(one.pieces) >= _LEAST)
    if not told:
        return NoFixture(reason="it says nothing on this host")
    return Fixture(model_id=model.manifest.id, engine=answers[0].engine, prompts=told)


def _threads(model: Model) -> int:
    if model.manifest.size < _THREADS_FROM:
        return 1
    return max(min((os.cpu_count() or 1) // 2, 4), 1)
