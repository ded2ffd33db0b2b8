"""The app from `am start` to its end: the lines that MNN's own sources print, and nothing left behind.

Lines and their places: llm_mnn_jni.cpp:106-139 (load), llm_session.cpp:225-234, 291, 300, 364 (reply) of
apps/Android/MnnLlmChat in MNN.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from tests.sim.adbd.raw_client import make_key
from tests.sim.app.phones import CHAT, MODEL_ID, PACKAGE, START, STETHO, client_of
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.sim.process.shell import Mode

pytestmark = needs_demo_model


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that the phones accept."""
    return make_key(tmp_path_factory.mktemp("key"))


async def test_start_loads_the_model_and_says_so(key: Path, mode: Mode) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), mode=mode), key) as user:
        user.add_model()
        assert await user.say(START) == f"Starting: Intent {{ cmp={CHAT} (has extras) }}\n"
        told = await user.wait_for_log("createLLM EndLoad", filters="MNN_DEBUG:V *:S")
        pid = await user.pid()
        assert pid in (await user.say(f"pidof {PACKAGE}")).split()
        lines = re.findall(rf" 10123 +{pid} +\d+ D MNN_DEBUG: (.*)", told)
        assert lines[0] == "createLLM BeginLoad /data/local/tmp/mnn_models/X/config.json"
        assert lines[1].startswith('extra_config: {"llm_model": "llm.mnn"')
        assert lines[2].startswith("dumped config: {")
        created = re.fullmatch(r"LIFECYCLE: LlmSession CREATED at (0x[0-9a-f]{16}), load_success=1", lines[3])
        assert created is not None
        assert re.fullmatch(r"createLLM EndLoad -\d+ ", lines[4])
        assert str(user.phone.root) not in told


async def test_reply_to_llm_run_with_the_apps_configuration_has_a_perf_line(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await user.say(START)
        await user.wait_for_log("createLLM EndLoad")
        said = await user.dumpapp("llm", "run", MODEL_ID, "What is DeviceHub?", "--use-app-config")
        rows = dict(line.partition("=")[::2] for line in said.splitlines() if "=" in line)
        assert rows["RESULT"] == "OK"
        assert rows["MODEL_ID"] == MODEL_ID
        answer = said.partition("RESPONSE_BEGIN\n")[2].partition("\nRESPONSE_END\n")[0]
        assert answer.startswith("DeviceHub ")
        told = await user.say("logcat -d MNN_DEBUG:V *:S")
        perf = re.search(
            r"PERF \| prefill: (\d+) tok in \d+\.\d\ds \(\d+\.\d t/s\)"
            r" \| decode: (\d+) tok in \d+\.\d\ds \(\d+\.\d t/s\) \| history: 3 msgs\n",
            told,
        )
        assert perf is not None
        assert int(perf[2]) >= len(answer.split())


async def test_plain_llm_run_has_no_perf_line(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await user.say(f"am start -n {PACKAGE}/.main.MainActivity")
        await user.wait_for_service(STETHO)
        said = await user.dumpapp("llm", "run", MODEL_ID, "What is DeviceHub?")
        assert said.startswith("RESULT=OK\nSESSION_PRESENT=true\nSESSION_SOURCE=service_runtime\n")
        told = await user.say("logcat -d MNN_DEBUG:V *:S")
        assert "ResponseWithHistory Result DeviceHub " in told
        assert "PERF" not in told


async def test_force_stop_ends_the_process_and_its_sockets(key: Path, mode: Mode) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), mode=mode), key) as user:
        user.add_model()
        await user.say(START)
        await user.wait_for_log("createLLM EndLoad")
        assert not await user.refuses(STETHO)
        pid = await user.pid()
        await user.say(f"am force-stop {PACKAGE}")
        assert await user.refuses(STETHO)
        assert pid not in (await user.say(f"pidof {PACKAGE}")).split()
        told = await user.say("logcat -d")
        assert f"Killing {pid}:{PACKAGE}/u0a123 (adj 0): stop {PACKAGE} due to from pid " in told


async def test_screen_of_a_missing_app_does_not_exist(key: Path) -> None:
    async with client_of(PhoneSpec(), key) as user:
        said = await user.say(f"{START}; echo $?")
        assert said.endswith(
            "Error type 3\nError: Activity class"
            f" {{{PACKAGE}/{PACKAGE}.chat.ChatActivity}} does not exist.\n1\n"
        )
        assert await user.refuses(STETHO)
        assert (await user.say(f"pm path {PACKAGE}; echo $?")) == "1\n"
