"""Limits: what a campaign may demand of a figure, and how a person writes it. Pure."""

from __future__ import annotations

import math
import re
from typing import Final, cast, get_args

from devicehub.campaign.planned import LESS_IS_BETTER, SHARES, SPEEDS, Limit, LimitFigure
from devicehub.workloads.record import finite

_ABSOLUTE: Final = re.compile(r"(?P<figure>\S+?)\s*(?P<sign>>=|<=)\s*(?P<number>\S+?)\s*(?P<percent>%?)")
_RELATIVE: Final = re.compile(r"(?P<figure>\S+)\s+no\s+worse\s+than\s+(?P<number>\S+?)\s*(?P<percent>%?)")
_FIGURES: Final[tuple[LimitFigure, ...]] = get_args(LimitFigure)
_FORMS: Final = "`decode_tok_s >= 20` or `decode_tok_s no worse than 5 %`"


def parse_demand(text: str) -> Limit | str:
    """Read a demand: `FIGURE >= NUMBER`, `FIGURE <= NUMBER` or `FIGURE no worse than NUMBER %`.

    Returns:
        The limit, or what is wrong with the text, for a sentence that names its place.
    """
    plain = text.strip()
    relative = _RELATIVE.fullmatch(plain)
    match = relative or _ABSOLUTE.fullmatch(plain)
    if match is None:
        return f"{text!r} is no demand: write it as {_FORMS}"
    if match["figure"] not in _FIGURES:
        return f"there is no figure {match['figure']!r} to set a limit to: it is one of {', '.join(_FIGURES)}"
    figure = cast("LimitFigure", match["figure"])
    number = finite(match["number"])
    if number is None:
        return f"{match['number']!r} is no number: write the demand as {_FORMS}"
    is_percent = match["percent"] == "%"
    if relative is not None:
        return _relative(plain, figure, number, is_percent=is_percent)
    return _absolute(plain, figure, match["sign"], number, is_percent=is_percent)


def _relative(text: str, figure: LimitFigure, number: float, *, is_percent: bool) -> Limit | str:
    if figure not in SPEEDS:
        return (
            f"{figure} cannot be held against the baseline, since not every launch has one of its own: "
            f"give it a bound, or take one of {', '.join(SPEEDS)}"
        )
    if not is_percent:
        return f"write by how many percent it may be worse: `{figure} no worse than {number:g} %`"
    if not 0 < number < 100:
        return f"{figure} may be worse by more than 0 and less than 100 percent, not by {number:g}"
    return Limit(text=text, figure=figure, worse_by=number / 100)


def _absolute(text: str, figure: LimitFigure, sign: str, number: float, *, is_percent: bool) -> Limit | str:
    right = "<=" if figure in LESS_IS_BETTER else ">="
    if sign != right:
        better = "lower" if figure in LESS_IS_BETTER else "higher"
        return f"{figure} is the better the {better} it is: write `{figure} {right} {number:g}`"
    if figure not in SHARES:
        if is_percent:
            return f"{figure} is no share: write its bound without a percent sign"
        if number <= 0:
            return f"a bound of {figure} is above 0, not {number:g}"
        return Limit(text=text, figure=figure, bound=number)
    share = number / 100 if is_percent else number
    if not 0 <= share <= 1:
        return f"{figure} is a share: write a bound from 0 to 1, or from 0 to 100 %, not {number:g}"
    return Limit(text=text, figure=figure, bound=share)


def worst_log(limit: Limit) -> float:
    """The logarithm of the worst ratio to the baseline that a relative limit allows, less being worse.

    Where less of a figure is better, its ratio is turned over: so the same holds for all.
    """
    assert limit.worse_by is not None
    if limit.figure in LESS_IS_BETTER:
        return -math.log1p(limit.worse_by)
    return math.log1p(-limit.worse_by)


def keeps(limit: Limit, value: float) -> bool:
    """Whether a value is within an absolute limit."""
    assert limit.bound is not None
    return value <= limit.bound if limit.figure in LESS_IS_BETTER else value >= limit.bound
