from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicehub.runs.schedule import (
    WARM_PATIENCE_S,
    Assignment,
    FreePhone,
    Waiting,
    held_back,
    in_order,
    kept_free,
    schedule,
)

if TYPE_CHECKING:
    from random import Random

PHONES = "PQRS"


def entry(name: str, *places: str, number: int | None = None, limit: int | None = None) -> Waiting:
    """`a2` is the second entry of client a; a place is the phones that will do, one letter each."""
    sets = tuple(frozenset(place) for place in places)
    return Waiting(name, number or int(name[1:]), name[0], sets, start_below_mc=limit)


def free(*names: str) -> list[FreePhone]:
    """`P` is a phone, `P38` one of 38 degrees."""
    return [FreePhone(name[0], int(name[1:]) * 1000 if name[1:] else None) for name in names]


def begun(
    waiting: list[Waiting], phones: list[FreePhone], now: float = 0.0, **served: float
) -> dict[str, str]:
    """What each entry is given; `aP=3` says when client a had phone P last."""
    past = {(name[0], name[1]): moment for name, moment in served.items()}
    chosen = schedule(waiting, phones, now=now, served=past)
    return {assignment.id: "".join(assignment.phones) for assignment in chosen}


def test_nothing_waits_or_nothing_is_free() -> None:
    assert begun([], free("P")) == begun([entry("a1", "P")], []) == {}


def test_phone_takes_one_run_at_a_time_in_the_order_of_submission() -> None:
    assert begun([entry("a2", "P"), entry("a1", "P")], free("P")) == {"a1": "P"}


def test_run_for_a_phone_in_use_holds_up_no_other() -> None:
    assert begun([entry("a1", "Q"), entry("a2", "P")], free("P")) == {"a2": "P"}


def test_entry_that_no_phone_is_there_for_holds_up_no_other() -> None:
    assert begun([entry("a1", ""), entry("a2", "P")], free("P")) == {"a2": "P"}


def test_client_that_the_phone_served_longest_ago_goes_first() -> None:
    waiting = [entry("a1", "P"), entry("b2", "P"), entry("c3", "P")]
    assert begun(waiting, free("P"), aP=2, bP=1, cP=3) == {"b2": "P"}
    assert begun(waiting, free("P"), aP=2, bP=1) == {"c3": "P"}


def test_client_served_by_other_phones_comes_after_one_that_nobody_served() -> None:
    assert begun([entry("a1", "P"), entry("b2", "P")], free("P"), aQ=5) == {"b2": "P"}


def test_phones_that_are_free_at_once_are_shared_out() -> None:
    waiting = [entry(f"a{n}", "PQRS") for n in range(1, 9)] + [entry(f"b{n}", "PQRS") for n in range(9, 12)]
    assert set(begun(waiting, free(*PHONES))) == {"a1", "b9", "a2", "b10"}


def test_run_that_any_phone_will_do_for_leaves_the_one_that_another_needs() -> None:
    assert begun([entry("a1", "PQ"), entry("b2", "P")], free("P", "Q")) == {"a1": "Q", "b2": "P"}


def test_run_that_any_phone_will_do_for_takes_the_coolest() -> None:
    assert begun([entry("a1", "PQR")], free("P38", "Q31", "R")) == {"a1": "Q"}


# Start temperature


def test_warm_phone_is_passed_over_and_goes_to_another_run() -> None:
    waiting = [entry("a1", "P", limit=35_000), entry("a2", "P")]
    assert begun(waiting, free("P41")) == {"a2": "P"}
    assert begun(waiting[:1], free("P41")) == {}
    assert begun(waiting[:1], free("P35")) == {}
    assert begun(waiting[:1], free("P34")) == {"a1": "P"}


def test_phone_that_tells_no_temperature_is_not_warm() -> None:
    assert begun([entry("a1", "P", limit=35_000)], free("P")) == {"a1": "P"}


def test_run_takes_the_cool_one_of_several() -> None:
    assert begun([entry("a1", "PQ", limit=35_000)], free("P41", "Q30")) == {"a1": "Q"}


def test_after_ten_minutes_its_own_gate_decides() -> None:
    warm = entry("a1", "P", limit=35_000)
    assert held_back([warm], free("P41"), now=0.0) == {"a1"}
    warm = replace(warm, held_back_s=0.0)
    assert begun([warm], free("P41"), now=WARM_PATIENCE_S - 1) == {}
    assert begun([warm], free("P41"), now=WARM_PATIENCE_S) == {"a1": "P"}
    assert held_back([warm], free("P41"), now=WARM_PATIENCE_S) == set()


