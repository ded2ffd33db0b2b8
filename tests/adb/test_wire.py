"""Smart sockets, shell v2 and device lists: every decoder cut at every byte, and fed garbage."""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.adb.wire import (
    DeviceLine,
    Exit,
    Fail,
    Okay,
    ShellId,
    ShellPackets,
    ShellV2,
    SmartSocket,
    Stderr,
    Stdout,
    decode_text,
    encode_block,
    encode_request,
    encode_text,
    parse_devices_long,
    shell_packet,
)
from devicehub.errors import AdbProtocolError


def fed_in_two(data: bytes, make: Callable[[], Any]) -> Iterable[list[Any]]:
    """The events for every place where the bytes may be cut in two, then for single bytes."""
    for cut in range(len(data) + 1):
        decoder = make()
        yield [*decoder.receive(data[:cut]), *decoder.receive(data[cut:])]
    decoder = make()
    yield [event for byte in data for event in decoder.receive(bytes([byte]))]


def test_request_is_length_in_hex_and_service() -> None:
    assert encode_request("host:version") == b"000chost:version"
    assert encode_request("shell,v2,raw:écho") == b"0012shell,v2,raw:\xc3\xa9cho"


@pytest.mark.parametrize("service", ["", "x" * 65536, "é" * 32768])
def test_request_that_four_hex_digits_cannot_say_is_refused(service: str) -> None:
    with pytest.raises(AdbProtocolError, match="1 to 65535"):
        encode_request(service)


def test_text_that_is_no_utf8_survives_both_ways() -> None:
    assert encode_text(decode_text(b"a\xff\xc3\xa9")) == b"a\xff\xc3\xa9"


@pytest.mark.parametrize("step", [1, 2, 3, 5, 100])
def test_answers_come_whole_however_they_are_cut(step: int) -> None:
    refusal = b"FAIL" + encode_block(b"device 'x' not found")
    data = b"OKAY" + encode_block(b"0029") + b"OKAY" + refusal + b"rest\0"
    socket, seen = SmartSocket(), []
    asked = [socket.status, socket.block, socket.status, socket.status]
    for start in range(0, len(data), step):
        socket.receive(data[start : start + step])
        while asked and (answer := asked[0]()) is not None:
            seen.append(answer)
            asked.pop(0)
    assert seen == [Okay(), b"0029", Okay(), Fail("device 'x' not found")]
    assert socket.rest() == b"rest\0"
    assert socket.rest() == b""


@pytest.mark.parametrize("garbage", [b"H", b"HTTP/1.1 400", b"OK\r\n", b"\x00", b"FAILxyz1oops"])
def test_status_of_a_peer_that_is_no_adb_server_carries_its_bytes(garbage: bytes) -> None:
    socket = SmartSocket()
    socket.receive(garbage)
    with pytest.raises(AdbProtocolError) as caught:
        socket.status()
    assert caught.value.received == garbage


def test_block_with_a_sign_or_space_in_its_length_is_refused() -> None:
    for digits in (b"+001", b" 001", b"0x01", b"-"):
        socket = SmartSocket()
        socket.receive(digits)
        with pytest.raises(AdbProtocolError):
            socket.block()


def test_empty_block_is_an_answer_and_no_bytes_are_none() -> None:
    socket = SmartSocket()
    assert socket.block() is None
    socket.receive(b"0000")
    assert socket.block() == b""


def test_shell_events_are_equal_for_every_cut() -> None:
    data = (
        shell_packet(ShellId.STDOUT, b"out\n")
        + shell_packet(ShellId.STDERR, b"err")
        + shell_packet(ShellId.STDOUT, b"")
        + shell_packet(ShellId.EXIT, b"\x89")
    )
    assert data[:9] == b"\x01\x04\x00\x00\x00out\n"
    for events in fed_in_two(data, ShellV2):
        assert events == [Stdout(b"out\n"), Stderr(b"err"), Stdout(b""), Exit(137)]


def test_stdin_packets_reach_the_phone_for_every_cut() -> None:
    data = shell_packet(ShellId.STDIN, b"abc") + shell_packet(ShellId.CLOSE_STDIN)
    for packets in fed_in_two(data, ShellPackets):
        assert packets == [(ShellId.STDIN, b"abc"), (ShellId.CLOSE_STDIN, b"")]


