"""What adb servers say in protocol buffers, in bytes as adb 36 sent them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devicehub.adb.wire_host import TrackedDevice, parse_server_version, parse_tracked

USB = b"\n#\n\x0f0011664BC002435\x10\x03\x1a\x07usb:2-18\x01@\xe0\x03P\x0c"
TCP = b'\n>\n\x0f127.0.0.1:37809\x10\x08"\x0bvirtual_one*\x0bVirtual_One2\x0bvirtual_one8\x02P\x01'
STATUS = b"\x08\x02\x18\x02*\x0636.0.02\x0813206524:\x0c/opt/adb/adbB\x00J\x05LinuxR\x00X\x01`\x00"


def test_cable_tells_its_speed() -> None:
    assert parse_tracked(USB) == [TrackedDevice("0011664BC002435", 12, "usb", 480)]


def test_network_has_no_speed() -> None:
    assert parse_tracked(TCP) == [TrackedDevice("127.0.0.1:37809", 1, "tcp")]


def test_all_phones_of_a_list() -> None:
    assert [device.transport_id for device in parse_tracked(USB + TCP)] == [12, 1]


def test_list_that_was_cut_keeps_what_was_whole() -> None:
    assert [device.transport_id for device in parse_tracked(USB + TCP[:-3])] == [12]


def test_fields_of_later_servers_are_passed_over() -> None:
    later = b"\x9a\x01\x03new\x99\x01" + bytes(8) + b"\x95\x01" + bytes(4)
    device = later + USB[2:]
    assert parse_tracked(b"\n" + bytes([len(device)]) + device)[0].mbit_s == 480


def test_negative_speed_is_none() -> None:
    device = b"@" + b"\xff" * 9 + b"\x01P\x02"
    assert parse_tracked(b"\n" + bytes([len(device)]) + device) == [TrackedDevice(transport_id=2)]


def test_version_of_the_program() -> None:
    assert parse_server_version(STATUS) == "36.0.0"
    assert parse_server_version(b"\x08\x02") is None


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for device in parse_tracked(data):
        assert device.mbit_s is None or device.mbit_s > 0
    assert parse_server_version(data) != ""


@given(st.integers(0, len(USB + TCP)))
def test_cut_anywhere(size: int) -> None:
    whole = parse_tracked(USB + TCP)
    assert parse_tracked((USB + TCP)[:size]) == whole[: len(parse_tracked((USB + TCP)[:size]))]
