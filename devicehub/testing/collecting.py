"""Which phones a test is for, from its markers, while tests are collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from devicehub.device.select import check_selector
from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _pytest.mark import ParameterSet

    from devicehub.testing.session import PhoneSession

NO_FLEET: Final = "?no fleet"
"""Stands for the phone of a test when the phones are not known; no phone is called so."""


def read_markers(test: str, markers: Sequence[pytest.Mark]) -> list[tuple[str, ...]]:
    """The groups of selectors, one a marker, each of which the phones must match.

    Raises:
        InputError: a marker has something else than selectors.
        SelectionError: one of its selectors is bad.
    """
    demands = []
    for marker in markers:
        shown = ", ".join(
            [*map(repr, marker.args), *(f"{key}={value!r}" for key, value in marker.kwargs.items())]
        )
        place = f"{test}: phone({shown})"
        if marker.kwargs or not all(isinstance(word, str) and word.strip() for word in marker.args):
            remedy = 'write phone("vendor=mediatek,android>=14")'
            raise InputError(place, "takes selectors as texts alone", remedy=remedy)
        for selector in marker.args:
            check_selector(selector, place=f"{place}:")
        demands.append(tuple(marker.args))
    return demands


def parameters(session: PhoneSession, demands: Sequence[tuple[str, ...]]) -> list[ParameterSet]:
    """What a test that demands this is repeated over: names of phones, or one with the reason to skip it.

    Where the phones are not known each test that wants one fails, and tests that want none run.
    """
    if session.problem is not None:
        return [pytest.param(NO_FLEET, id="no-fleet")]
    fleet = session.fleet()
    phones = fleet.matching_all(demands)
    if not phones:
        reason = fleet.why_none(demands)
        return [pytest.param(NO_FLEET, id="no-phone", marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(phone.name, id=phone.name) for phone in phones]
