"""Texts of any characters on their way through the launch file and the shells."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicehub.runner.contract import Command, RunSpec
from tests.agent.local_phone import SHELLS, local_phone, sh

# "$0" first: what the workload sees of itself.
SHOW = 'printf "%s\\0" "$@" "$WORD"'
HARD = [
    "it's",
    '"double" `back` $(reboot) ${HOME} $HOME \\ \\n \\\\ !',
    "two\nlines\n",
    "\n",
    "",
    " leading and trailing ",
    "tab\there",
    "*?[a-z]{a,b}~",
    "-n",
    "äöü 日本 🙂 \u202e",
    "\udcff\udc80 no UTF-8",
    "#no comment",
    "a" * 4096,
    "\x01\x7f\r",
]


def this_process() -> tuple[str, str]:
    """Its pid and start time, as a supervisor's."""
    _, _, fields = Path("/proc/self/stat").read_text().rpartition(") ")
    return str(os.getpid()), fields.split()[19]


async def seen_by_the_workload(folder: Path, shell: str, words: list[str]) -> list[str]:
    async with local_phone(folder, shell) as phone:
        root = phone.root
        words = [*words, f"{root}/x;{root}", f"{root}2"]
        command = Command([*sh(phone, SHOW), "sh", *words], cwd=f"{root}/work/w", env={"WORD": words[0]})
        run = phone.prepare(RunSpec("r1", [command]))
        (run / "1").mkdir()
        # Straight to the workload: what is around it does not touch the words.
        (root / "work/w").mkdir(parents=True)
        done = await phone.sh(phone.agent / "workload.sh", "r1", "1", *this_process())
        assert done.status == 0, done.stderr
        assert run.is_dir()
        given = [text.decode("utf-8", "surrogateescape") for text in done.stdout.split(b"\0")[:-1]]
        assert given.pop() == words[0]
        assert given[-2:] == words[-2:]
        return given[:-2]


@pytest.mark.parametrize("shell", sorted(SHELLS))
async def test_hard_words_arrive_unchanged(tmp_path: Path, shell: str) -> None:
    assert await seen_by_the_workload(tmp_path, shell, HARD) == HARD


@pytest.mark.parametrize("shell", sorted(SHELLS))
async def test_workload_whose_supervisor_is_gone_does_not_begin(tmp_path: Path, shell: str) -> None:
    async with local_phone(tmp_path, shell) as phone:
        run = phone.prepare(RunSpec("r1", [Command(sh(phone, "echo begun"), cwd=str(phone.root))]))
        (run / "1").mkdir()
        pid, start = this_process()
        done = await phone.sh(phone.agent / "workload.sh", "r1", "1", pid, f"{start}1")
        assert (done.status, done.stdout) == (125, b"")
        assert (run / "1/pid").exists(), "whoever looks for it later finds that it is gone"


ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)


@settings(max_examples=8)
@given(words=st.lists(ANY_TEXT, min_size=1, max_size=6))
def test_any_words_arrive_unchanged_under_mksh(words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(seen_by_the_workload(Path(folder), "mksh", words)) == words
