"""Prompt suites: prompts, and what a model's answer to each must be. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from devicehub.errors import InputError
from devicehub.workloads.bounded_regex import MOST_TEXT, BoundedRegex
from devicehub.workloads.media import find_tags
from devicehub.workloads.prompts import encode_prompts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_PROMPTS: Final = 100
_MOST_SHOWN: Final = 80
_OPERATORS: Final = ("contains", "equals", "matches", "json", "json_has")
_FENCE: Final = re.compile(r"[ \t]*```[ \t]*(\w*)[ \t]*")
_THOUGHT: Final = ("<think>", "</think>")

Name = Annotated[str, msgspec.Meta(max_length=100)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
Few = Annotated[tuple[Words, ...], msgspec.Meta(min_length=1, max_length=100)]


class SuitePrompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One prompt, and what all must hold of the answer, white space at its ends left aside.

    Attributes:
        id: what results call it.
        text: of several lines one prompt is made, as by --join-lines.
        contains: texts that all stand in it.
        equals: what it is as a whole.
        matches: a regular expression that is found in it.
        json: it is a JSON document, or holds one in a fenced block.
        json_has: keys of that document, a dot before each inner one; a list's items go by number.
        ignore_case: of contains, equals and matches.
    """

    id: Annotated[str, msgspec.Meta(max_length=40)] = ""
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]
    contains: Few | None = None
    equals: Annotated[str, msgspec.Meta(max_length=MOST_TEXT)] | None = None
    matches: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None = None
    json: bool = False
    json_has: Few | None = None
    ignore_case: bool = False

    def problems(self) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        if problem := _name_problem(self.id):
            yield "id", problem
        try:
            encode_suite_prompt(self)
        except InputError as error:
            yield "text", f"{error.problem}; {error.remedy}"
        else:
            if find_tags(self.text.encode()):
                yield "text", "names a picture or a sound; a suite asks with text alone"
        demands = [name for name in _OPERATORS if getattr(self, name) not in (None, False)]
        if not demands:
            yield "", f"demands nothing of the answer; give one of {', '.join(_OPERATORS)}"
        elif self.ignore_case and not {"contains", "equals", "matches"} & set(demands):
            yield "ignore_case", "is for contains, equals and matches, and there is none of them"
        if self.matches is not None:
            try:
                BoundedRegex(self.matches, ignore_case=self.ignore_case)
            except ValueError as error:
                yield "matches", str(error)
        for key in self.json_has or ():
            if not all(key.split(".")):
                yield "json_has", f"{_quote(key)} has an empty part"


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A prompt suite."""

    name: Name
    prompts: tuple[SuitePrompt, ...]

    def problems(self) -> Iterator[tuple[str, str]]:
        """What the types cannot say of one that comes from elsewhere: (key, problem)."""
        return suite_problems(self.name, self.prompts)


def encode_suite_prompt(prompt: SuitePrompt) -> bytes:
    """The prompt file of one prompt.

    Raises:
        InputError: the engine would read it as something else.
    """
    return encode_prompts(prompt.text, join_lines=True, place=f"prompt {prompt.id}".rstrip())


def suite_problems(name: str, prompts: Sequence[SuitePrompt]) -> Iterator[tuple[str, str]]:
    """What is wrong with a suite of that name: (key as its file has it, problem)."""
    if problem := _name_problem(name):
        yield "name", problem
    if not 1 <= len(prompts) <= MOST_PROMPTS:
        yield "prompt", f"a suite has 1 to {MOST_PROMPTS} prompts, this one {len(prompts)}"
    ids = ids_of(prompts)
    for number, prompt in enumerate(prompts):
        if ids[number] in ids[:number]:
            yield f"prompt[{number}].id", f"{_quote(ids[number])} is the id of another prompt as well"
        for key, problem in prompt.problems():
            yield f"prompt[{number}]" + (f".{key}" if key else ""), problem


def ids_of(prompts: Sequence[SuitePrompt]) -> list[str]:
    """By what results call the prompts: their ids, else their numbers."""
    return [prompt.id or str(number) for number, prompt in enumerate(prompts, 1)]


def judge_answer(prompt: SuitePrompt, text: str | None) -> str | None:
    """Why an answer is not what its prompt demands, in one sentence; None where it is.

    Args:
        prompt: what was asked.
        text: what the model said; of one that thinks aloud only what follows the thought counts. None where
            it said nothing.
    """
    if text is None:
        return "there is no answer"
    answer = spoken(text)
    if answer is None:
        return "the answer is a thought that does not end; give more tokens, or --no-think"
    return "; ".join(_lacks(prompt, answer.strip())) or None


def _lacks(prompt: SuitePrompt, answer: str) -> Iterator[str]:
    """What the answer does not fulfil, a part of a sentence each."""
    said = _fold(answer, prompt)
    if absent := [part for part in prompt.contains or () if _fold(part, prompt) not in said]:
        yield f"the answer lacks {', '.join(map(_quote, absent))}"
    if prompt.equals is not None and said != _fold(prompt.equals.strip(), prompt):
        yield f"the answer is {_quote(answer)}, not {_quote(prompt.equals.strip())}"
    if prompt.matches is not None:
        yield from _lacks_match(prompt.matches, answer, ignore_case=prompt.ignore_case)
    if prompt.json or prompt.json_has:
        yield from _lacks_json(answer, prompt.json_has or ())


def _lacks_match(pattern: str, answer: str, *, ignore_case: bool) -> Iterator[str]:
    try:
        found = BoundedRegex(pattern, ignore_case=ignore_case).is_in(answer)
    except ValueError as error:
        yield f"{_quote(pattern)} {error}"
        return
    if found is None:
        yield f"the answer is too long ({len(answer)} characters) to search it for {_quote(pattern)}"
    elif not found:
        yield f"nothing in the answer matches {_quote(pattern)}"


def _lacks_json(answer: str, keys: Sequence[str]) -> Iterator[str]:
    document, problem = _read_json(answer)
    if problem is not None:
        yield f"the answer is no JSON: {problem}"
    elif absent := [key for key in keys if not _has(document, key.split("."))]:
        yield f"the answer's JSON lacks {', '.join(map(_quote, absent))}"


def _read_json(answer: str) -> tuple[Any, str | None]:
    """The document that an answer is or holds in a fenced block, or why there is none."""
    try:
        return json.loads(_fenced(answer) or answer, parse_constant=_refuse_constant), None
    except json.JSONDecodeError as error:
        return None, f"{error.msg[:1].lower()}{error.msg[1:]} in line {error.lineno}, column {error.colno}"
    except RecursionError:
        return None, "it is nested too deeply"
    except ValueError as error:
        return None, str(error)


def _fenced(answer: str) -> str | None:
    """The first fenced block that is called json, else the first without a name; None where there is none."""
    blocks: dict[str, str] = {}
    name: str | None = None
    lines: list[str] = []
    for line in answer.split("\n"):
        fence = _FENCE.fullmatch(line.rstrip("\r"))
        if name is None:
            name, lines = (fence[1].lower(), []) if fence else (None, [])
        elif fence and not fence[1]:
            blocks.setdefault(name, "\n".join(lines))
            name = None
        else:
            lines.append(line)
    return blocks.get("json", blocks.get(""))


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no value of JSON")


def _has(document: Any, parts: Sequence[str]) -> bool:
    for part in parts:
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdecimal() and int(part[:9]) < len(document):
            document = document[int(part[:9])]
        else:
            return False
    return True


def spoken(text: str) -> str | None:
    """What follows a thought; all where there is none, None where it does not end."""
    begin, end = _THOUGHT
    before, found, after = text.partition(end)
    if found:
        return after
    return None if before.lstrip().startswith(begin) else text


def _name_problem(name: str) -> str | None:
    return None if name.isprintable() else "holds what cannot be printed on one line"


def _fold(text: str, prompt: SuitePrompt) -> str:
    return text.casefold() if prompt.ignore_case else text


def _quote(text: str) -> str:
    """A text on one line, cut where it is long; what cannot be printed becomes escapes."""
    short = json.dumps(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...", ensure_ascii=False)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in short)
