"""What a cause of failure is, and how a line that proves it is recognised."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line that proves a cause.

    Attributes:
        needle: a part that every such line holds; a cheap first look.
        regex: what the line must hold; group `process` names the victim where the line does.
        engine_line: the engine prints exactly this, from column 0, and may do so while it generates.
        shell_line: a shell says it as a whole line, or glued to the end of the output, when the tool died.
    """

    needle: str
    regex: re.Pattern[str]
    engine_line: bool = False
    shell_line: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """One cause.

    Attributes:
        slug: its stable name.
        meaning: one sentence.
        remedy: what a person can do.
        patterns: lines that prove it.
    """

    slug: str
    meaning: str
    remedy: str
    patterns: tuple[Pattern, ...] = ()


def says(needle: str, regex: str | None = None) -> Pattern:
    """A line that holds the regex, or the needle where none is given."""
    return Pattern(needle, re.compile(regex if regex is not None else re.escape(needle)))


def engine(needle: str, regex: str) -> Pattern:
    """A line that the engine prints as it is, also while it generates."""
    return Pattern(needle, re.compile(regex), engine_line=True)


def shell(words: str) -> Pattern:
    """What a shell says about a program that a signal ended."""
    # "Segmentation fault (core dumped)", "[1] + Killed  ./llm_demo", "sh: line 1: 1234 Killed   ./llm_demo"
    regex = (
        r"^(?:[\w/.-]*sh: (?:line )?(?:\d+: *)?|\[\d+\]\s*[+-]?\s*)?(?:\d+ +)?"
        rf"{words}(?: +\(core dumped\))?(?: {{2,}}\S.*)?\s*$"
    )
    return Pattern(words[1:], re.compile(regex, re.IGNORECASE), shell_line=True)


def signal(name: str) -> Pattern:
    """What libc and debuggerd log about a signal."""
    # libc: "Fatal signal 11 (SIGSEGV), code 1, fault addr 0x0 in tid 7325 (llm_demo), pid 7325 (llm_demo)"
    # debuggerd: "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0"
    return says(f"({name})", rf"\bsignal \d+ \({name}\)(?:.*\((?P<process>[^()]*)\)\s*$)?")
