"""Who may tell the kernel of qemu, and what is said where nobody does."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from devicehub.sim.process import foreign, namespace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def no_arm64(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host that runs nothing for arm64, whatever this one does; the folder in which its programs are."""
    monkeypatch.setattr(os, "posix_spawn", _refuse)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs


def _refuse(*_: object) -> int:
    raise OSError(8, "Exec format error")


def _install(folder: Path, name: str) -> Path:
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("confined", [True, False])
def test_a_host_without_qemu_is_told_what_to_install(no_arm64: Path, tmp_path: Path, confined: bool) -> None:
    told = foreign.learn(tmp_path, confined=confined)
    assert told == "qemu-user is not installed (apt install qemu-user-static)"


@pytest.mark.parametrize("name", ["qemu-aarch64-static", "qemu-aarch64"])
def test_a_portable_phone_leaves_the_kernel_alone(no_arm64: Path, tmp_path: Path, name: str) -> None:
    program = _install(no_arm64, name)
    told = foreign.learn(tmp_path, confined=False)
    assert told is not None
    assert str(program) in told
    assert "portable" in told
    assert "systemd-binfmt" in told


@pytest.mark.parametrize(
    ("number", "older"), [(errno.EPERM, True), (errno.EACCES, False), (errno.ENODEV, False)]
)
def test_a_kernel_that_refuses_is_told_with_its_own_words(
    no_arm64: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, older: bool
) -> None:
    _install(no_arm64, "qemu-aarch64-static")
    asked: list[int] = []
    monkeypatch.setattr(namespace, "own_users_and_mounts", asked.append)
    monkeypatch.setattr(namespace, "unmount", lambda place: None)

    def refuse(place: str) -> None:
        raise OSError(number, f"mount of binfmt_misc on {place}: {os.strerror(number)}")

    monkeypatch.setattr(namespace, "mount_formats", refuse)
    told = foreign.learn(tmp_path, confined=True)
    assert asked == [0]
    assert told is not None
    assert ("Linux 6.7" in told) is older
    assert os.strerror(number) in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]


def test_the_probe_is_a_whole_program_for_arm64(tmp_path: Path) -> None:
    file = tmp_path / "probe"
    file.write_bytes(foreign.make_probe())
    with file.open("rb") as stream:
        elf = ELFFile(stream)
        (segment,) = elf.iter_segments()
        assert elf.get_machine_arch() == "AArch64"
        assert segment["p_filesz"] == file.stat().st_size
        assert segment["p_vaddr"] <= elf["e_entry"] < segment["p_vaddr"] + segment["p_memsz"]
