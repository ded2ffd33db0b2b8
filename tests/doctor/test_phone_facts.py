"""What phones answer to the one script: whole, broken off, garbage, from virtual ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.doctor.phone_facts import parse_phone, phone_script
from devicehub.sim.phone import PhoneSpec, virtual_phone

if TYPE_CHECKING:
    from devicehub.doctor.phone_facts import PhoneFacts

BETWEEN = "--devicehub-8c41ae--"


def answer(**parts: str) -> bytes:
    """The script's answer with these parts, the others empty."""
    questions = phone_script("/data/local/tmp").count(BETWEEN) + 1
    own = ["clock", "thermal", "settings", "dsp", "public", "booted", "front", "home", "end"]
    texts = [""] * (questions - len(own)) + [parts.get(name, "") for name in own]
    return f"\n{BETWEEN}\n".join(texts).encode()


def test_a_phones_words_are_read() -> None:
    facts = parse_phone(
        answer(
            clock="1795474000\n",
            thermal="Thermal Status: 3\n",
            settings="stay_on_while_plugged_in=7\nverifier_verify_adb_installs=null\npath=/x y\n",
            dsp="/vendor/lib64/libcdsprpc.so\nend\n",
            public="libOpenCL.so\nend\n",
            booted="1\n",
            front="    mResumedActivity: ActivityRecord{1a u0 com.game/.Main t12}\n",
            home="priority=0 preferredOrder=0\ncom.launcher/.Home\n",
            end="answered\n",
        )
    )
    assert facts.whole
    assert (facts.wall_s, facts.thermal_status, facts.booted) == (1_795_474_000, 3, True)
    assert facts.settings == {"stay_on_while_plugged_in": "7", "verifier_verify_adb_installs": "null"}
    assert facts.dsp == ("/vendor/lib64/libcdsprpc.so",)
    assert facts.public_opencl is True
    assert (facts.front, facts.home) == ("com.game", "com.launcher")


def test_an_answer_that_broke_off_is_not_whole_and_knows_less() -> None:
    facts = parse_phone(answer(clock="1795474000", dsp="end", public="end", end="answered")[:-40])
    assert not facts.whole
    assert facts.wall_s == 1_795_474_000
    assert facts.booted is None


def test_libraries_that_are_not_there_differ_from_a_question_that_was_not_answered() -> None:
    assert parse_phone(answer(dsp="end\n", public="end\n")).dsp == ()
    assert parse_phone(answer(public="end\n")).public_opencl is False
    assert parse_phone(answer()).dsp is None
    assert parse_phone(answer()).public_opencl is None


@given(st.binary(max_size=400) | st.lists(st.binary(max_size=40)).map(BETWEEN.encode().join))
def test_garbage_raises_nothing(output: bytes) -> None:
    facts: PhoneFacts = parse_phone(output)
    assert facts.thermal_status is None or 0 <= facts.thermal_status <= 6


@pytest.mark.parametrize("android", [8, 14])
async def test_a_virtual_phone_answers_the_script_to_its_end(android: int) -> None:
    async with (
        private_server() as server,
        virtual_phone(PhoneSpec(android=android), keys=[server.key_path]) as phone,
    ):
        client = AdbClient(server.address)
        await client.connect(phone.address)
        transport = client.transport(serial=phone.address)
        result = await shell.run_script(transport, phone_script("/data/local/tmp"), timeout_s=60)
    facts = parse_phone(result.stdout)
    assert facts.whole
    assert facts.wall_s is not None
    assert facts.booted is True
    assert facts.state.battery.level_percent is not None
    assert facts.thermal_status == (None if android == 8 else 0)