def test_only_who_finds_a_free_phone_too_warm_is_held_back() -> None:
    cases = {
        "phone in use": (entry("a1", "Q", limit=35_000), free("P41")),
        "no phone": (entry("a1", "", limit=35_000), free("P41")),
        "a cool one": (entry("a1", "PQ", limit=35_000), free("P41", "Q30")),
        "no limit": (entry("a1", "P"), free("P41")),
    }
    for name, (waiting, phones) in cases.items():
        assert held_back([waiting], phones, now=0.0) == set(), name


# Two phones at once


def test_comparison_of_phones_begins_on_both_or_on_neither() -> None:
    assert begun([entry("a1", "P", "Q")], free("P", "Q")) == {"a1": "PQ"}
    assert begun([entry("a1", "P", "Q")], free("P")) == {}
    assert begun([entry("a1", "PQ", "PQ")], free("P")) == {}
    assert begun([entry("a1", "PQ", "P")], free("P", "Q")) == {"a1": "QP"}


def test_phone_is_kept_free_for_a_comparison_whose_other_phone_is_in_use() -> None:
    waiting = [entry("a1", "P", "Q"), entry("b2", "P"), entry("b3", "R")]
    assert begun(waiting, free("P", "R")) == {"b3": "R"}
    assert kept_free(waiting, free("P", "R"), now=0.0, served={}) == {"P": "a1"}


def test_no_phone_is_kept_free_where_the_other_is_away_or_too_warm() -> None:
    assert begun([entry("a1", "P", ""), entry("b2", "P")], free("P")) == {"b2": "P"}
    warm = entry("a1", "P", "Q", limit=35_000)
    assert begun([warm, entry("b2", "P")], free("P30", "Q41")) == {"b2": "P"}
    assert held_back([warm], free("P30", "Q41"), now=0.0) == {"a1"}


def test_comparison_waits_its_turn_for_the_phone_that_is_kept() -> None:
    assert begun([entry("a1", "P", "Q"), entry("b2", "P")], free("P"), aP=1) == {"b2": "P"}


def test_client_keeps_one_phone_free_at_most() -> None:
    waiting = [entry("a1", "P", "Q"), entry("a2", "R", "Q"), entry("b3", "PR")]
    assert begun(waiting, free("P", "R")) == {"b3": "R"}


def test_comparison_of_phones_begins_among_runs_that_never_cease() -> None:
    """Phones P and Q end their runs in turn, never together; who has run there waits for the next one."""
    served: dict[tuple[str, str], float] = {}
    pair, kept = entry("a1", "P", "Q"), set[str]()
    for moment in range(6):
        others = [entry("b1", "P", number=1000 + moment), entry("c1", "Q", number=2000 + moment)]
        idle = {"PQ"[moment % 2], *kept}
        chosen = schedule([pair, *others], free(*idle), now=moment, served=served)
        if Assignment("a1", ("P", "Q")) in chosen:
            return
        kept = idle - {assignment.phones[0] for assignment in chosen}
        for assignment in chosen:
            served[assignment.id[0], assignment.phones[0]] = moment + 1.0
    pytest.fail("it never began")


# The order shown


def test_clients_take_turns_in_the_order_shown() -> None:
    waiting = [entry("a1", "P"), entry("a2", "P"), entry("a3", ""), entry("b4", "P"), entry("b5", "Q")]
    assert [each.id for each in in_order(waiting, {})] == ["a1", "b4", "a2", "b5", "a3"]
    assert [each.id for each in in_order(waiting, {("a", "P"): 1.0})] == ["b4", "a1", "b5", "a2", "a3"]


# Whatever the order of what is given

_ENTRIES = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.lists(st.frozensets(st.sampled_from(PHONES)), min_size=1, max_size=2),
        st.sampled_from([None, 30_000, 40_000]),
        st.sampled_from([None, 0.0, 900.0]),
    ),
    max_size=8,
).map(
    lambda rows: [
        Waiting(f"{client}{number}", number, client, tuple(places), limit, held)
        for number, (client, places, limit, held) in enumerate(rows, start=1)
    ]
)
_FREE = st.dictionaries(st.sampled_from(PHONES), st.sampled_from([None, 25_000, 35_000, 45_000])).map(
    lambda temps: [FreePhone(key, temp) for key, temp in temps.items()]
)
_SERVED = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from(PHONES)), st.integers(0, 5).map(float)
)


@given(waiting=_ENTRIES, phones=_FREE, served=_SERVED, data=st.data())
def test_order_of_the_arguments_changes_nothing(
    waiting: list[Waiting],
    phones: list[FreePhone],
    served: dict[tuple[str, str], float],
    data: st.DataObject,
) -> None:
    chosen = schedule(waiting, phones, now=1000.0, served=served)
    mixed = data.draw(st.permutations(waiting)), data.draw(st.permutations(phones))
    past = dict(data.draw(st.permutations(list(served.items()))))
    assert schedule(*mixed, now=1000.0, served=past) == chosen
    assert in_order(mixed[0], past) == in_order(waiting, served)
    assert kept_free(*mixed, now=1000.0, served=past) == kept_free(waiting, phones, now=1000.0, served=served)


