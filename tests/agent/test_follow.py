"""`ctl.sh follow`: the files of a run as one stream."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from devicehub.runner.contract import AgentExit
from devicehub.runner.exits import parse_exit, parse_fields, parse_launch_exit
from devicehub.runner.frames import Data, Ended, FrameDecoder, FrameEvent, LaunchText, Tick, Vanished
from tests.agent.local_phone import sh, spec_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.local_phone import LocalPhone

NONCE = "c0ffee" * 6


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


async def start(phone: LocalPhone, script: str, launches: int = 1) -> Path:
    run = phone.prepare(spec_of(phone, *sh(phone, script), launches=launches))
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


async def test_every_launch_is_followed_to_its_end_before_the_next(phone: LocalPhone) -> None:
    await start(phone, "echo out; echo err >&2; sleep 0.5; echo $$", launches=3)
    done = await phone.sh(phone.agent / "ctl.sh", "follow", "r1", NONCE, *["1"] * 5, timeout_s=60)
    events = [e for e in FrameDecoder(NONCE).receive(done.stdout) if not isinstance(e, Tick)]
    order = [e.launch for e in events if isinstance(e, Data) and e.launch]
    assert order == sorted(order)
    ends = [parse_launch_exit(e.exit_text) for e in events if isinstance(e, LaunchText)]
    assert [end.number for end in ends if end] == [1, 2, 3]
    for number in (1, 2, 3):
        last = max(i for i, e in enumerate(events) if isinstance(e, Data) and e.launch == number)
        told = [i for i, e in enumerate(events) if isinstance(e, LaunchText)][number - 1]
        assert last < told
    assert isinstance(events[-1], Ended)


async def test_a_follower_may_begin_in_a_later_launch_or_after_the_last(phone: LocalPhone) -> None:
    await start(phone, "echo 0123456789", launches=3)
    await phone.finished("r1")
    whole = phone.end()
    done = await phone.sh(
        phone.agent / "ctl.sh", "follow", "r1", NONCE, "2", "4", "1", "1", "1", timeout_s=60
    )
    events = list(FrameDecoder(NONCE).receive(done.stdout))
    out = [(e.launch, e.data) for e in events if isinstance(e, Data) and e.stream == "stdout"]
    assert out == [(2, b"3456789\n"), (3, b"0123456789\n")]
    sizes = [str(whole.byte_counts[name] + 1) for name in ("log", "samples")]
    data, end = await followed(phone, 4, 1, 1, *map(int, sizes))
    assert (data, isinstance(end, Ended)) == ({}, True)


async def test_a_log_that_outgrows_its_bound_is_cut_and_told(phone: LocalPhone) -> None:
    script = (phone.agent / "supervise.sh").read_text()
    (phone.agent / "supervise.sh").write_text(script.replace("LOG_BLOCKS=262144", "LOG_BLOCKS=8"))
    (phone.bin / "logcat").write_text(f"#!{phone.bin}/sh\nexec cat /dev/zero\n")
    await start(phone, "sleep 1")
    data, end = await followed(phone)
    assert isinstance(end, Ended)
    assert len(data["log"]) == 8 * 512
    assert (phone.end().log_captured, phone.end().log_wrapped) == (False, True)


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


async def test_a_run_that_was_claimed_and_never_came_up_is_followed_to_its_loss(phone: LocalPhone) -> None:
    run = phone.prepare(spec_of(phone))
    (run / "claim").write_text("999999 1 b00t-0000\n")
    data, end = await followed(phone)
    assert data == {}
    assert isinstance(end, Vanished)
    assert parse_fields(end.text)["cause"] == "rebooted"
    assert parse_fields(end.text)["state"] == "lost"
