"""What the `[custom]` table of a run profile may hold: a command, and what its output means."""

from __future__ import annotations

import re
import string
import warnings
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLACEHOLDERS: Final = ("engine", "model", "config", "prompts", "work", "run", "launch")
"""What a word of the command may name in braces; `{{` and `}}` are the braces themselves."""

NUMBERS: Final = (
    "threads", "prompt_tokens", "decode_tokens", "prefill_tok_s", "decode_tok_s", "prefill_tok_s_std",
    "decode_tok_s_std", "total_tok_s", "prefill_s", "decode_s", "sample_s", "vision_s", "audio_s",
    "pixels_mp", "audio_input_s", "load_ms", "tuning_ms", "model_size_bytes",
)  # fmt: skip
COUNTERS: Final = ("backend", "precision", "test", *NUMBERS)
"""The fields of a record that a named group may set."""

HUB_CAUSES: Final = frozenset(
    {
        *("adbd_restarted", "rebooted", "agent_killed", "agent_failed", "deploy_failed", "phone_locked"),
        *("phone_lost", "phone_gone", "hub_killed", "limit_time", "limit_temperature", "limit_battery"),
        *("limit_space", "suspended", "clock_step", "stopped"),
    }
)
"""What agent and hub say of phone and link: retries and quarantine follow, so no output may claim it."""

_RESULT_NAME: Final = re.compile(r"(?!\d+$)[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_PROGRAM: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")
_TAKEN_NAMES: Final = frozenset({"stdout", "stderr", "pid", "exit"})

Stream = Literal["stdout", "stderr", "log", "result"]
Streams = Annotated[tuple[Stream, ...], msgspec.Meta(min_length=1)]
Regex = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Word = Annotated[str, msgspec.Meta(max_length=4000, pattern=r"^[^\x00]*$")]
Tag = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Counter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where figures stand; each named group is the counter of that name.

    Attributes:
        take: `last`: of several lines the last one counts; `all`: each is a row of its own.
    """

    regex: Regex
    streams: Streams = ("stdout",)
    take: Literal["last", "all"] = "last"


class Success(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line without which no launch has succeeded."""

    regex: Regex
    streams: Streams = ("stdout",)


class FailureLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line with which no launch has succeeded.

    Attributes:
        cause: a slug of the user's own, or one of `workloads.failures` that no phone or link is to blame for.
        remedy: what a person can do; None leaves it to that slug's own.
    """

    regex: Regex
    streams: Streams = ("stdout", "stderr")
    cause: Slug
    remedy: str | None = None


class Custom(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One command and what its output means.

    Attributes:
        command: a program of the engine by its name, or an absolute path on the phone; then its arguments.
        status: with which it must end; `any` takes each below 126, beyond which signals and the shell speak.
        results: names of files that it writes into the launch's folder and the hub fetches.
        log_tags: under which it logs beside its own name.
    """

    command: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1)]
    status: Annotated[int, msgspec.Meta(ge=0, le=255)] | Literal["any"] = 0
    results: tuple[str, ...] = ()
    log_tags: tuple[Tag, ...] = ()
    counters: tuple[Counter, ...] = ()
    success: tuple[Success, ...] = ()
    failures: tuple[FailureLine, ...] = ()

    @property
    def program(self) -> str | None:
        """The engine's program that it starts; None where it starts one of the phone's own."""
        return None if self.command[0].startswith("/") else self.command[0]

    @property
    def takes_prompts(self) -> bool:
        """Whether the command names the prompt file."""
        return any("prompts" in names_in(word) for word in self.command[1:])

    def problems(self) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        yield from self._command_problems()
        for number, name in enumerate(self.results):
            if not _RESULT_NAME.fullmatch(name) or name in _TAKEN_NAMES:
                yield f"results[{number}]", f"`{name}` is no name of a file in the launch's own folder"
        for place, pattern in self._patterns():
            yield from _regex_problems(f"{place}.regex", pattern)
            if "result" in pattern.streams and not self.results:
                yield f"{place}.streams", "searches result files, and `results` names none"
        for number, failure in enumerate(self.failures):
            if failure.cause in HUB_CAUSES:
                yield f"failures[{number}].cause", f"`{failure.cause}` is for the hub alone to say"

    def _patterns(self) -> Iterator[tuple[str, Counter | Success | FailureLine]]:
        yield from ((f"counters[{number}]", pattern) for number, pattern in enumerate(self.counters))
        yield from ((f"success[{number}]", pattern) for number, pattern in enumerate(self.success))
        yield from ((f"failures[{number}]", pattern) for number, pattern in enumerate(self.failures))

    def _command_problems(self) -> Iterator[tuple[str, str]]:
        first, *rest = self.command
        if "{" in first or "}" in first:
            yield "command[0]", "takes no placeholder; name a program of the engine or an absolute path"
        elif not first.startswith("/") and not _PROGRAM.fullmatch(first):
            yield "command[0]", "is neither the name of a program of the engine nor an absolute path"
        for number, word in enumerate(rest, 1):
            try:
                unknown = [name for name in names_in(word) if name not in PLACEHOLDERS]
            except ValueError as error:
                yield f"command[{number}]", f"{error}; a brace itself is written twice"
                continue
            for name in unknown:
                known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
                yield f"command[{number}]", f"`{{{name}}}` is no placeholder; there are {known}"


def names_in(word: str) -> list[str]:
    """The placeholders of a word of the command.

    Raises:
        ValueError: a brace that belongs to none.
    """
    names = []
    for _, name, form, conversion in string.Formatter().parse(word):
        if name is None:
            continue
        # "{config:>9}" and "{config!r}" are words of Python, not of a profile.
        names.append(name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else ""))
    return names


def _regex_problems(key: str, pattern: Counter | Success | FailureLine) -> Iterator[tuple[str, str]]:
    try:
        with warnings.catch_warnings():
            # Python warns of what it will read differently one day.
            warnings.simplefilter("error")
            groups = re.compile(pattern.regex).groupindex
    except (re.error, OverflowError, RecursionError, Warning) as error:
        yield key, f"is no regular expression: {error}"
        return
    if isinstance(pattern, Counter):
        yield from ((key, problem) for problem in _group_problems(groups))


def _group_problems(groups: Iterable[str]) -> Iterator[str]:
    names = list(groups)
    if not names:
        yield "has no named group; write (?P<decode_tok_s>...) around the figure"
    for name in names:
        if name not in COUNTERS:
            yield f"`{name}` is no counter; there are {', '.join(COUNTERS)}"
