"""Scenario files: what is refused and where, and that their words are those of the faults."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from devicehub.clock import SystemClock
from devicehub.errors import ConfigError, InputError
from devicehub.sim.android.electrics import BatterySpec
from devicehub.sim.android.thermal import ThermalSpec
from devicehub.sim.engine.speeds import Rule
from devicehub.sim.faults import Faults
from devicehub.sim.phone import PhoneSpec, VirtualPhone, virtual_phone
from devicehub.sim.scenario import EVENTS, Event, Moment, play, read_scenario
from tests.sim.desk import desk_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NO_FAULTS = {"processes"}
"""What Faults offers beside faults; and all that begins with `when_`."""


def _write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    return file


def test_every_fault_has_its_word_with_the_same_arguments() -> None:
    faults: dict[str, Callable[..., object]] = {
        name: method
        for name, method in inspect.getmembers(Faults, inspect.isfunction)
        if not name.startswith(("_", "when_")) and name not in _NO_FAULTS
    }
    faults["set_engine_script"] = VirtualPhone.set_engine_script
    assert set(EVENTS) == set(faults)
    for word, kind in EVENTS.items():
        own = [name for name in kind.__struct_fields__ if name not in Event.__struct_fields__]
        parameters = list(inspect.signature(faults[word]).parameters)[1:]
        assert sorted(own) == sorted(parameters), word


def test_a_file_with_everything(tmp_path: Path) -> None:
    scenario = read_scenario(
        _write(
            tmp_path,
            """
            [phone]
            usb_mode = "mtp"
            data_mib = 64

            [[fault]]
            do = "cable_out"
            when = { process = "llm_demo" }
            after_s = 1.5
            phone = 2

            [[fault]]
            do = "kill"
            piece = "supervise.sh"
            number = 15
            when = 3

            [[fault]]
            do = "set_engine_script"
            script = { token_ms = 50.0 }

            [[fault]]
            do = "set_engine_script"
            [[fault.script.rules]]
            model = "demo*"
            config = { thread_num = 1 }
            decode = 0.5
            """,
        ),
        phones=2,
    )
    assert scenario.phone.apply(PhoneSpec(serialno="A")) == PhoneSpec(
        serialno="A", usb_mode="mtp", data_mib=64
    )
    out, kill, slow, ruled = scenario.events
    assert (out.word, out.when, out.after_s, out.phone) == ("cable_out", Moment(process="llm_demo"), 1.5, 2)
    assert (kill.word, kill.when, kill.arguments()["piece"]) == ("kill", 3, "supervise.sh")
    assert slow.arguments()["script"].token_ms == 50
    assert ruled.arguments()["script"].rules == [Rule(model="demo*", config={"thread_num": 1}, decode=0.5)]


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("[phones]", "phones", "unknown field"),
        ("[phone.thermal]\nambient = 30", "phone.thermal.ambient", "unknown field"),
        ("[phone.thermal]\ntime_constant_s = 0", "phone.thermal", "above 0"),
        ("[[fault]]\ndo = 'warm_to'", "fault[0]", "missing required field `skin_c`"),
        ("[phone]\nusb = 1", "phone.usb", "unknown field"),
        ("[phone]\nusb_mode = 'mtb'", "phone.usb_mode", "Invalid enum value"),
        ("[[fault]]\ndo = 'cable_ot'", "fault[0].do", "did you mean cable_out?"),
        ("[[fault]]\nwhen = 1", "fault[0].do", "None is no fault"),
        ("[[fault]]\ndo = 'thaw'\nfor = 3", "fault[0].for", "unknown field"),
        (
            "[[fault]]\ndo = 'set_engine_script'\nscript.rules = [{ decode = 0 }]",
            "fault[0].script.rules[0].decode",
            "> 0",
        ),
        (
            "[[fault]]\ndo = 'set_engine_script'\nscript.speed = { decode = 9 }",
            "fault[0].script.speed.decode",
            "unknown field",
        ),
        ("[[fault]]\ndo = 'suspend'", "fault[0]", "missing required field `seconds`"),
        ("[[fault]]\ndo = 'thaw'\nwhen = { proces = 'x' }", "fault[0].when.proces", "unknown field"),
        ("[[fault]]\ndo = 'thaw'\nwhen = { size = 1 }", "fault[0].when", "exactly one"),
        ("[[fault]]\ndo = 'thaw'\nphone = 3", "fault[0].phone", "only 1 to 2"),
        ("[[fault]]\ndo = 'kill'\npiece = 'x'\nnumber = 99", "fault[0]", "99"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(text: str, key: str, problem: str, tmp_path: Path) -> None:
    file = _write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_scenario(file, phones=2)
    assert (caught.value.file, caught.value.key) == (file, key)
    assert problem in caught.value.problem


def test_a_file_that_is_no_toml_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_scenario(_write(tmp_path, "\n= 3"), phones=1)
    assert caught.value.line == 2
    with pytest.raises(InputError):
        read_scenario(tmp_path / "none", phones=1)


def test_how_phones_warm_and_empty_their_battery(tmp_path: Path) -> None:
    text = """
        [phone]
        plugged = false
        usb_speed = "super-speed"
        thermal = { ambient_c = 31.5, time_constant_s = 20, caps = [1, 1, 0.5, 0.5, 0.5, 0.5, 0.5] }
        battery = { current_unit = "mA", discharging = "positive", hidden = ["voltage_now"] }

        [[fault]]
        do = "warm_to"
        skin_c = 44
        when = { status = 2 }
        """
    scenario = read_scenario(_write(tmp_path, text), phones=1)
    caps = (1, 1, 0.5, 0.5, 0.5, 0.5, 0.5)
    assert scenario.phone.apply(PhoneSpec()) == PhoneSpec(
        plugged=False,
        usb_speed="super-speed",
        thermal=ThermalSpec(ambient_c=31.5, time_constant_s=20, caps=caps),
        battery=BatterySpec(current_unit="mA", discharging="positive", hidden=("voltage_now",)),
    )
    assert scenario.events[0].when == Moment(status=2)
    assert scenario.events[0].arguments() == {"skin_c": 44}


async def test_a_moment_of_warmth_comes_and_what_needs_it_is_refused_elsewhere(tmp_path: Path) -> None:
    text = "[[fault]]\ndo = 'set_battery'\nlevel = 4\nwhen = { status = 2 }\n"
    text += "[[fault]]\ndo = 'warm_to'\nskin_c = 42"
    scenario = read_scenario(_write(tmp_path, text), phones=2)
    specs = [PhoneSpec(mode="portable", thermal=ThermalSpec()), PhoneSpec(mode="portable", serialno="B")]
    said: list[str] = []
    async with virtual_phone(specs[0], keys=[]) as warm, virtual_phone(specs[1], keys=[]) as plain:
        await play(scenario, [warm, plain], clock=SystemClock(), say=said.append)
        assert warm.system.battery["level"] == "4"
        assert plain.system.battery["level"] != "4"
    assert sum("B: " in line and "no warmth of its own" in line for line in said) == 2


async def test_faults_happen_at_their_moments_and_impossible_ones_are_said(tmp_path: Path) -> None:
    text = """
        [[fault]]
        do = "set_battery"
        level = 3
        when = { file = "mark*" }

        [[fault]]
        do = "kill"
        piece = "sleep 1100"
        when = { process = "sleep 1100" }

        [[fault]]
        do = "set_free"
        free_kib = 0
        when = { gone = "sleep 1100" }
        """
    scenario = read_scenario(_write(tmp_path, text), phones=1)
    said: list[str] = []
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        script = (
            "cd /data/local/tmp; setsid sleep 1100 </dev/null >/dev/null 2>&1 & : > /data/local/tmp/mark1"
        )
        await desk.sh(script)
        await play(scenario, [desk.phone], clock=SystemClock(), say=said.append)
        assert "level: 3" in await desk.sh("dumpsys battery")
        assert not desk.faults.processes("sleep 1100")
    assert any("set_free: this phone has no" in line for line in said), said
