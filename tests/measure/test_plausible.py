"""Decode speeds that a phone's memory cannot give, and fast ones that it can."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from devicehub.device.soc import SocFacts
from devicehub.measure.plausible import find_implausible
from devicehub.runs.model import Flag, Launch, RunHeader
from devicehub.workloads.record import Record
from tests.store.samples import record

WEIGHTS = 2_000_000_000


def header(**changes: Any) -> RunHeader:
    base = record()
    device = replace(base.device, soc=SocFacts(vendor="qualcomm", model="SM8650", name="Snapdragon 8 Gen 3"))
    fields: dict[str, Any] = {"virtual": False, "prompts": 1, "device": device}
    head: RunHeader = replace(base, **(fields | changes))
    return head


def flag(
    tok_s: float | None,
    *,
    tokens: int | None = 128,
    reads: int | None = WEIGHTS,
    memory: float | None = 76.8,
    tool: str = "llm_bench",
    **changes: Any,
) -> Flag | None:
    row = Record(tool=tool, source="stdout", decode_tok_s=tok_s, decode_tokens=tokens)
    launch = Launch(verdict="succeeded", cause=None, text=None, records=[row], exit_status=0)
    return find_implausible(header(**changes), [launch], reads_bytes=reads, memory_gb_s=memory)


def test_speed_that_the_memory_cannot_give() -> None:
    found = flag(60.0)
    assert found is not None
    assert found.slug == "implausible"
    assert found.sentence == (
        "60.0 tok/s of decoding read 120 GB/s of weights, and the memory of Snapdragon 8 Gen 3 gives 77 at "
        "most: did the engine use all of the model?"
    )


def test_speed_at_the_limit() -> None:
    assert flag(38.4) is None
    assert flag(39.9) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"virtual": True},
        {"reads": None},
        {"reads": 100_000_000, "memory": 1.0},
        {"memory": None},
        {"tokens": 8},
        {"tokens": None},
    ],
)
def test_nothing_is_said_of_what_is_not_known(changes: dict[str, Any]) -> None:
    assert flag(600.0, **changes) is None


def test_first_token_of_each_answer_was_no_decoding() -> None:
    assert flag(52.0, tool="llm_demo", tokens=20, prompts=5) is None
    assert flag(52.0, tool="llm_demo", tokens=200, prompts=5) is not None


def test_launch_without_figures() -> None:
    assert flag(None) is None
    assert find_implausible(header(), [], reads_bytes=WEIGHTS, memory_gb_s=76.8) is None
