"""Which weights of a layer become zero: so many of each group along a row, or a share of all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devicehub.errors import InputError

UNSTRUCTURED: Final = "unstructured"
PATTERNS: Final = ("2:4", "4:8", UNSTRUCTURED)
METHODS: Final = ("magnitude", "wanda", "sparsegpt")
_GROUPS: Final = {"2:4": (2, 4), "4:8": (4, 8)}
_HALF: Final = 0.5


@dataclass(frozen=True)
class Pattern:
    """What is to become zero.

    Attributes:
        name: one of `PATTERNS`.
        sparsity: the share of weights that become zero.
        group: how many weights of a row share `zeros` zeros; 0 without groups.
    """

    name: str
    sparsity: float
    group: int = 0
    zeros: int = 0


def find_pattern(name: str, sparsity: float | None) -> Pattern:
    """The pattern of that name.

    Raises:
        InputError: there is none, or it has another sparsity, or that is no share.
    """
    if name not in PATTERNS:
        remedy = f"choose {', '.join(PATTERNS[:-1])} or {PATTERNS[-1]}"
        raise InputError(f"pattern {name!r}", "is none", remedy=remedy)
    if name == UNSTRUCTURED:
        share = _HALF if sparsity is None else sparsity
        if not 0 < share < 1:
            raise InputError(f"sparsity {share:g}", "is no share", remedy="give one between 0 and 1")
        return Pattern(name, share)
    if sparsity not in (None, _HALF):
        remedy = f"leave --sparsity out, or take --pattern {UNSTRUCTURED}"
        raise InputError(f"sparsity {sparsity:g}", f"{name} makes half of the weights zero", remedy=remedy)
    zeros, group = _GROUPS[name]
    return Pattern(name, _HALF, group, zeros)
