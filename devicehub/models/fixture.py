"""A model's fixture: what it must answer. Pure."""

from __future__ import annotations

import codecs
import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

ANSWER_TOKENS: Final = 32
"""How long an answer to a fixture's prompt may be, here and on a phone."""

if TYPE_CHECKING:
    from collections.abc import Iterable


UNCHECKED: Final = "unchecked"
CHECKED: Final = "checked"
"""The model's logits were compared with those of what it was exported from."""


class FixturePrompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt and its answer on the host.

    Attributes:
        pieces: the greedy tokens' texts in order, whole characters each.
        ended: the answer ends with the last piece.
    """

    prompt: str
    pieces: tuple[str, ...]
    ended: bool = False


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answers greedily on the host.

    Attributes:
        model_id: the manifest id of the content that answered.
        engine: name and version of what answered, as in `MNN 3.6.1`.
        source: whether the model was held against what it was exported from.
    """

    model_id: str
    engine: str
    prompts: tuple[FixturePrompt, ...]
    source: str = UNCHECKED

    @property
    def digest(self) -> str:
        """SHA-256 over prompts and answers, in hex: equal questions with equal answers have equal digests."""
        return hashlib.sha256(msgspec.json.encode(self.prompts)).hexdigest()


class NoFixture(msgspec.Struct, frozen=True, kw_only=True):
    """Why a model has no fixture, in a sentence without its full stop."""

    reason: str


def merge_tokens(tokens: Iterable[bytes], *, ended: bool = False) -> tuple[str, ...]:
    """The pieces that tokens make: of whole characters each, never empty, together the text as it is read.

    A character that several tokens make belongs to the last of them; one that a cut leaves unfinished is left
    out. Bytes that are no UTF-8 become replacement characters, as in what is read of a phone.

    Args:
        tokens: the texts of the tokens in UTF-8.
        ended: nothing was cut: the answer ends with them.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces = [decoder.decode(token) for token in tokens]
    if ended:
        pieces.append(decoder.decode(b"", final=True))
    return tuple(filter(None, pieces))
