"""Commands: quoting, the streams of shell v2, and shell v1 with its status line."""

import asyncio
import struct
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.adb import shell
from devicehub.adb.shell import ShellResult, ShellV1
from devicehub.adb.wire import Exit, Stderr, Stdout
from devicehub.errors import (
    AdbError,
    AdbProtocolError,
    AdbRefused,
    AdbTimeout,
    DeviceGone,
    InputError,
    ShellFailed,
)
from devicehub.units import MIB
from tests.adb.fake_server import FakeServer, Peer, Service, fake_server

NO_NUL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


def phone(service: Service, *, features: str = "shell_v2") -> FakeServer:
    return FakeServer(phone={"shell": service}, features=features)


def printing(*packets: tuple[int, bytes]) -> Service:
    async def service(peer: Peer) -> None:
        for packet in packets:
            await peer.say_shell(*packet)
        await peer.reader.read()

    return service


@given(st.lists(NO_NUL, min_size=1, max_size=4))
def test_quoted_arguments_arrive_unchanged_in_a_posix_shell(arguments: list[str]) -> None:
    line = shell.quote(["printf", "%s\\0", *arguments])
    printed = subprocess.check_output(["/bin/sh", "-c", line])
    assert printed.decode().split("\0")[:-1] == arguments


def test_argument_with_nul_is_refused() -> None:
    with pytest.raises(InputError, match="NUL"):
        shell.quote(["echo", "a\0b"])


async def test_script_with_nul_is_refused() -> None:
    async with fake_server(phone(printing())) as server:
        with pytest.raises(InputError, match="NUL"):
            await shell.run_script(server.client.transport(serial="P1"), "a\0b", timeout_s=5)


@pytest.mark.parametrize("status", [0, 7, 127, 137, 255])
async def test_streams_and_status_are_separate(status: int) -> None:
    service = printing((1, b"out"), (2, b"err"), (1, b"put\n"), (3, bytes([status])))
    async with fake_server(phone(service)) as server:
        result = await shell.run(server.client.transport(serial="P1"), ["a b", "$x"], timeout_s=5)
    assert result == ShellResult(b"output\n", b"err", status)
    assert server.requests[-1] == "shell,v2,raw:'a b' '$x'"


async def echo_until_closed(peer: Peer) -> None:
    """cat: stdin packets come back as stdout, CloseStdin ends it."""
    while (packet := await peer.shell_packet())[0] == 0:
        await peer.say_shell(1, packet[1])
    assert packet == (4, b"")
    await peer.say_shell(3, b"\0")


