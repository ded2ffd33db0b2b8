"""scrcpy, played by a program that writes down how it was started."""

import json
import sys
from pathlib import Path

import pytest

from devicehub.adb.address import ServerAddress
from devicehub.errors import ProgramError
from devicehub.screen.scrcpy import Start, find_scrcpy, mirror, plan_start

HERE = ServerAddress("127.0.0.1", 5999)
STAND_IN = """#!{python}
import json, os, sys
with open({record!r}, "w") as file:
    json.dump([sys.argv, dict(os.environ)], file)
print("INFO: Device: [Acme] One (Android 15)", flush=True)
{rest}
"""


def stand_in(folder: Path, rest: str = "") -> Path:
    """A program named scrcpy; what it was given is in `record.json` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "scrcpy"
    record = str(folder / "record.json")
    program.write_text(STAND_IN.format(python=sys.executable, record=record, rest=rest))
    program.chmod(0o755)
    return program


def start(
    program: Path | str,
    *,
    address: ServerAddress = HERE,
    title: str = "Acme One · A 1",
    shared: bool = False,
) -> Start:
    environ = {"PATH": "/bin", "ANDROID_SERIAL": "other", "ADB_SERVER_SOCKET": "tcp:elsewhere:1"}
    return plan_start(
        str(program), "A 1", address=address, adb="/opt/adb", title=title, environ=environ, shared=shared
    )


async def test_it_is_told_the_phone_the_server_and_the_adb_program(tmp_path: Path) -> None:
    lines: list[str] = []
    await mirror(start(stand_in(tmp_path)), tell=lines.append)
    argv, environ = json.loads((tmp_path / "record.json").read_text())
    assert argv[1:] == ["--serial=A 1", "--window-title=Acme One · A 1"]
    assert environ["ADB"] == "/opt/adb"
    assert environ["ADB_SERVER_SOCKET"] == "tcp:127.0.0.1:5999"
    assert environ["ANDROID_ADB_SERVER_PORT"] == "5999"
    assert environ["PATH"] == "/bin"
    assert "ANDROID_SERIAL" not in environ
    assert lines == ["INFO: Device: [Acme] One (Android 15)"]


def test_server_on_another_host_carries_the_stream_too() -> None:
    planned = start("scrcpy", address=ServerAddress("10.1.2.3", 5037), title="")
    assert planned.argv == ("scrcpy", "--serial=A 1", "--tunnel-host=10.1.2.3")
    assert planned.env["ADB_SERVER_SOCKET"] == "tcp:10.1.2.3:5037"


def test_serial_that_several_phones_share_is_refused() -> None:
    with pytest.raises(ProgramError, match="several have A 1; unplug the others"):
        start("scrcpy", shared=True)


def test_it_is_found_on_path(tmp_path: Path) -> None:
    program = stand_in(tmp_path)
    assert find_scrcpy({"PATH": f"/nowhere:{tmp_path}"}) == str(program)


def test_missing_program_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"^scrcpy: is not installed on this host; install it from https"):
        find_scrcpy({"PATH": str(tmp_path)})


async def test_failure_is_told_in_its_own_words(tmp_path: Path) -> None:
    rest = "print('\\x1b[31mERROR: Server connection failed\\x1b[0m', file=sys.stderr); sys.exit(1)"
    with pytest.raises(ProgramError, match=r"ended with status 1: Server connection failed; "):
        await mirror(start(stand_in(tmp_path, rest)), tell=lambda _: None)


async def test_phone_that_goes_away_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="disconnected"):
        await mirror(start(stand_in(tmp_path, "sys.exit(2)")), tell=lambda _: None)


async def test_output_without_line_ends_is_kept_short(tmp_path: Path) -> None:
    lines: list[str] = []
    await mirror(start(stand_in(tmp_path, "print('x' * 100000, end='')")), tell=lines.append)
    assert [len(line) for line in lines[1:]] == [500]


async def test_program_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "scrcpy").write_text("no program")
    with pytest.raises(ProgramError, match="did not start"):
        await mirror(start(tmp_path / "scrcpy"), tell=lambda _: None)
