"""Which phones are looked at, and what their rows are about."""

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device
from devicehub.doctor.choice import Fit
from devicehub.doctor.examine import Examination, meant, subject_of
from devicehub.doctor.model import Report, Row, Standing
from devicehub.errors import NoPhoneReady, SelectionError


def phone(serial: str, number: int = 1, state: DeviceState = DeviceState.READY) -> Device:
    return Device(state=state, transports=(DeviceLine(serial, "device", transport_id=number),))


def test_without_selectors_all_phones_are_meant_in_whatever_state_and_not_this_computer() -> None:
    devices = [phone("A"), phone("B", state=DeviceState.UNAUTHORIZED), phone("local")]
    assert meant(devices, []) == devices[:2]
    assert meant(devices, ["local"]) == devices[2:]
    assert meant(devices, ["B"]) == [devices[1]]


def test_a_name_that_no_phone_has_is_an_error() -> None:
    with pytest.raises(SelectionError, match="no phone matches --on X; phones: A"):
        meant([phone("A")], ["X"])
    with pytest.raises(NoPhoneReady):
        meant([], ["X"])


def test_phones_that_share_a_serial_are_told_apart() -> None:
    twins = [phone("A", 1), phone("A", 2), phone("B", 3)]
    assert [subject_of(device, twins) for device in twins] == ["A#1", "A#2", "B"]


def test_a_probe_takes_the_place_of_what_was_told_before_of_that_phone_alone() -> None:
    twins = [phone("A", 1), phone("A", 2)]
    readable = [Row(subject=name, name="OpenCL", state=Standing.OK, says="") for name in ("A#1", "A#2")]
    found = Examination(Report(rows=readable, phones=["A#1", "A#2"]), {"A#1": Fit([]), "A#2": Fit([])}, twins)
    row = Row(subject="A", name="OpenCL", state=Standing.PROBLEM, says="probed: does not open")
    report = found.probed([(twins[1], [row])])
    assert [(row.subject, row.state) for row in report.rows] == [
        ("A#1", Standing.OK),
        ("A#2", Standing.PROBLEM),
    ]
    assert report.probed
    assert report.has_problem
