"""What sampling costs: the share of its decode speed that a phone loses while it is sampled. Pure."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Final

from devicehub.runs.model import figure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Launch

COSTLY: Final = 0.01
"""A phone that loses a larger share gives its figures from launches that are not sampled."""
_FEWEST: Final = 2


def sampling_cost(launches: Sequence[Launch]) -> float | None:
    """The share of the decode speed that sampling takes, from launches with and without it in turn.

    Each two measured launches in a row of which one was sampled give a log ratio. Those where the sampled one
    came first and those where it came second are averaged apart, so that a steady drift cancels.

    Returns:
        0.02 for 2 %, below 0 where sampled launches were faster; None where fewer than two neighbours tell.
    """
    measured = [launch for launch in launches if launch.kind == "measured"]
    ratios: dict[bool, list[float]] = {}
    for first, second in pairwise(measured):
        speeds = _speed(first), _speed(second)
        if first.sampled == second.sampled or None in speeds:
            continue
        before, after = (math.log(speed) for speed in speeds if speed is not None)
        ratios.setdefault(first.sampled, []).append(before - after if first.sampled else after - before)
    if sum(map(len, ratios.values())) < _FEWEST:
        return None
    return 1 - math.exp(fmean(fmean(found) for found in ratios.values()))


def _speed(launch: Launch) -> float | None:
    """Its decode speed where that counts."""
    speed = figure_of(launch, "decode_tok_s")
    counts = launch.verdict == "succeeded" and not launch.cold and speed is not None and speed > 0
    return speed if counts else None
