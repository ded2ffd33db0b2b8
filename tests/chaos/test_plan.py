"""The plans of random runs."""

from __future__ import annotations

from typing import get_args

from tests.chaos.injuries import Fault
from tests.chaos.moments import MOMENTS
from tests.chaos.plan import draw
from tests.chaos.table import MATRIX, Never

PLANS = [draw(seed) for seed in range(500)]


def test_a_seed_gives_its_plan_again() -> None:
    assert [draw(plan.seed) for plan in PLANS] == PLANS


def test_seeds_differ() -> None:
    assert len({repr(plan).partition("build=")[2] for plan in PLANS}) > 400


def test_a_plan_has_one_to_three_faults() -> None:
    sizes = {
        sum(len(phone.injuries) for phone in plan.phones) + (plan.hub_dies is not None) for plan in PLANS
    }
    assert sizes == {1, 2, 3}


def test_no_plan_holds_a_fault_at_a_moment_at_which_it_cannot_occur() -> None:
    never = {(case.fault, case.moment) for case, end in MATRIX.items() if isinstance(end, Never)}
    drawn = {
        (injury.fault, injury.moment) for plan in PLANS for phone in plan.phones for injury in phone.injuries
    }
    assert not drawn & never
    possible = {(case.fault, case.moment) for case in MATRIX} - never
    assert drawn == {(fault, moment) for fault, moment in possible if fault in get_args(Fault)}


def test_all_kinds_of_phones_and_ends_of_hubs_are_drawn() -> None:
    assert {plan.build for plan in PLANS} == {"stdout", "logcat"}
    assert {phone.usb_mode for plan in PLANS for phone in plan.phones} == {"charging", "mtp"}
    assert {len(plan.phones) for plan in PLANS} == {1, 2}
    assert {plan.hub_dies for plan in PLANS} == {None, *MOMENTS}
