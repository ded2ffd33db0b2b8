"""Patterns of pruning as a user names them."""

from __future__ import annotations

import pytest

from devicehub.errors import InputError
from devicehub.export.prune.pattern import Pattern, find_pattern


@pytest.mark.parametrize(
    ("name", "sparsity", "pattern"),
    [
        ("2:4", None, Pattern("2:4", 0.5, 4, 2)),
        ("4:8", 0.5, Pattern("4:8", 0.5, 8, 4)),
        ("unstructured", None, Pattern("unstructured", 0.5)),
        ("unstructured", 0.7, Pattern("unstructured", 0.7)),
    ],
)
def test_pattern_is_found(name: str, sparsity: float | None, pattern: Pattern) -> None:
    assert find_pattern(name, sparsity) == pattern


@pytest.mark.parametrize(
    ("name", "sparsity", "sentence"),
    [
        ("2:5", None, "choose 2:4, 4:8 or unstructured"),
        ("2:4", 0.7, "makes half of the weights zero"),
        ("unstructured", 1.0, "is no share"),
        ("unstructured", 0.0, "is no share"),
        ("unstructured", float("nan"), "is no share"),
    ],
)
def test_what_is_none_is_refused_with_the_way_out(name: str, sparsity: float | None, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        find_pattern(name, sparsity)
