"""Child process: what a model answers greedily in the MNN wheel, token by token.

Usage: python -m devicehub.models.answering, with a `Question` as JSON on stdin. The wheel may crash or hang
on any model, so it runs in a process of its own; what it prints goes to stderr, and each answer is written to
stdout as soon as it is there, as an `Answered` on a line of its own.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_LOADED: Final = -1
_NORMAL_FINISHED: Final = 1
_MAX_TOKENS_FINISHED: Final = 2
"""Of MNN's LlmStatus; after an answer every other one is a failure."""
_GIVEN_UP_FIRST: Final = "1000"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked.

    Attributes:
        config: path of the model's config.json.
        settings: laid over it before the model is loaded; the sampler would not follow later.
        kinds: of each the prompts that are put in turn until one is answered with `enough` tokens.
        most_tokens: where each answer is cut.
        most_bytes: of memory that the process may have for itself.
    """

    config: str
    settings: dict[str, Any]
    kinds: tuple[tuple[str, ...], ...]
    enough: int
    most_tokens: int
    most_bytes: int


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One answer.

    Attributes:
        engine: name and version of what answered.
        prompt: to which; None where the model was not loaded.
        tokens: their texts in UTF-8, of which each may hold a part of a character; without the one that ends
            the answer.
        ended: the answer came to its end.
        failed: MNN's status where it did not answer; there are no further lines then.
    """

    engine: str
    prompt: str | None = None
    tokens: list[bytes] = []
    ended: bool = False
    failed: int | None = None


def main() -> None:
    """Answer and leave, without Python's own clean-up: the wheel may crash in it after good work."""
    answers_fd = os.dup(1)
    os.dup2(2, 1)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    _bound(question.most_bytes)
    for answered in _answer(question):
        os.write(answers_fd, msgspec.json.encode(answered) + b"\n")
    os._exit(0)


def _bound(most_bytes: int) -> None:
    """Let neither this process's memory nor its crash cost the host anything."""
    # Of the data, not of the address space: files that are mapped take no memory for good.
    for limit, size in ((resource.RLIMIT_DATA, most_bytes), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):  # lower already, or a system that knows none
            resource.setrlimit(limit, (size, size))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_GIVEN_UP_FIRST)


def _answer(question: Question) -> Iterator[Answered]:
    from importlib.metadata import version

    import MNN.llm

    engine = f"MNN {version('MNN')}"
    wrapper = MNN.llm.create(question.config)
    wrapper.set_config(question.settings)
    # The wrapper's own load() drops the answer.
    model = wrapper._c_obj
    if not model.load():
        yield Answered(engine=engine, failed=NOT_LOADED)
        return
    for kind in question.kinds:
        for prompt in kind:
            answered = _respond(model, engine, prompt, question.most_tokens)
            yield answered
            if answered.failed is not None:
                return
            if len(answered.tokens) >= question.enough:
                break


def _respond(model: Any, engine: str, prompt: str, most_tokens: int) -> Answered:
    model.reset()
    # The answer as one string is of no use: where it ends amid a character the wheel raises.
    with contextlib.suppress(UnicodeDecodeError):
        model.response(prompt, False, most_tokens)
    # get_context crashes where the string so far ends so; nothing reads it back.
    model.set_context({"generate_str": ""})
    context = model.get_context()
    if context["status"] not in (_NORMAL_FINISHED, _MAX_TOKENS_FINISHED):
        return Answered(engine=engine, prompt=prompt, failed=context["status"])
    ended = bool(model.stoped())
    tokens = context["output_tokens"][: -1 if ended else None]
    texts = [_text(model, token) for token in tokens]
    return Answered(engine=engine, prompt=prompt, tokens=texts, ended=ended)


def _text(model: Any, token: int) -> bytes:
    try:
        return bytes(model.tokenizer_decode(token).encode())
    except UnicodeDecodeError as error:
        return error.object


if __name__ == "__main__":
    main()
