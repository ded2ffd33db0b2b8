"""Files that lie: judging them ends, soon, in findings or a sentence."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Final

import pytest

from devicehub.engines.bundle import inspected
from devicehub.engines.elf import read_elf
from devicehub.engines.elf_headers import find_android_note
from devicehub.engines.marks import read_marks
from devicehub.errors import InputError
from tests.engines.elf_maker import android_program, make_elf
from tests.engines.zig import Zig, needs_zig, skel

if TYPE_CHECKING:
    from pathlib import Path

_HEADER: Final = {
    "phoff": (32, "<Q"),
    "shoff": (40, "<Q"),
    "phnum": (56, "<H"),
    "shnum": (60, "<H"),
    "shstr": (62, "<H"),
}
_DT_HASH: Final = 4


def slugs(folder: Path) -> list[str]:
    with inspected(folder) as inspection:
        return [finding.slug for finding in inspection.findings]


@pytest.mark.parametrize("field", _HEADER)
@pytest.mark.parametrize("value", [1, 0xFFFF])
def test_header_that_names_tables_that_are_not_there(tmp_path: Path, field: str, value: int) -> None:
    data = bytearray(android_program(needed=["libc.so"]))
    place, form = _HEADER[field]
    struct.pack_into(form, data, place, value)
    (tmp_path / "llm_demo").write_bytes(data)
    found = slugs(tmp_path)
    assert found
    assert set(found) <= {"damaged_elf", "no_bench", "not_executable", "desktop_build", "missing_library"}


def test_symbol_table_that_claims_to_have_no_end(tmp_path: Path) -> None:
    data = bytearray(android_program(needed=["libc.so"], imports=["printf"]))
    table = struct.pack("<III", 1, 2, 0)
    place = bytes(data).index(table)
    struct.pack_into("<I", data, place + 4, 0xFFFFFFFF)
    (tmp_path / "llm_demo").write_bytes(data)
    assert slugs(tmp_path) == ["damaged_elf"]


def test_alignments_of_any_size_are_reckoned_with(tmp_path: Path) -> None:
    file = tmp_path / "llm_demo"
    for align in (0, 1, 3, 2**63, 2**64 - 1):
        file.write_bytes(make_elf(align=align))
        assert (read_elf(file).page_align or 0) >= 0


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\x08\0\0\0\x04\0\0\0\x01\0\0\0Android\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0Android\0",
        b"\x08\0\0\0\xff\xff\xff\x7f\x01\0\0\0Android\0\x15",
        bytes(4096),
    ],
)
def test_note_that_is_cut_or_lies_about_its_size(note: bytes) -> None:
    assert find_android_note(note) is None


def test_note_after_another_is_found() -> None:
    gnu = b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0\1\2\3\4"
    android = b"\x08\0\0\0\x44\0\0\0\x01\0\0\0Android\0\x15\0\0\0r27c".ljust(12 + 8 + 0x44, b"\0")
    assert find_android_note(gnu + android) == (21, "r27c")


@needs_zig
def test_real_files_cut_and_changed_at_random_never_escape(zig: Zig, tmp_path: Path) -> None:
    chance = random.Random(20261123)
    samples = [
        zig.library("libMNN.so", texts=["\\0003.6.1"], instructions=["fp16"]),
        zig.program(),
        zig.static_program(),
        skel(0x75, text=b"v2.37.0.250724175447_124859"),
    ]
    file = tmp_path / "llm_demo"
    damaged = 0
    for _ in range(400):
        data = bytearray(chance.choice(samples))
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(4, min(len(data), 1200))] = chance.randrange(256)
        file.write_bytes(data[: chance.randrange(4, len(data) + 1)] if chance.random() < 0.3 else data)
        try:
            read_marks(file, read_elf(file))
        except InputError:
            damaged += 1
    assert 0 < damaged < 400


def test_names_of_files_that_no_phone_can_hold_end_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "llm_demo").write_bytes(android_program(needed=["libc.so"]))
    (tmp_path / "lib\n.so").write_bytes(make_elf(needed=["libc.so"]))
    with inspected(tmp_path) as inspection:
        assert inspection.features.abi == "arm64-v8a"


def test_settings_of_any_length_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "llm_demo").write_bytes(android_program(needed=["libc.so"]))
    with (tmp_path / "engine.toml").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(InputError, match="is too long"):
        slugs(tmp_path)


def test_needed_name_with_an_escape_is_shown_without_it(tmp_path: Path) -> None:
    data = android_program(needed=["libc.so", "libé\x1b[31m.so"])
    (tmp_path / "llm_demo").write_bytes(data)
    with inspected(tmp_path) as inspection:
        [missing] = [finding for finding in inspection.findings if finding.slug == "missing_library"]
    assert missing.why == "needs libé?[31m.so, which is neither here nor on phones"
