"""Spares the garbage collector what stays: it looks at all there is, while keys wait. Knows no Textual."""

from __future__ import annotations

import gc
from typing import Final

SETTLED_S: Final = 0.3
"""So long after many things came at once they are there to stay."""


def spare_imports() -> None:
    """Look no more through what the imports made."""
    gc.freeze()


def spare_all() -> None:
    """Look through everything once, then no more through what is left.

    With 5,000 phones a look costs 50 ms; Textual's strips are cycles, so that a look is due all the time.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
