"""The mark of a steady run, as the probe's script shows it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.device.steady import SteadyMark, mark_script, parse_mark

if TYPE_CHECKING:
    from pathlib import Path

BOOT = "4b6b5a5e-0d8b-4d59-9d2c-2f5a1e1c7a10"
STAT = f"417 (sh) steady.s) S 1 417 417 0 -1 4194304 {'0 ' * 8}20 0 1 0 2639970 4542464 573"
MARK = f"=417 2639970 r1 {BOOT}\n"
LEFT = SteadyMark("r1", abandoned=True)


@pytest.mark.parametrize("text", ["", "\n", "\r\n", "sh: can't open: Permission denied\n", "no mark = here"])
def test_a_phone_without_a_mark(text: str) -> None:
    assert parse_mark(text, BOOT) is None


def test_a_run_under_way_has_the_mode() -> None:
    assert parse_mark(f"\n{MARK}{STAT}\n", BOOT) == SteadyMark("r1", abandoned=False)
    assert parse_mark(f"\n{MARK}{STAT}\n".replace("\n", "\r\n"), BOOT) == SteadyMark("r1", abandoned=False)


@pytest.mark.parametrize(
    "stat",
    [
        "",
        "417 (sh) S 1",
        STAT.replace("2639970", "2639971"),
        STAT.replace(") S 1", ") Z 1"),
        STAT.replace(") S 1", ") X 1"),
    ],
)
def test_a_supervisor_that_is_gone_or_another_process_has_left_it(stat: str) -> None:
    assert parse_mark(f"\n{MARK}{stat}\n", BOOT) == LEFT


@pytest.mark.parametrize("boot_id", [None, BOOT.replace("4", "5")])
def test_a_mark_of_another_boot_is_nobodys(boot_id: str | None) -> None:
    assert parse_mark(f"\n{MARK}{STAT}\n", boot_id) == LEFT


@pytest.mark.parametrize("line", ["= \n", "=417 2639970\n", "=-1 x r1 b\n", "=417 2639970 ../r1 b\n"])
def test_a_mark_that_cannot_be_read_is_left_to_the_phone(line: str) -> None:
    assert parse_mark(f"\n{line}{STAT}", BOOT) == SteadyMark(None, abandoned=True)


@pytest.mark.parametrize("shell", ["mksh", "dash", "bash"])
async def test_the_script_shows_mark_and_process(shell: str, tmp_path: Path) -> None:
    async def ask() -> SteadyMark | None:
        try:
            done = await procs.run([shell, "-c", mark_script(str(tmp_path))], timeout_s=60)
        except FileNotFoundError:
            pytest.skip(f"{shell} is not installed")
        assert done.stderr == b""
        return parse_mark(done.stdout.decode(), BOOT)

    assert await ask() is None
    stat = await procs.run(["cat", f"/proc/{os.getpid()}/stat"], timeout_s=60)
    start = stat.stdout.rpartition(b") ")[2].split()[19].decode()
    (tmp_path / "steady").write_text(f"{os.getpid()} {start} r1 {BOOT}\n")
    assert await ask() == SteadyMark("r1", abandoned=False)
    (tmp_path / "steady").write_text(f"{os.getpid()} {start}1 r1 {BOOT}\n")
    assert await ask() == LEFT
    (tmp_path / "steady").write_text("")
    assert await ask() == SteadyMark(None, abandoned=True)
