import os
import stat
from pathlib import Path

import pytest

from devicehub.api.hubfile import (
    HubFile,
    find_running,
    is_locked,
    only_hub,
    only_starter,
    publish,
    read,
    withdraw,
)
from devicehub.errors import ConfigError, HubUnreachable
from devicehub.settings import Home
from tests.manual_clock import ManualClock

HUB = HubFile(url="ws://127.0.0.1:4711", pid=12, version="1.2", epoch="e")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def test_hub_is_found_while_it_holds_its_lock(home: Home) -> None:
    async with only_hub(home, ManualClock()):
        assert is_locked(home)
        assert find_running(home) is None
        publish(home, HUB)
        assert find_running(home) == HUB
        assert stat.S_IMODE(home.hub_file.stat().st_mode) == 0o600
        assert [file.name for file in home.root.iterdir() if "json" in file.name] == ["hub.json"]
    assert not is_locked(home)


async def test_file_of_a_killed_hub_is_no_hub(home: Home) -> None:
    home.root.mkdir()
    publish(home, HUB)
    assert read(home) == HUB
    assert find_running(home) is None


async def test_new_hub_takes_the_file_of_a_killed_one_away(home: Home) -> None:
    home.root.mkdir()
    publish(home, HUB)
    async with only_hub(home, ManualClock()):
        assert find_running(home) is None


async def test_second_hub_is_told_of_the_first(home: Home) -> None:
    async with only_hub(home, ManualClock()):
        publish(home, HUB)
        with pytest.raises(HubUnreachable, match="process 12, at ws://"):
            async with only_hub(home, ManualClock()):
                pass
        assert find_running(home) == HUB


async def test_second_starter_waits_and_then_gives_up(home: Home) -> None:
    clock = ManualClock()
    async with only_starter(home, clock, deadline_s=0):
        with pytest.raises(HubUnreachable, match="another command"):
            async with only_starter(home, clock, deadline_s=3):
                pass
        assert clock.monotonic_s() >= 3
    async with only_starter(home, clock, deadline_s=0):
        pass


async def test_only_its_own_file_is_withdrawn(home: Home) -> None:
    home.root.mkdir()
    publish(home, HUB)
    withdraw(home, HubFile(url=HUB.url, pid=13, version="1.2"))
    assert read(home) == HUB
    withdraw(home, HUB)
    withdraw(home, HUB)
    assert read(home) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"url": 3}',
        '{"url": "ws://127.0.0.1:1", "pid": 0, "version": "1"}',
        '{"url": "ws://127.0.0.1", "pid": 1, "version": "1"}',
        '{"url": "ws://10.0.0.1:1", "pid": 1, "version": "1"}',
        '{"url": "ws://127.0.0.1.evil.org:1", "pid": 1, "version": "1"}',
        '{"url": "ws://127.0.0.1@evil.org:1", "pid": 1, "version": "1"}',
        '{"url": "http://127.0.0.1:1", "pid": 1, "version": "1"}',
        '{"url": "ws://127.0.0.1:99999", "pid": 1, "version": "1"}',
        '{"url": "ws://[127.0.0.1:1", "pid": 1, "version": "1"}',
    ],
)
def test_damaged_file_is_not_trusted(home: Home, text: str) -> None:
    home.root.mkdir()
    home.hub_file.write_text(text)
    home.hub_file.chmod(0o600)
    with pytest.raises(ConfigError, match=r"hub\.json"):
        read(home)


def test_file_that_others_may_read_is_not_trusted(home: Home) -> None:
    home.root.mkdir()
    publish(home, HUB)
    home.hub_file.chmod(0o640)
    with pytest.raises(ConfigError, match="not this user's alone"):
        read(home)


def test_link_in_place_of_the_file_is_not_followed(home: Home, tmp_path: Path) -> None:
    home.root.mkdir()
    publish(home, HUB)
    home.hub_file.rename(tmp_path / "elsewhere")
    home.hub_file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(home)


def test_pipe_in_place_of_the_file_does_not_hang(home: Home) -> None:
    home.root.mkdir()
    os.mkfifo(home.hub_file, 0o600)
    with pytest.raises(ConfigError, match="is no file"):
        read(home)
