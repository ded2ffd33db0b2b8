from __future__ import annotations

import pytest

from devicehub.sim.adbd.transport import (
    HEADER,
    Assembler,
    Command,
    Message,
    TransportError,
    checksum,
    encode,
    parse_banner,
)

MESSAGES = [
    Message(Command.CNXN, 0x01000001, 4096, b"host::features=shell_v2,cmd"),
    Message(Command.OKAY, 1, 2),
    Message(Command.WRTE, 3, 4, bytes(range(256)) * 3),
]


def _assemble(data: bytes, step: int, *, checked: bool = True) -> list[Message]:
    assembler = Assembler(max_payload=4096, checked=checked)
    found = []
    while data:
        buffer = assembler.buffer()
        size = min(step, len(buffer), len(data))
        buffer[:size] = data[:size]
        data = data[size:]
        message = assembler.filled(size)
        if message is not None:
            found.append(message)
    return found


@pytest.mark.parametrize("step", [1, 7, 24, 25, 10_000])
def test_messages_are_the_same_however_they_are_cut(step: int) -> None:
    data = b"".join(encode(message, checked=True) for message in MESSAGES)
    assert _assemble(data, step) == MESSAGES


def test_bad_magic_ends_the_connection() -> None:
    with pytest.raises(TransportError, match="bad magic"):
        _assemble(HEADER.pack(Command.OKAY, 1, 2, 0, 0, 0), 24)


def test_payload_beyond_the_limit_ends_the_connection() -> None:
    with pytest.raises(TransportError, match="5000 bytes"):
        _assemble(encode(Message(Command.WRTE, 1, 2, bytes(5000)), checked=True), 100)


def test_wrong_checksum_counts_only_where_checksums_are_verified() -> None:
    data = encode(Message(Command.WRTE, 1, 2, b"abc"), checked=False)
    assert _assemble(data, 100, checked=False)[0].payload == b"abc"
    with pytest.raises(TransportError, match="checksum"):
        _assemble(data, 100)


def test_checksum_is_the_sum_of_bytes() -> None:
    assert checksum(b"\xff\x01a") == 0xFF + 1 + 97


@pytest.mark.parametrize(
    ("banner", "features"),
    [
        (b"host::features=shell_v2,cmd", {"shell_v2", "cmd"}),
        (b"host::\0", set()),
        (b"host::a=b;features=x\0", {"x"}),
        (b"\xff\xfe", set()),
    ],
)
def test_features_of_a_banner(banner: bytes, features: set[str]) -> None:
    assert parse_banner(banner) == features
