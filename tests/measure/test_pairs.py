"""Which launches form pairs, and which are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from devicehub.measure.compare import compare_records
from devicehub.measure.pairs import chosen, interleaved, make_pairs
from devicehub.runs.model import ComparisonRef, RunRecord, summarize
from tests.measure.halves import abba, half, halves, launch, steps_of


def _halves(pairs: int = 3, *, by: str = "engine") -> tuple[RunRecord, RunRecord]:
    return halves([{"decode_tok_s": 20.0 + place} for place in range(2 * pairs)], by=by)


def _change(run: RunRecord, order: int, **changed: Any) -> RunRecord:
    """The run with one launch of the list changed."""
    return replace(
        run, launches=[replace(item, **changed) if item.order == order else item for item in run.launches]
    )


def _without(run: RunRecord, order: int) -> RunRecord:
    return replace(run, launches=[item for item in run.launches if item.order != order])


def _places(a: RunRecord, b: RunRecord) -> list[tuple[int, int]]:
    return [(pair.a.order, pair.b.order) for pair in make_pairs(a, b)]


def test_neighbours_of_abba_form_pairs() -> None:
    # The list begins with two warm-ups; A, B, B, A, A, B.
    assert _places(*_halves()) == [(3, 4), (6, 5), (7, 8)]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"verdict": "failed", "cause": "segfault", "records": []},
        {"verdict": "incomplete"},
        {"cold": True},
        {"doubts": ["the log has holes"]},
    ],
)
def test_launch_that_does_not_count_leaves_its_neighbour_alone(spoilt: dict[str, Any]) -> None:
    a, b = _halves()
    b = _change(b, 5, **spoilt)
    assert _places(a, b) == [(3, 4), (7, 8)]
    left_out = compare_records(a, b).left_out
    assert left_out[0] == "launch 3 of A: its neighbour is missing"
    assert left_out[1].startswith("launch 3 of B: ")


def test_list_that_was_cut_short_gives_its_complete_pairs() -> None:
    a, b = _halves()
    assert _places(_without(_without(a, 7), 6), _without(b, 8)) == [(3, 4)]


@pytest.mark.parametrize("missing", range(3, 9))
def test_a_missing_launch_never_lets_others_slip_into_its_place(missing: int) -> None:
    a, b = _halves()
    found = _places(_without(a, missing), _without(b, missing))
    assert len(found) == 2
    assert set(found) < {(3, 4), (6, 5), (7, 8)}


def test_pair_without_the_figure_counts_for_the_others_only() -> None:
    a, b = halves([{"decode_tok_s": 20.0 + place, "load_ms": 900.0 + place} for place in range(6)])
    rows = [replace(b.launches[1].records[0], load_ms=None)]
    found = compare_records(a, _change(b, 4, records=rows)).figures
    assert (found["decode_tok_s"].pairs, found["load_ms"].pairs) == (3, 2)
    assert "prefill_tok_s" not in found


def test_phones_are_paired_in_the_order_of_their_launches() -> None:
    steps = steps_of([0, 0, 0])
    ours = [launch(place, place + 4, decode_tok_s=20.0) for place in (1, 2, 3)]
    # Its fixture was known, so its list is shorter; its second launch failed.
    theirs = [launch(place, place + 1, decode_tok_s=19.0) for place in (1, 2, 3)]
    theirs[1] = replace(theirs[1], verdict="failed", cause="segfault", records=[])
    a, b = half(ours, 0, steps, by="phone"), half(theirs, 1, steps, by="phone")
    pairs = make_pairs(a, b)
    assert [(pair.a.number, pair.b.number, pair.places) for pair in pairs] == [(1, 1, (1, 1)), (3, 3, (3, 3))]


@pytest.mark.parametrize(
    "other",
    [
        None,
        ComparisonRef(id="another", by="engine", arm="B", other="a"),
        ComparisonRef(id="c", by="engine", arm="B", other="not a"),
        ComparisonRef(id="c", by="engine", arm="A", other="a"),
    ],
)
def test_only_the_two_halves_of_one_comparison_are_interleaved(other: ComparisonRef | None) -> None:
    a, b = _halves()
    assert interleaved(a, b)
    assert not interleaved(a, replace(b, comparison=other))
    assert not interleaved(a, a)


def test_warm_launches_are_chosen_and_cold_ones_where_there_are_no_others() -> None:
    a, _ = _halves()
    mixed = _change(_change(a, 3, cold=True), 6, cold=False)
    assert [item.order for item in chosen(mixed)] == [6, 7]
    cold = replace(a, launches=[replace(item, cold=True) for item in a.launches])
    assert [item.order for item in chosen(cold)] == [3, 6, 7]


def test_launches_with_sampling_are_left_where_the_summary_leaves_them() -> None:
    a, _ = _halves()
    a = _change(a, 6, sampled=False)
    assert [item.order for item in chosen(a)] == [3, 6, 7]
    a = replace(a, summary=summarize(a.launches, unsampled=True))
    assert [item.order for item in chosen(a)] == [6]


def test_many_pairs_need_no_more_than_the_list() -> None:
    a, b = _halves(20)
    assert len(abba(20)) == 40
    assert len(make_pairs(a, b)) == 20
