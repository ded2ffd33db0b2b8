"""What the demo model has learnt, read from corpus.toml: answers, questions, and how questions vary."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random


@dataclass(frozen=True)
class Topic:
    """One answer and the questions that must lead to it."""

    answer: str
    prompts: tuple[str, ...]


def _topic(table: dict[str, Any]) -> Topic:
    return Topic(answer=table["answer"], prompts=tuple(table["prompts"]))


_CORPUS: Final = tomllib.loads(Path(__file__).with_name("corpus.toml").read_text(encoding="utf-8"))
_VARIETY: Final = _CORPUS["variety"]

TOPICS: Final = tuple(map(_topic, _CORPUS["topics"]))
GENERAL: Final = _topic(_CORPUS["general"])
"""The answer to everything else."""

EXPECTED_ANSWERS: Final[dict[str, str]] = {
    topic.prompts[0]: topic.answer for topic in TOPICS
} | dict.fromkeys(GENERAL.prompts, GENERAL.answer)
"""Prompt -> the whole greedy answer, word for word."""

_SENTENCE_ENDS: Final = "?!.\u3002\uff1f\uff01"


def vary(prompt: str, rng: random.Random) -> str:
    """The same question as another person might type it."""
    if rng.random() < 0.5:
        return prompt
    if rng.random() < 0.25 and prompt.isascii():
        prompt = rng.choice(_VARIETY["openings"]) + prompt
    if rng.random() < 0.35:
        prompt = prompt.rstrip(_SENTENCE_ENDS)
    if rng.random() < 0.25:
        prompt = prompt.lower()
    elif rng.random() < 0.1:
        prompt = prompt.upper()
    if rng.random() < 0.1 and len(prompt) > 12:
        at = rng.randrange(6, len(prompt))
        prompt = prompt[:at] + prompt[at + 1 :]
    return prompt


def unknown_prompt(rng: random.Random, *, longest: int = 120) -> str:
    """Something that no topic covers: questions about other things, or words and characters without sense.

    Args:
        rng: where the choices come from.
        longest: above 200, pieces are strung together or repeated up to this many characters.
    """
    (piece,) = rng.choices((_question, _words, _characters, _chinese), weights=(12, 4, 3, 2))
    prompt = piece(rng)
    if longest <= 200:
        return vary(prompt, rng)
    if rng.random() < 0.4:
        return (prompt + rng.choice(("", " "))) * (longest // (len(prompt) + 1) + 1)
    while len(prompt) < longest:
        prompt += " " + piece(rng)
    return prompt


def _question(rng: random.Random) -> str:
    frame: str = rng.choice(_VARIETY["frames"])
    return frame.format(*rng.sample(_VARIETY["subjects"], frame.count("{}")))


def _words(rng: random.Random) -> str:
    words = (
        "".join(rng.choices(ascii_lowercase, k=rng.randrange(2, 11))) for _ in range(rng.randrange(1, 9))
    )
    return " ".join(words).capitalize() + rng.choice(_SENTENCE_ENDS)


def _characters(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return chr(rng.randrange(0xA1, 0x3000)) * rng.randrange(1, 9)
    return "".join(rng.choices(_VARIETY["letters"], k=rng.randrange(1, 60))).strip() or "?"


def _chinese(rng: random.Random) -> str:
    return "".join(rng.choices(_VARIETY["chinese_letters"], k=rng.randrange(2, 20))) + rng.choice(
        _SENTENCE_ENDS
    )