async def test_stdin_and_output_larger_than_all_buffers_flow_at_the_same_time() -> None:
    data = bytes(range(256)) * (8 * MIB // 256)
    async with fake_server(phone(echo_until_closed)) as server:
        result = await shell.run(server.client.transport(serial="P1"), ["cat"], stdin=data, timeout_s=60)
    assert result.stdout == data


async def test_no_stdin_is_closed_at_once() -> None:
    async with fake_server(phone(echo_until_closed)) as server:
        result = await shell.run(server.client.transport(serial="P1"), ["cat"], timeout_s=5)
    assert result == ShellResult(b"", b"", 0)


async def test_command_that_ends_without_reading_its_stdin_has_a_status() -> None:
    async def service(peer: Peer) -> None:
        await peer.exactly(10)
        await peer.say(struct.pack("<BIB", 3, 1, 5))

    async with fake_server(phone(service)) as server:
        transport = server.client.transport(serial="P1")
        result = await shell.run(transport, ["x"], stdin=bytes(4 * MIB), timeout_s=30)
    assert result.status == 5


async def test_stream_that_ends_without_status_is_the_phone_s_going() -> None:
    async def service(peer: Peer) -> None:
        await peer.say_shell(1, b"partial")

    async with fake_server(phone(service)) as server:
        with pytest.raises(DeviceGone, match="P1 vanished during shell"):
            await shell.run(server.client.transport(serial="P1"), ["x"], stdin=b"abc", timeout_s=5)


async def test_garbage_names_the_phone() -> None:
    async with fake_server(phone(printing((99, b"")))) as server:
        with pytest.raises(AdbProtocolError, match="P1: no shell v2 packet during shell"):
            await shell.run(server.client.transport(serial="P1"), ["x"], timeout_s=5)


async def test_command_that_does_not_end_is_given_up() -> None:
    async with fake_server(phone(printing((1, b"x")))) as server:
        with pytest.raises(AdbTimeout, match=r"P1: no end within 0\.2 s during shell `sleep 9`"):
            await shell.run(server.client.transport(serial="P1"), ["sleep", "9"], timeout_s=0.2)


async def test_output_over_its_bound_is_refused() -> None:
    async with fake_server(phone(printing((1, b"x" * 600), (2, b"x" * 600)))) as server:
        with pytest.raises(AdbError, match=r"more than 1\.0 kB"):
            await shell.run(server.client.transport(serial="P1"), ["x"], timeout_s=5, max_output=1000)


async def test_script_longer_than_a_request_is_refused_with_its_size() -> None:
    async with fake_server(phone(printing())) as server:
        with pytest.raises(AdbProtocolError, match="65550 bytes"):
            await shell.run_script(server.client.transport(serial="P1"), "x" * 65537, timeout_s=5)


async def test_check_raises_with_argv_status_and_what_it_said() -> None:
    async with fake_server(phone(printing((2, b"no such thing\n"), (3, b"\x01")))) as server:
        with pytest.raises(ShellFailed, match="P1: `cp 'a b' c` ended with status 1: no such thing"):
            await shell.check(server.client.transport(serial="P1"), ["cp", "a b", "c"], timeout_s=5)


async def test_open_shell_gives_output_while_the_command_waits_for_more_stdin() -> None:
    async with (
        fake_server(phone(echo_until_closed)) as server,
        shell.open_shell(server.client.transport(serial="P1"), "cat") as running,
    ):
        events = aiter(running)
        await running.write_stdin(b"one")
        assert await anext(events) == Stdout(b"one")
        await running.write_stdin(b"two")
        assert await anext(events) == Stdout(b"two")
        await running.close_stdin()
        assert [event async for event in events] == [Exit(0)]


async def test_cancelling_a_command_hangs_up() -> None:
    hung_up = asyncio.Event()

    async def service(peer: Peer) -> None:
        await peer.reader.read()
        hung_up.set()

    async with fake_server(phone(service)) as server:
        running = asyncio.ensure_future(shell.run(server.client.transport(serial="P1"), ["x"], timeout_s=60))
        while "shell,v2,raw:x" not in server.requests:
            await asyncio.wait([running], timeout=0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(10):
            await hung_up.wait()


def on_a_terminal(change: Callable[[bytes], bytes] = bytes) -> Service:
    """adbd of shell v1: runs the line in this host's sh, mixes both streams, ends lines with CR LF."""

    async def service(peer: Peer) -> None:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", peer.service.removeprefix("shell:"), stdout=-1, stderr=-2, stdin=-3
        )
        output, _ = await process.communicate()
        for byte in change(output.replace(b"\n", b"\r\n")):
            await peer.say(bytes([byte]))

    return service


@pytest.mark.parametrize(
    ("script", "stdout", "status"),
    [
        ("echo a; echo b >&2; exit 7", b"a\r\nb\r\n", 7),
        ("printf 'no newline'", b"no newline", 0),
        ("printf devicehub-; printf devicehub-0", b"devicehub-devicehub-0", 0),
        ("nosuchcommand 2>/dev/null", b"", 127),
    ],
)
async def test_shell_v1_gives_the_status_behind_any_output(script: str, stdout: bytes, status: int) -> None:
    async with fake_server(phone(on_a_terminal(), features="")) as server:
        result = await shell.run_script(server.client.transport(serial="P1"), script, timeout_s=10)
    assert result == ShellResult(stdout, b"", status)


async def test_shell_v1_gives_the_status_of_a_killed_script() -> None:
    async with fake_server(phone(on_a_terminal(), features="")) as server:
        result = await shell.run_script(server.client.transport(serial="P1"), "kill -9 $$", timeout_s=10)
    assert result.status == 137


async def test_shell_v1_without_status_line_is_the_phone_s_going() -> None:
    async with fake_server(phone(on_a_terminal(lambda output: output[:-4]), features="")) as server:
        with pytest.raises(DeviceGone):
            await shell.run(server.client.transport(serial="P1"), ["echo", "a"], timeout_s=10)


async def test_shell_v1_refuses_stdin() -> None:
    async with fake_server(phone(on_a_terminal(), features="")) as server:
        with pytest.raises(AdbRefused, match="takes no stdin"):
            await shell.run(server.client.transport(serial="P1"), ["cat"], stdin=b"x", timeout_s=10)


def test_shell_v1_events_do_not_depend_on_the_cut() -> None:
    data = b"a devi devicehub-00-stat devicehub-0devicehub-00-status=137\r\nlate output"
    for cut in range(len(data) + 1):
        decoder = ShellV1(b"devicehub-00-status=")
        events = [*decoder.receive(data[:cut])]
        if not any(isinstance(event, Exit) for event in events):
            events += decoder.receive(data[cut:])
        assert not any(isinstance(event, Stderr) for event in events)
        output = b"".join(event.data for event in events if isinstance(event, Stdout))
        assert (output, events[-1]) == (b"a devi devicehub-00-stat devicehub-0", Exit(137))


@pytest.mark.parametrize("status", [b"\n", b"x\n", b"-1\n", b"1234\n", b"123456789"])
def test_shell_v1_status_that_is_none_is_refused(status: bytes) -> None:
    with pytest.raises(AdbProtocolError):
        list(ShellV1(b"M=").receive(b"M=" + status))


@pytest.mark.parametrize(
    ("term", "service"),
    [
        ("xterm-256color", "shell,v2,TERM=xterm-256color,pty:"),
        ("screen.linux", "shell,v2,TERM=screen.linux,pty:"),
        ("", "shell,v2,pty:"),
        ("a,pty:reboot", "shell,v2,pty:"),
        (None, "shell,v2,pty:"),
    ],
)
async def test_terminal_is_named_and_given_its_size(term: str | None, service: str) -> None:
    async def sized(peer: Peer) -> None:
        assert await peer.shell_packet() == (5, b"50x120,0x0\0")
        await peer.say_shell(3, b"\x04")

    async with (
        fake_server(phone(sized)) as server,
        shell.open_shell(server.client.transport(serial="P1"), "", terminal=True, term=term) as opened,
    ):
        await opened.resize(120, 50)
        assert [event async for event in opened] == [Exit(4)]
    assert server.requests[-1] == service
