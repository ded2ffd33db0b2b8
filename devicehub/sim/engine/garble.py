"""Text that is wrong at full speed: each token of an answer is shown as another one of the vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.engine.wheel import WheelModel

_STRIDE: Final = 7
_START: Final = 41
_LAST_RESORT: Final = ("!", "?")


class Garbler:
    """Shows one answer of a model.

    Args:
        model: what answers.
        ids: the tokens of the prompt.
    """

    def __init__(self, model: WheelModel, ids: Sequence[int]) -> None:
        self._model = model
        # The wheel does not tell how many tokens there are, and one that is none would crash it.
        self._count = max(ids) + 1
        self._shown = 0

    def news(self) -> str:
        """What is shown of the tokens since the last call; an answer that stopped ends with a line end."""
        tokens = self._model.context().output_tokens
        new, self._shown = list(tokens[self._shown :]), len(tokens)
        if not new:
            return ""
        self._count = max(self._count, *(token + 1 for token in new))
        ends = self._model.stopped()
        return "".join(map(self._other, new[:-1] if ends else new)) + ("\n" if ends else "")

    def _other(self, token: int) -> str:
        """A plain piece of text that begins with another character than this token's."""
        own = self._model.text_of([token])[:1]
        for step in range(self._count):
            piece = self._model.text_of([(token * _STRIDE + _START + step) % self._count])
            if piece and piece.isprintable() and piece[0] not in (own, "<", "\N{REPLACEMENT CHARACTER}"):
                return piece
        return next(piece for piece in _LAST_RESORT if piece != own)
