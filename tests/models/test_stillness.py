"""When a folder that somebody fills has come to rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from devicehub.models.stillness import Stillness, names_what_comes

ROOT = Path("/models/tiny")
HALF = (("llm.mnn", 5, 1, 1), ("llm.mnn.weight", 100, 2, 2))
WHOLE = (("llm.mnn", 5, 1, 1), ("llm.mnn.weight", 200, 3, 3))


def test_folder_that_grows_is_never_still() -> None:
    stillness = Stillness()
    for second in range(10):
        stillness.see({ROOT: (("llm.mnn.weight", second, second, second),)}, now_s=second)
        assert stillness.still(now_s=second, for_s=0.5) == {}


def test_folder_is_still_from_its_last_change_on() -> None:
    stillness = Stillness()
    stillness.see({ROOT: HALF}, now_s=0)
    stillness.see({ROOT: WHOLE}, now_s=1)
    stillness.see({ROOT: WHOLE}, now_s=1.5)
    assert stillness.since_s(ROOT) == 1
    assert stillness.still(now_s=1.5, for_s=1) == {}
    assert stillness.still(now_s=2, for_s=1) == {ROOT: WHOLE}


def test_content_that_was_replaced_in_the_same_size_counts_as_a_change() -> None:
    stillness = Stillness()
    stillness.see({ROOT: WHOLE}, now_s=0)
    stillness.see({ROOT: (WHOLE[0], ("llm.mnn.weight", 200, 3, 4))}, now_s=5)
    assert stillness.still(now_s=5, for_s=1) == {}


def test_folder_that_went_and_came_back_begins_anew() -> None:
    stillness = Stillness()
    stillness.see({ROOT: WHOLE}, now_s=0)
    stillness.see({}, now_s=1)
    assert (list(stillness.paths()), stillness.since_s(ROOT)) == ([], None)
    stillness.see({ROOT: WHOLE}, now_s=2)
    assert stillness.still(now_s=2.1, for_s=1) == {}


@pytest.mark.parametrize(
    "path", ["visual/.visual.mnn.Xk3d9Q", "llm.mnn.weight.incomplete", "a.PART", "x.aria2", "b.crdownload"]
)
def test_name_of_a_transfer_under_way_keeps_it_from_being_still(path: str) -> None:
    stillness = Stillness()
    stillness.see({ROOT: (*WHOLE, (path, 1, 1, 1))}, now_s=0)
    assert stillness.still(now_s=60, for_s=1) == {}


@pytest.mark.parametrize("path", ["llm.mnn", ".gitattributes", ".devicehub-pull.json", "part/one.mnn"])
def test_ordinary_names_are_not_taken_for_transfers(path: str) -> None:
    assert not names_what_comes(path)
