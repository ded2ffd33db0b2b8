from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicehub.engines.elf import ElfKind, read_elf
from devicehub.engines.marks import read_marks
from devicehub.errors import InputError
from tests.engines.elf_maker import android_program, make_elf


def _read(tmp_path: Path, data: bytes) -> object:
    file = tmp_path / "file"
    file.write_bytes(data)
    return read_elf(file)


@pytest.mark.parametrize("abi", ["arm64-v8a", "armeabi-v7a", "x86_64", "x86"])
def test_program_of_every_abi(tmp_path: Path, abi: str) -> None:
    file = tmp_path / "llm_demo"
    file.write_bytes(android_program(abi, imports=["printf", "__android_log_print"]))
    facts = read_elf(file)
    assert (facts.kind, facts.abi) == (ElfKind.PROGRAM, abi)
    assert facts.bits == (64 if "64" in abi else 32)
    assert facts.needed == ("libMNN.so", "libc.so", "libm.so", "libdl.so")
    assert facts.page_align == 0x4000
    assert facts.imports_log


def test_library_has_no_interpreter(tmp_path: Path) -> None:
    file = tmp_path / "libMNN.so"
    file.write_bytes(make_elf(needed=["libc.so"], imports=["printf"], align=0x1000))
    facts = read_elf(file)
    assert (facts.kind, facts.interpreter) == (ElfKind.LIBRARY, None)
    assert facts.page_align == 0x1000
    assert not facts.imports_log


def test_static_programs_are_programs_without_interpreter(tmp_path: Path) -> None:
    for data in (make_elf(static=True), make_elf(pie=True)):
        file = tmp_path / "llm_demo"
        file.write_bytes(data)
        assert read_elf(file).kind is ElfKind.PROGRAM
        assert read_elf(file).interpreter is None


def test_a_real_program_of_this_host_is_read() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("this host's programs are not ELF")
    facts = read_elf(Path(sys.executable).resolve())
    assert facts.kind is ElfKind.PROGRAM
    assert facts.interpreter is not None
    assert not facts.interpreter.startswith("/system")


@pytest.mark.parametrize("length", [4, 5, 20, 63, 64, 100, 200])
def test_truncated_file_is_a_sentence(tmp_path: Path, length: int) -> None:
    with pytest.raises(InputError, match="damaged or truncated"):
        _read(tmp_path, android_program()[:length])


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(4, 400), st.integers(0, 255)), min_size=1, max_size=12))
def test_damaged_headers_never_escape(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(android_program(imports=["printf"]))
    for place, value in flips:
        data[place % len(data)] = value
    data[:4] = b"\x7fELF"
    file = tmp_path_factory.getbasetemp() / "damaged"
    file.write_bytes(data)
    with contextlib.suppress(InputError):
        read_elf(file)


def test_version_beside_a_foreign_one_of_major_zero(tmp_path: Path) -> None:
    file = tmp_path / "libMNN.so"
    file.write_bytes(make_elf(text=b"\x000.26.0\x00x\x003.6.1\x00"))
    assert read_marks(file, read_elf(file)).versions == {"3.6.1"}


def test_both_of_two_versions_are_told(tmp_path: Path) -> None:
    file = tmp_path / "libMNN.so"
    file.write_bytes(make_elf(text=b"\x003.6.1\x001.2.13\x00"))
    assert read_marks(file, read_elf(file)).versions == {"3.6.1", "1.2.13"}
