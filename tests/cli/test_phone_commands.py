"""pair, logs, shell and mirror as a user has them: each a process of its own, at a hub in the test."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from devicehub import procs
from tests.adb.fake_server import Peer
from tests.api.desk import TOKEN
from tests.api.phone_hub import Hub, hub
from tests.screen.test_scrcpy import stand_in

LINE = b"06-16 12:06:01.599  8826  8826 W MNNJNI  : hot\n"


async def phone(peer: Peer) -> None:
    """Logs for whoever reads the log, answers one command, and echoes to another."""
    if "logcat" in peer.service:
        await peer.say_shell(1, LINE.replace(b" W ", b" D ").replace(b"hot", b"cold") + LINE)
        await peer.reader.read()
    if "sh -c" in peer.service:
        await peer.say_shell(2, peer.service.encode() + b"\n")
        await peer.say_shell(3, b"\x09")
    while (packet := await peer.shell_packet())[0] == 0:
        await peer.say_shell(1, packet[1])
    await peer.say_shell(3, b"\0")


def argv_of(made: Hub, tmp_path: Path, *words: str) -> list[str]:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN + "\n")
    at = ["--hub", made.server.url, "--token-file", str(token)]
    return [sys.executable, "-m", "devicehub", words[0], *at, *words[1:]]


async def run(made: Hub, tmp_path: Path, *words: str, stdin: bytes = b"") -> procs.Completed:
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    return await procs.run(argv_of(made, tmp_path, *words), timeout_s=60, stdin=stdin, env=env)


async def test_shell_gives_streams_and_status_of_a_line_and_of_a_program(tmp_path: Path) -> None:
    async with hub(phone) as made:
        line, program = await asyncio.gather(
            run(made, tmp_path, "shell", "P1", "--", "ls | wc"),
            run(made, tmp_path, "shell", "P1", "cat", "-n", "a b", stdin=b"typed\n"),
        )
    assert (line.status, line.stdout, line.stderr) == (9, b"", b"shell,v2,raw:sh -c 'ls | wc'\n")
    assert (program.status, program.stdout, program.stderr) == (0, b"typed\n", b"")


async def test_pair_asks_for_the_code_only_on_a_terminal(tmp_path: Path) -> None:
    async with hub(phone) as made:
        right, wrong, none, nowhere = await asyncio.gather(
            run(made, tmp_path, "pair", "10.0.0.7:37123", "--code", "123456", "--json"),
            run(made, tmp_path, "pair", "10.0.0.7:37123", "--code", "000000"),
            run(made, tmp_path, "pair", "10.0.0.7:37123"),
            run(made, tmp_path, "pair", "10.0.0.7"),
        )
    assert json.loads(right.stdout)["said"] == "Successfully paired to 10.0.0.7:37123"
    assert (wrong.status, wrong.stderr) == (1, b"devicehub: 10.0.0.7:37123: wrong password\n")
    assert none.status == 2
    assert b"give it with --code" in none.stderr
    assert nowhere.status == 2
    assert b"is not HOST:PORT" in nowhere.stderr


async def test_logs_follow_until_ctrl_c(tmp_path: Path) -> None:
    async with hub(phone) as made:
        argv = argv_of(made, tmp_path, "logs", "--level", "w")
        async with procs.child(argv) as process, asyncio.timeout(60):
            assert process.stdout is not None
            assert await process.stdout.readline() == b"P1  " + LINE
            process.send_signal(2)
            assert await process.wait() == 130


async def test_mirror_starts_scrcpy_on_the_hubs_host_alone(tmp_path: Path) -> None:
    async with hub(phone) as made:
        missing = await run(made, tmp_path, "mirror", "P1")
        stand_in(tmp_path / "bin")
        shown = await run(made, tmp_path, "mirror", "P1")
        made.is_here = False
        elsewhere = await run(made, tmp_path, "mirror", "P1")
    argv, environ = json.loads((tmp_path / "bin" / "record.json").read_text())
    assert argv[1:] == ["--serial=P1", "--window-title=Acme"]
    assert (environ["ADB"], environ["ADB_SERVER_SOCKET"]) == ("/opt/adb", "tcp:127.0.0.1:5999")
    assert (shown.status, shown.stdout) == (0, b"")
    assert b"Acme" in shown.stderr
    assert (missing.status, elsewhere.status) == (1, 1)
    assert b"is not installed on this host; install it from https://" in missing.stderr
    assert b"from the hub's host only; run `devicehub mirror P1` there" in elsewhere.stderr


@pytest.mark.parametrize("words", [("shell", "P1"), ("logs",), ("mirror", "P1")])
async def test_hub_that_is_not_there_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    async with hub(phone) as made:
        gone = made
        argv = argv_of(gone, tmp_path, *words)
    ended = await procs.run(argv, timeout_s=60)
    assert ended.status == 3
    assert ended.stderr.startswith(b"devicehub: no hub answers at ws://127.0.0.1:")
    assert ended.stderr.count(b"\n") == 1
