"""Sensors of this computer in the words that the agent and the hub read on phones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from devicehub import procs
from devicehub.android.battery import parse_battery
from devicehub.host import place
from devicehub.host.dumps import battery_lines, found_services, thermal_lines
from devicehub.host.place import HostPlace

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_temperatures_have_the_form_and_the_types_of_android() -> None:
    chips = {"coretemp": [("Package id 0", 61.0), ("", 58.25)], "nvme": [("Composite", 41.85)]}
    assert thermal_lines(chips) == [
        "Current temperatures from HAL:",
        "\tTemperature{mValue=61.0, mType=0, mName=coretemp-Package_id_0, mStatus=0}",
        "\tTemperature{mValue=58.2, mType=0, mName=coretemp-1, mStatus=0}",
        "\tTemperature{mValue=41.9, mType=-1, mName=nvme-Composite, mStatus=0}",
    ]


def test_battery_is_read_back_as_it_was_told() -> None:
    unplugged = parse_battery("\n".join(battery_lines(57.4, plugged=False)))
    assert (unplugged.level_percent, unplugged.plugged, unplugged.charge) == (57, False, "discharging")
    plugged = parse_battery("\n".join(battery_lines(100.0, plugged=True)))
    assert (plugged.level_percent, plugged.plugged, plugged.charge) == (100, True, None)
    assert parse_battery("\n".join(battery_lines(9.0, plugged=None))).plugged is None


async def test_command_is_there_for_what_there_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = HostPlace(tmp_path / "one")
    made.prepare()
    assert (made.root / "bin" / "dumpsys").exists() == bool(found_services())
    monkeypatch.setattr(place, "found_services", lambda: ["battery"])
    other = HostPlace(tmp_path / "other")
    other.prepare()
    command = other.root / "bin" / "dumpsys"
    assert sys.executable in command.read_text()
    # Of what it has nothing to tell, it says nothing, and does not wait.
    done = await procs.run([command, "window", "policy"], timeout_s=30)
    assert (done.status, done.stdout) == (1, b"")
    done = await procs.run([command, "battery"], timeout_s=30, env=other.environment())
    assert (done.status == 0) == bool(done.stdout)
    assert b"Traceback" not in done.stderr
