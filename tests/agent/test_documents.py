"""The agent's documents say what its scripts do."""

from __future__ import annotations

import re

from devicehub.runner.contract import AGENT_FILES, CONTRACT, STREAMS, AgentExit
from tests.agent.local_phone import AGENT_DIR, ANDROID_8_APPLETS

COUNTERS = (
    "tries", "beats", "waited", "number", "made", "scarce", "index", "looks", "gate_looks", "gate_silent",
    "quiet", "caches", "later", "discarding",
)  # fmt: skip
SAFE = {
    *(f"$(({name} + 1))" for name in COUNTERS),
    "$(($1 / 20))",
    "$((${uptime%%.*} - ${begun%%.*}))",
    "$((${uptime%%.*} - ${gate_begun%%.*}))",
    "$((free_kib / 1024))",
    "$((seconds - began))",
}
"""Counters, kB of memory, whole seconds since boot, and KiB of a disk when they have nine digits at most."""


def test_every_command_that_the_tests_allow_is_listed_for_android_8() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*?\| (\d+) \|", (AGENT_DIR / "APPLETS.md").read_text(), re.MULTILINE)
    listed = {name for name, first in rows if first == "8"}
    assert set(ANDROID_8_APPLETS) - listed == set()


def test_hub_and_scripts_are_of_one_version() -> None:
    text = (AGENT_DIR / "lib.sh").read_text()
    assert f"\nCONTRACT={CONTRACT}\n" in text
    assert f"version {CONTRACT}\n" in (AGENT_DIR / "PROTOCOL.md").read_text()
    statuses = dict(re.findall(r"E_([A-Z_]+)=(\d+)", text))
    assert statuses == {status.name: str(status.value) for status in AgentExit if status}


def test_every_script_goes_to_the_phone() -> None:
    assert {path.name for path in AGENT_DIR.glob("*.sh")} == set(AGENT_FILES)


def test_the_scripts_keep_to_what_a_phone_allows() -> None:
    for name in AGENT_FILES:
        text = (AGENT_DIR / name).read_text()
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        assert "<<" not in code, f"{name}: Android 8 has no place for here-documents"
        assert not re.search(r"\b(mkfifo|ln|dd|eval)\b", code), name
        for expression in re.findall(r"\$\(\(.*?\)\)", code):
            assert expression in SAFE, (name, expression)


def test_every_stream_is_documented() -> None:
    text = (AGENT_DIR / "PROTOCOL.md").read_text()
    assert all(f"`{stream}`" in text for stream in STREAMS)
