"""What a client does about a hub of another version. Pure."""

from __future__ import annotations

import re
from enum import Enum, auto, unique
from typing import Final

_NUMBER: Final = re.compile(r"\d+")


@unique
class Meeting(Enum):
    """How a client's version stands to a hub's."""

    SAME = auto()
    CLIENT_NEWER = auto()
    """It replaces the hub when that has nothing to do."""
    CLIENT_OLDER = auto()
    """It has to be upgraded."""


def meet(client: str, hub: str) -> Meeting:
    """Compare two versions by their release numbers, `1.2` as `1.2.0`.

    Versions that differ in what follows the release alone are of one release, the longer one the older:
    `1.2.dev3` comes before `1.2`; between two of these the text decides.
    """
    if client == hub:
        return Meeting.SAME
    mine, theirs = _key(client), _key(hub)
    if mine == theirs:
        return Meeting.SAME
    return Meeting.CLIENT_NEWER if mine > theirs else Meeting.CLIENT_OLDER


def _key(version: str) -> tuple[tuple[int, ...], bool, list[tuple[int, str]]]:
    release = re.match(r"v?(\d+(?:\.\d+)*)", version)
    numbers = [int(number) for number in _NUMBER.findall(release.group(0))] if release else []
    rest = version[release.end() :] if release else version
    while numbers and numbers[-1] == 0:
        numbers.pop()
    after = rest.startswith((".post", "+", "-post"))
    words = [(int(word) if word.isdigit() else -1, word) for word in re.findall(r"\d+|[a-z]+", rest)]
    return tuple(numbers), not rest or after, words