@given(waiting=_ENTRIES, phones=_FREE, served=_SERVED)
def test_whatever_is_asked_no_phone_is_given_twice_and_none_that_will_not_do(
    waiting: list[Waiting], phones: list[FreePhone], served: dict[tuple[str, str], float]
) -> None:
    chosen = schedule(waiting, phones, now=1000.0, served=served)
    entries, temps = {each.id: each for each in waiting}, {phone.key: phone.temp_mc for phone in phones}
    given_out = [key for assignment in chosen for key in assignment.phones]
    assert len(set(given_out)) == len(given_out)
    assert len({assignment.id for assignment in chosen}) == len(chosen)
    for assignment in chosen:
        one = entries[assignment.id]
        assert len(assignment.phones) == len(one.places)
        for key, place in zip(assignment.phones, one.places, strict=True):
            assert key in place
            given_up = one.held_back_s is not None and 1000.0 - one.held_back_s >= WARM_PATIENCE_S
            temp_mc, limit = temps[key], one.start_below_mc
            assert limit is None or temp_mc is None or temp_mc < limit or given_up
    # Nobody waits for a phone that is left over.
    kept = kept_free(waiting, phones, now=1000.0, served=served)
    left = [phone for phone in phones if phone.key not in {*given_out, *kept}]
    rest = [each for each in waiting if each.id not in {assignment.id for assignment in chosen}]
    assert schedule([each for each in rest if len(each.places) == 1], left, now=1000.0, served=served) == []


def test_all_orders_of_a_small_queue_give_the_same() -> None:
    waiting = [entry("a1", "PQ"), entry("b2", "P"), entry("a3", "P", "Q"), entry("c4", "Q"), entry("b5", "R")]
    results = {
        tuple(schedule(mixed, phones, now=0.0, served={}))
        for mixed in permutations(waiting)
        for phones in (free("P", "Q", "R"), free("R", "Q", "P"))
    }
    assert len(results) == 1


# Fairness over time


@settings(max_examples=25)
@given(
    random=st.randoms(use_true_random=False),
    clients=st.integers(2, 4),
    phones=st.integers(1, 4),
)
def test_clients_that_always_wait_are_served_alike(random: Random, clients: int, phones: int) -> None:
    """Each client floods the queue with runs for any phone; runs take different times."""
    names, keys = "abcd"[:clients], PHONES[:phones]
    served: dict[tuple[str, str], float] = {}
    counts: Counter[str] = Counter()
    ends = dict.fromkeys(keys, 0)
    queue: list[Waiting] = []
    number = 0
    for moment in range(300):
        for client in names:
            while sum(each.client == client for each in queue) < 3:
                number += 1
                queue.append(Waiting(f"{client}{number}", number, client, (frozenset(keys),)))
        idle = [FreePhone(key) for key in keys if ends[key] <= moment]
        for assignment in schedule(queue, idle, now=moment, served=served):
            [key] = assignment.phones
            [begins] = [each for each in queue if each.id == assignment.id]
            queue.remove(begins)
            counts[begins.client] += 1
            served[begins.client, key] = float(sum(counts.values()))
            ends[key] = moment + random.randint(1, 9)
    assert max(counts.values()) - min(counts.values()) <= phones


def test_client_with_one_run_waits_one_turn_beside_a_flood() -> None:
    """Client a has a hundred runs for P, b keeps Q busy all day; b's one run for P comes second."""
    served: dict[tuple[str, str], float] = {}
    queue = [entry(f"a{n}", "P") for n in range(1, 101)] + [entry(f"b{n}", "Q") for n in range(101, 201)]
    queue.append(entry("b201", "P"))
    order = []
    for moment in range(1, 6):
        for assignment in schedule(queue, free("P", "Q"), now=moment, served=served):
            served[assignment.id[0], assignment.phones[0]] = float(moment)
            queue = [each for each in queue if each.id != assignment.id]
            if assignment.phones == ("P",):
                order.append(assignment.id)
    assert order[:3] in (["a1", "b201", "a2"], ["b201", "a1", "a2"])


def test_all_phones_of_a_large_fleet_get_a_run_of_a_large_queue() -> None:
    keys = [f"S{n}" for n in range(200)]
    waiting = [
        Waiting(f"e{n}", n, f"c{n % 7}", (frozenset({keys[n % 200]}) if n % 3 else frozenset(keys),))
        for n in range(10_000)
    ]
    chosen = schedule(waiting, [FreePhone(key) for key in keys], now=0.0, served={})
    assert len(chosen) == 200
