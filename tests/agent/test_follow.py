"""`ctl.sh follow`: the files of a run as one stream."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from devicehub.runner.contract import AgentExit
from devicehub.runner.exits import parse_exit, parse_fields
from devicehub.runner.frames import Data, Ended, FrameDecoder, FrameEvent, Vanished
from tests.agent.local_phone import local_phone, sh, spec_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.local_phone import LocalPhone

NONCE = "c0ffee" * 6
BIG = 5 * 2**30


async def followed(
    phone: LocalPhone, *firsts: int, timeout_s: float = 60.0
) -> tuple[dict[str, bytes], FrameEvent]:
    places = [str(first) for first in firsts] or ["1"] * 5
    done = await phone.sh(phone.agent / "ctl.sh", "follow", "r1", NONCE, *places, timeout_s=timeout_s)
    assert done.status == 0, done.stderr
    events = list(FrameDecoder(NONCE).receive(done.stdout))
    data: dict[str, bytes] = {}
    for event in events:
        if isinstance(event, Data):
            data[event.stream] = data.get(event.stream, b"") + event.data
    return data, events[-1]


async def start(phone: LocalPhone, script: str) -> Path:
    run = phone.prepare(spec_of(phone, *sh(phone, script)))
    started = await phone.start("r1")
    assert started.status == AgentExit.OK, started.stderr
    return run


async def test_a_follower_sees_a_run_to_its_end(phone: LocalPhone) -> None:
    run = await start(
        phone, "for i in 1 2 3; do printf $i; sleep 0.3; done; echo err >&2; printf '\\377\\000x'"
    )
    data, end = await followed(phone)
    assert data["stdout"] == b"123\xff\0x"
    assert data["stderr"] == b"err\n"
    assert data["log"] == (phone.folder / "logcat").read_bytes()
    assert data["samples"] == (run / "samples").read_bytes()
    assert isinstance(end, Ended)
    parsed = parse_exit(end.exit_text)
    assert parsed is not None
    counts = {**parsed.byte_counts, **parsed.launches[0].byte_counts}
    assert {name: len(content) for name, content in data.items()} == counts


async def test_a_later_follower_begins_where_the_first_left_off(phone: LocalPhone) -> None:
    await start(phone, "echo 0123456789; echo abc >&2")
    await phone.finished("r1")
    data, end = await followed(phone, 1, 5, 2, 1, 1)
    assert (data["stdout"], data["stderr"]) == (b"456789\n", b"bc\n")
    assert isinstance(end, Ended)


async def test_a_run_without_supervisor_ends_with_its_cause(phone: LocalPhone) -> None:
    run = await start(phone, "echo said; sleep 60")
    await phone.wait_for(run / "1/pid")
    await phone.script(
        f"n=0; until [ -s '{run}/1/stdout' ] || [ $n -ge 200 ]; do n=$((n+1)); sleep 0.05; done"
    )
    supervisor = int(parse_fields((run / "supervisor").read_bytes())["pid"])
    os.killpg(supervisor, signal.SIGKILL)
    data, end = await followed(phone)
    assert data["stdout"] == b"said\n"
    assert isinstance(end, Vanished)
    fields = parse_fields(end.text)
    assert fields["cause"] == "agent_killed"
    assert fields["uptime"] == "34560000.25"


async def test_a_run_that_was_not_started_cannot_be_followed(phone: LocalPhone) -> None:
    refused = await phone.ctl("follow", "r1", NONCE, "1", "1", "1", "1", "1")
    assert refused.status == AgentExit.NO_RUN
    assert b"not started" in refused.stderr


@pytest.mark.slow
async def test_a_file_beyond_4_gib_is_counted_and_read_at_its_end(tmp_path: Path) -> None:
    async with local_phone(tmp_path) as phone:
        (phone.bin / "truncate").symlink_to((phone.bin / "tail").readlink())
        out = phone.run_dir("r1") / "1/stdout"
        await start(phone, f"truncate -s {BIG} '{out}'; echo tail >>'{out}'")
        await phone.finished("r1")
        assert phone.end().launches[0].byte_counts["stdout"] == BIG + 5
        # toybox' tail reads from the beginning, at a few hundred MB/s.
        data, ended = await followed(phone, 1, BIG + 1, 1, 1, 1, timeout_s=300)
        assert data["stdout"] == b"tail\n"
        assert isinstance(ended, Ended)
