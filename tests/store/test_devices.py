"""Phones: what was seen of them, strikes, quarantine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devicehub.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "devicehub.db") as opened:
        yield opened


def test_phone_is_seen_again_and_what_it_does_not_tell_now_stays(store: Store) -> None:
    store.device_seen("SN1", "b1", "S1", wall_s=100.0, product="Sample One", android="14", virtual=True)
    store.device_seen("SN1", "b2", "10.0.0.7:5555", wall_s=200.0, soc="SM8650")
    store.device_seen("SN2", "b9", "S2", wall_s=150.0)
    first, second = store.devices()
    assert (first.serialno, first.boot_id, first.serial) == ("SN1", "b2", "10.0.0.7:5555")
    assert (first.product, first.android, first.soc, first.virtual) == ("Sample One", "14", "SM8650", True)
    assert (first.first_seen, first.last_seen) == (100.0, 200.0)
    assert (second.serialno, second.virtual) == ("SN2", None)


def test_strikes_count_in_a_row(store: Store) -> None:
    assert [store.strike("SN1", cause, 100.0) for cause in ("rebooted", "phone_gone")] == [1, 2]
    assert store.strike("SN2", "rebooted", 100.0) == 1
    assert store.devices()[0].last_cause == "phone_gone"
    store.clear_strikes("SN1")
    assert store.strike("SN1", "rebooted", 100.0) == 1


def test_first_reason_of_a_quarantine_stands_until_a_person_ends_it(store: Store) -> None:
    store.strike("SN1", "rebooted", 100.0)
    store.quarantine("SN1", "three times in a row", 110.0)
    store.quarantine("SN1", "again", 120.0)
    store.device_seen("SN1", "b1", "S1", wall_s=130.0)
    store.clear_strikes("SN1")
    assert store.quarantined() == {"SN1": "three times in a row"}
    assert store.release_device("SN1")
    assert store.quarantined() == {}
    assert not store.release_device("SN1")
    assert store.strike("SN1", "rebooted", 140.0) == 1


def test_phone_that_was_never_seen_can_be_put_into_quarantine(store: Store) -> None:
    store.quarantine("SN1", "a reason", 110.0)
    assert store.quarantined() == {"SN1": "a reason"}
    assert not store.release_device("SN2")


def test_phone_is_tidied_once_in_a_period_also_when_the_clock_was_set_back(store: Store) -> None:
    asked = [store.tidy_due("SN1", wall_s, every_s=100.0) for wall_s in (1000, 1050, 1099, 1100, 1101, 500)]
    assert asked == [True, False, False, True, False, True]
    assert store.tidy_due("SN2", 1000.0)
