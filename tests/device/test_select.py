from dataclasses import replace

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.device.identify import identify
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device, Identity
from devicehub.device.select import left_out, select
from devicehub.errors import NoPhoneReady, SelectionError
from devicehub.profiles.match import SocTable


def phone(serial: str, *, soc: str, android: str, state: DeviceState = DeviceState.READY) -> Device:
    props = {"ro.soc.model": soc, "ro.build.version.release": android, "ro.product.model": f"Sample {serial}"}
    adb_state = "device" if state is DeviceState.READY else "unauthorized"
    return Device(
        state,
        (DeviceLine(serial=serial, state=adb_state, transport_id=1),),
        identity=Identity(f"no-{serial}", f"boot-{serial}"),
        facts=identify(props, socs=SocTable({})),
    )


SNAPDRAGON = phone("A", soc="SM8650", android="14")
DIMENSITY = phone("B", soc="MT6989", android="8.1.0")
LOCKED = phone("C", soc="SM8650", android="14", state=DeviceState.UNAUTHORIZED)


def serials(selected: list[Device]) -> list[str]:
    return [device.serial for device in selected]


def test_the_one_ready_phone_needs_no_name() -> None:
    assert serials(select([SNAPDRAGON, LOCKED], [])) == ["A"]


def test_two_ready_phones_must_be_told_apart() -> None:
    with pytest.raises(SelectionError, match="several phones are ready; name one with --on; phones: A, B"):
        select([SNAPDRAGON, DIMENSITY], [])


def test_no_phone_says_what_to_do() -> None:
    with pytest.raises(NoPhoneReady, match="no phone is connected; plug one in"):
        select([], [])


def test_a_phone_that_must_be_allowed_says_so() -> None:
    with pytest.raises(NoPhoneReady, match='C is unauthorized \\(press "Allow USB debugging" on it\\)'):
        select([LOCKED], ["C"])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("all", ["A", "B"]),
        ("A", ["A"]),
        ("no-B", ["B"]),
        ("soc=SM8650", ["A"]),
        ("vendor=qualcomm", ["A"]),
        ("vendor!=qualcomm", ["B"]),
        ("android>=9", ["A"]),
        ("android<9", ["B"]),
        ("android=14,soc=sm8650", ["A"]),
        ("product=Sample B", ["B"]),
    ],
)
def test_selectors(selector: str, expected: list[str]) -> None:
    assert serials(select([SNAPDRAGON, DIMENSITY, LOCKED], [selector])) == expected


def test_several_selectors_mean_any_of_them() -> None:
    assert serials(select([SNAPDRAGON, DIMENSITY], ["A", "android<9"])) == ["A", "B"]


@pytest.mark.parametrize("selector", ["colour=red", "android>=", "=14"])
def test_a_bad_term_names_the_keys(selector: str) -> None:
    with pytest.raises(SelectionError, match="is no term; write KEY=VALUE with one of android"):
        select([SNAPDRAGON], [selector])


def test_an_unknown_serial_lists_the_phones() -> None:
    with pytest.raises(SelectionError, match="no phone matches --on X; phones: A, B"):
        select([SNAPDRAGON, DIMENSITY], ["X"])


def test_a_serial_with_spaces_and_brackets_is_a_serial() -> None:
    odd = phone("adb-X (2)._adb-tls-connect._tcp", soc="SM8650", android="14")
    assert len(select([odd, DIMENSITY], ["adb-X (2)._adb-tls-connect._tcp"])) == 1


def test_a_phone_that_is_named_is_not_left_out_in_silence() -> None:
    with pytest.raises(NoPhoneReady, match="not every phone that --on names is ready: C is unauthorized"):
        select([SNAPDRAGON, LOCKED], ["A", "C"])
    assert serials(select([SNAPDRAGON, LOCKED], ["all"])) == ["A"]
    assert serials(select([SNAPDRAGON, LOCKED], ["soc=SM8650"])) == ["A"]


def test_phones_that_all_means_and_that_cannot_be_used_are_told() -> None:
    held = replace(LOCKED, state=DeviceState.QUARANTINED, quarantine="it failed three times")
    phones = [SNAPDRAGON, held]
    assert serials(select(phones, ["all"])) == ["A"]
    told = left_out(phones, ["all"], [SNAPDRAGON])
    assert told is not None
    assert "C is quarantined (it failed three times; `devicehub devices --release C` lets it go)" in told
    assert left_out(phones, ["A"], [SNAPDRAGON]) is None
