"""The TOML file of a prompt suite. Pure."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.errors import ConfigError
from devicehub.profiles.load import Problem, check_text
from devicehub.profiles.places import line_of
from devicehub.workloads.suite import Name, Suite, SuitePrompt, ids_of, suite_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_CHARS: Final = 1 << 20


class _SuiteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A suite as its file says it."""

    prompt: tuple[SuitePrompt, ...]
    name: Name = ""

    def problems(self, file_id: str) -> Iterator[tuple[str, str]]:
        return suite_problems(self.name or file_id, self.prompt)


def check_suite(text: str, place: Path | str) -> tuple[Suite | None, Sequence[Problem]]:
    """Read a suite and list everything that is wrong with it.

    Args:
        text: what the file holds.
        place: where it lies, or how a person calls it; its name is the suite's where it has none.
    """
    path = Path(place)
    if len(text) > _MOST_CHARS:
        return None, [Problem(path, None, None, "is too big for a suite: split it")]
    file, problems = check_text(text, _SuiteFile, path)
    if file is None:
        more = (Problem(path, key, line_of(text, key), words) for key, words in _of_whole_prompts(text))
        return None, sorted([*problems, *more], key=lambda problem: problem.line or 0)
    if problems:
        return None, problems
    named = zip(ids_of(file.prompt), file.prompt, strict=True)
    prompts = tuple(msgspec.structs.replace(prompt, id=name) for name, prompt in named)
    return Suite(name=file.name or path.stem, prompts=prompts), []


def _of_whole_prompts(text: str) -> Iterator[tuple[str, str]]:
    """What is wrong with those prompts of a file whose keys and types are right, while others' are not."""
    try:
        tables = tomllib.loads(text).get("prompt")
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    for number, table in enumerate(tables if isinstance(tables, list) else ()):
        try:
            prompt = msgspec.convert(table, SuitePrompt)
        except msgspec.ValidationError:
            continue
        for key, words in prompt.problems():
            yield f"prompt[{number}]" + (f".{key}" if key else ""), words


def read_suite(text: str, place: Path | str) -> Suite:
    """Read a suite.

    Args:
        text: what the file holds.
        place: where it lies, or how a person calls it.

    Raises:
        ConfigError: all of its problems, one a line.
    """
    suite, problems = check_suite(text, place)
    if suite is None:
        first, *others = problems
        rest = "".join(f"\n{problem}" for problem in others)
        raise ConfigError(first.problem + rest, file=first.file, key=first.key, line=first.line)
    return suite
