r"""Pictures and sounds in prompts: found, counted, and pointed to where they lie on the phone.

A tag stands inside a prompt's line: `<img>PATH</img>`, `<img><hw>280, 420</hw>PATH</img>`,
`<audio>PATH</audio>` (MNN, docs/transformers/llm.md). The engine takes the path as it stands, relative to the
folder that it runs in.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TAG: Final = re.compile(rb"<(img|audio)>(?:<hw>[^<\n]*</hw>)?([^<\n]*)</\1>")
_URL: Final = re.compile(r"https?://")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")
_NEEDED: Final = {"img": ("is_visual", "pictures"), "audio": ("is_audio", "sounds")}


@dataclass(frozen=True)
class Tag:
    """One picture or sound in a prompt file.

    Attributes:
        kind: img or audio.
        path: as it stands between the tags.
        start: of the path, in bytes from the file's beginning; so is `end` of what follows it.
    """

    kind: str
    path: str
    start: int
    end: int

    @property
    def is_url(self) -> bool:
        """Whether the engine is to fetch it from the network."""
        return _URL.match(self.path) is not None


def find_tags(prompts: bytes) -> list[Tag]:
    """The tags of a prompt file, in their order; what only looks like one is text."""
    return [
        Tag(match[1].decode(), match[2].decode("utf-8", "surrogateescape"), match.start(2), match.end(2))
        for match in _TAG.finditer(prompts)
    ]


def count_kinds(tags: Sequence[Tag]) -> dict[str, int]:
    """How many there are of each kind that there is."""
    kinds = [tag.kind for tag in tags]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def check_media(
    tags: Sequence[Tag], *, llm_config: Mapping[str, Any], omni: bool | None, model: str, engine: str
) -> None:
    """Refuse what the model or the engine would read as text.

    Args:
        tags: of the prompts.
        llm_config: the model's.
        omni: whether the engine was built to read media; None where it is not known.
        model: its name, for messages.
        engine: likewise.

    Raises:
        InputError: says which of the two cannot, and the remedy.
    """
    for kind in count_kinds(tags):
        key, what = _NEEDED[kind]
        if not llm_config.get(key):
            raise InputError(
                f"model {model}",
                f"reads no {what}, and the prompt holds <{kind}>",
                remedy="use one that does",
            )
        if omni is False:
            raise InputError(
                f"engine {engine}",
                f"was built without media, and the prompt holds <{kind}>",
                remedy="build MNN with -DMNN_BUILD_LLM_OMNI=ON and add it again",
            )


def phone_name(tag: Tag, content: bytes) -> str:
    """What the file is called in the run's folder; equal contents share a name."""
    suffix = _SUFFIX.search(tag.path[max(tag.path.rfind("/"), tag.path.rfind(".")) :])
    return f"{tag.kind}-{hashlib.sha256(content).hexdigest()[:16]}{suffix[0] if suffix else ''}"


def rewrite(prompts: bytes, places: Mapping[str, str]) -> bytes:
    """Put each path's place on the phone in its stead; every other byte stays.

    Args:
        prompts: the prompt file.
        places: a path as it stands in a tag, to the absolute path on the phone; others stay as they are.
    """
    parts, done = [], 0
    for tag in find_tags(prompts):
        if tag.path in places:
            parts += [prompts[done : tag.start], places[tag.path].encode("utf-8", "surrogateescape")]
            done = tag.end
    return b"".join([*parts, prompts[done:]])
