"""What is asked about logits, what is answered, and when an export is near enough to its source."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Final

import msgspec

LOWEST: Final = 0.8
"""No position of a right export of those tried was below it; at wrong ones most are."""
_MEAN_8_BITS: Final = 0.999
_MEAN_4_BITS: Final = 0.9
_POSITIONS: Final = 32
_STRIDE: Final = 7919
"""A prime: ids from all over the vocabulary, none twice."""
_PLAIN_SHARE: Final = 0.9
"""Special tokens, for which some models want an image or a sound, stand at the end of the vocabulary."""


class LogitsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked.

    Attributes:
        model: the checkpoint's folder, or the path of an export's config.json.
        exported: which of the two.
        ids: the tokens of the prefill.
        logits: the file that the source's logits are written to and read from.
        scratch: a folder for what the engine writes.
        adapter: the folder of a LoRA that belongs to the source; empty where none does.
    """

    model: str
    exported: bool
    ids: tuple[int, ...]
    logits: str
    scratch: str
    adapter: str = ""


class LogitsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the child answers; of an export the cosine at every position, or why there is none."""

    cosines: list[float] = []
    error: str = ""


@dataclass(frozen=True)
class Fidelity:
    """How near the logits of an export are to those of its source."""

    mean: float
    lowest: float
    positions: int

    def problem(self, quant_bit: int) -> str:
        """Why that is too far at a width of weights in bits; empty where it is near enough."""
        least = _MEAN_8_BITS if quant_bit >= 8 else _MEAN_4_BITS
        if self.mean < least:
            text = f"the mean cosine of its logits with the source's is {self.mean:.4f}"
            return f"{text}, and at {quant_bit} bits at least {least} is expected"
        if self.lowest < LOWEST:
            text = f"at one of {self.positions} positions the cosine of its logits with the source's is"
            return f"{text} {self.lowest:.4f}, and below {LOWEST} no right export falls"
        return ""


def fidelity(cosines: list[float]) -> Fidelity:
    """Sum up the cosines of all positions, of which there is at least one."""
    return Fidelity(mean=fmean(cosines), lowest=min(cosines), positions=len(cosines))


def probe_ids(vocab: int) -> tuple[int, ...]:
    """The tokens that every export of a vocabulary is asked about."""
    plain = max(1, int(vocab * _PLAIN_SHARE))
    return tuple((7 + _STRIDE * place) % plain for place in range(_POSITIONS))