@pytest.mark.parametrize(
    "data",
    [
        shell_packet(9, b"x"),
        shell_packet(255, b""),
        b"\x01\xff\xff\xff\xff",
        shell_packet(ShellId.STDIN, b"x"),
        shell_packet(ShellId.WINDOW_SIZE, b"24x80,0x0"),
        shell_packet(ShellId.EXIT, b""),
    ],
)
def test_packet_that_no_phone_sends_is_refused_with_its_bytes(data: bytes) -> None:
    with pytest.raises(AdbProtocolError) as caught:
        list(ShellV2().receive(data))
    assert caught.value.received == data


def test_events_before_the_garbage_are_given_first() -> None:
    shell = ShellV2()
    events = shell.receive(shell_packet(ShellId.STDOUT, b"ok") + b"\xff\0\0\0\0")
    assert next(events) == Stdout(b"ok")
    with pytest.raises(AdbProtocolError):
        next(events)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_shell_decoder_is_total_on_garbage(pieces: list[bytes]) -> None:
    shell = ShellV2()
    with contextlib.suppress(AdbProtocolError):
        for piece in pieces:
            for event in shell.receive(piece):
                assert isinstance(event, Stdout | Stderr | Exit)


@given(st.lists(st.tuples(st.sampled_from(list(ShellId)), st.binary(max_size=300))), st.integers(1, 64))
def test_packets_round_trip_at_any_step(packets: list[tuple[ShellId, bytes]], step: int) -> None:
    data = b"".join(shell_packet(*packet) for packet in packets)
    decoder = ShellPackets()
    seen = [p for start in range(0, len(data), step) for p in decoder.receive(data[start : start + step])]
    assert seen == packets


def one_device(line: str) -> DeviceLine:
    (device,) = parse_devices_long(line + "\n")
    return device


def test_usb_port_without_prefix_is_the_devpath() -> None:
    line = "29211FDH20000A         device 4-1 product:oriole model:Pixel_6 device:oriole transport_id:192"
    expected = DeviceLine("29211FDH20000A", "device", 192, "oriole", "Pixel_6", "oriole", "4-1")
    assert one_device(line) == expected


def test_serial_with_a_space_and_a_bracket() -> None:
    line = "adb-R5CX (2)._adb-tls-connect._tcp device product:a1 model:B2 device:c3 transport_id:1"
    assert one_device(line).serial == "adb-R5CX (2)._adb-tls-connect._tcp"


def test_serial_that_holds_the_word_device() -> None:
    assert one_device("my device device usb:1-2 transport_id:3").serial == "my device"
    assert one_device("my device device usb:1-2 transport_id:3").devpath == "usb:1-2"


def test_no_serial_number() -> None:
    device = one_device("(no serial number)     offline usb:1-1 transport_id:9")
    assert (device.serial, device.state) == ("(no serial number)", "offline")


@pytest.mark.parametrize("gap", ["\t", "    "])
def test_no_permissions_keeps_its_sentence_as_the_state(gap: str) -> None:
    state = "no permissions (missing udev rules? user is in the plugdev group); see [http://a.b/device.html]"
    assert one_device(f"JX{gap}{state}") == DeviceLine("JX", state)
    assert one_device(f"JX{gap}{state} usb:1-4 transport_id:6") == DeviceLine(
        "JX", state, 6, devpath="usb:1-4"
    )


def test_state_of_a_later_adb_is_kept_as_it_stands() -> None:
    assert one_device("R5\tsleeping").state == "sleeping"
    assert one_device("R5 sleeping product:x transport_id:4") == DeviceLine("R5", "sleeping", 4, "x")


def test_transport_id_that_is_no_number_is_unknown() -> None:
    assert one_device("R5 device transport_id:abc").transport_id is None


def test_daemon_noise_blank_lines_and_crlf_are_no_devices() -> None:
    text = (
        "* daemon not running; starting now at tcp:5037\r\n* daemon started successfully\r\n"
        "adb server version (41) doesn't match this client (39); killing...\r\n"
        "List of devices attached\r\nR5\tdevice\r\n\r\nhello world\r\n"
    )
    assert parse_devices_long(text) == [DeviceLine("R5", "device")]


@given(st.text(max_size=200))
def test_device_list_is_total(text: str) -> None:
    for device in parse_devices_long(text):
        assert device.serial
        assert device.state
