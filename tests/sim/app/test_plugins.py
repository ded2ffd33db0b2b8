"""What dumpapp's commands print, by MNN's sources of the debug build.

LlmDumperPlugin.kt:250-259 (status), 261-285 (ensure), 287-334 (run), 336-416 (thinking);
OpenApiDumperPlugin.kt:51-73; BenchmarkDumperPlugin.kt:102-206; ModelListDumperPlugin.kt:239-258.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from tests.sim.adbd.raw_client import make_key
from tests.sim.app.phones import MODEL_ID, MODELS, PACKAGE, STETHO, Client, client_of
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_demo_model


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that the phones accept."""
    return make_key(tmp_path_factory.mktemp("key"))


async def _open_app(user: Client) -> None:
    await user.say(f"am start -n {PACKAGE}/.main.MainActivity")
    await user.wait_for_service(STETHO)


async def test_llm_from_nothing_to_a_session_and_back(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await _open_app(user)
        nothing = (
            "RESULT=OK\nSESSION_PRESENT=false\nSESSION_SOURCE=none\nMODEL_ID=\nTHINKING_ENABLED=unknown\n"
        )
        assert await user.dumpapp("llm", "status") == nothing
        thinking = await user.dumpapp("llm", "thinking", "get")
        assert thinking == "RESULT=FAIL\nREASON=NO_ACTIVE_SESSION\nSESSION_PRESENT=false\n"
        there = f"RESULT=OK\nSESSION_PRESENT=true\nSESSION_SOURCE=service_runtime\nMODEL_ID={MODEL_ID}\n"
        assert await user.dumpapp("llm", "ensure", MODEL_ID) == f"{there}THINKING_ENABLED=true\n"
        assert await user.dumpapp("llm", "status") == f"{there}THINKING_ENABLED=true\n"
        thinking = await user.dumpapp("llm", "thinking", "set", "OFF")
        assert thinking == f"RESULT=OK\nSESSION_PRESENT=true\nMODEL_ID={MODEL_ID}\nTHINKING_ENABLED=false\n"
        released = await user.dumpapp("llm", "release")
        assert released == "RESULT=OK\nSESSION_PRESENT=false\nSESSION_SOURCE=none\n"
        told = await user.say("logcat -d MNN_DEBUG:V *:S")
        assert told.count("createLLM BeginLoad") == told.count("LlmSession DESTROYED") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["run", MODEL_ID], "MISSING_MODEL_ID_OR_PROMPT"),
        (["run", "ModelScope/MNN/Nothing", "hi", "--use-app-config"], "MODEL_CONFIG_NOT_FOUND"),
        (["ensure"], "MISSING_MODEL_ID"),
        (["ensure", f"local/{MODELS}/nothing"], "MODEL_CONFIG_NOT_FOUND"),
        (["thinking"], "MISSING_THINKING_COMMAND"),
    ],
)
async def test_llm_says_why_it_failed(key: Path, words: list[str], reason: str) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await _open_app(user)
        said = await user.dumpapp("llm", *words)
        assert said.startswith("RESULT=FAIL\n")
        assert f"REASON={reason}\n" in said


async def test_prompt_of_several_lines_and_words_is_one(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await _open_app(user)
        said = await user.dumpapp("llm", "run", MODEL_ID, "What is\nDeviceHub?", "🦆", "--use-app-config")
        assert "RESULT=OK\n" in said
        told = await user.say("logcat -d -v raw MNN_DEBUG:V *:S")
        assert "You are a helpful assistant.What is\nDeviceHub? 🦆 max_new_tokens_:2048\n" in told


async def test_former_model_is_back_after_a_run_with_the_apps_configuration(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await _open_app(user)
        await user.dumpapp("llm", "ensure", MODEL_ID)
        await user.dumpapp("llm", "run", MODEL_ID, "hi", "--use-app-config")
        assert "SESSION_PRESENT=true\n" in await user.dumpapp("llm", "status")
        told = await user.say("logcat -d MNN_DEBUG:V *:S")
        assert (told.count("createLLM EndLoad"), told.count("PERF |")) == (3, 1)


async def test_answer_cut_at_its_longest_has_no_last_callback(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        config = user.add_model() / "config.json"
        config.write_text(config.read_text().replace("{", '{"max_new_tokens": 3,', 1))
        await _open_app(user)
        said = await user.dumpapp("llm", "run", MODEL_ID, "What is DeviceHub?", "--use-app-config")
        assert "STAGE=completed_without_terminal_callback\n" in said
        assert "CHUNK_COUNT=3\nTERMINAL_CALLBACK_COUNT=0\nTERMINAL_SIGNAL=missing\n" in said
        assert "decode: 3 tok" in await user.say("logcat -d MNN_DEBUG:V *:S")


async def test_benchmark_prints_progress_and_figures(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await _open_app(user)
        assert await user.dumpapp("benchmark", "list") == "No models available\n"
        user.add_model()
        await user.dumpapp("models", "refresh")
        assert f"  {MODEL_ID}  [downloaded]\n" in await user.dumpapp("benchmark", "list")
        options = ("--prompt", "16", "--gen", "8", "--repeat", "2", "--threads", "1")
        said = await user.dumpapp("benchmark", "run", MODEL_ID, *options)
        head, _, result = said.partition("=== Result ===\n")
        assert f"Model:   {MODEL_ID}\nBackend: cpu (id=0)\nPrompt:  16 tokens\n" in head
        assert "[0%] Warming up...\n" in head
        assert "[100%] Running test 2/2 (prompt=16, generate=8)\n" in head
        assert "[100%] Benchmark completed!\n" in head
        for name in ("Prefill:  ", "Decode:   ", "Combined: "):
            assert re.search(rf"^{name}\d+\.\d\d ± \d+\.\d\d tok/s$", result, re.MULTILINE), said
        status = await user.dumpapp("benchmark", "status")
        assert f"  running: false\n  model_initialized: true\n  current_model: {MODEL_ID}\n" in status


async def test_benchmark_of_a_missing_model(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await _open_app(user)
        said = await user.dumpapp("benchmark", "run", "local/nothing")
        assert said.endswith("[ERROR] Failed to start benchmark (model not found or already running)\n")


async def test_models_are_listed_as_the_screen_shows_them(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        hidden = user.add_model("hidden")
        hidden.chmod(0o700)
        await _open_app(user)
        said = await user.dumpapp("models", "list")
        assert said.startswith("=== ModelListFragment Display (1 models) ===\n\n[1] X\n")
        assert f"    ID: {MODEL_ID}\n    Source: (local)\n" in said
        assert said.endswith("Total: 1 models\n")


async def test_openai_status_tells_the_key(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(api_key="Abcdefgh12345678")), key) as user:
        await _open_app(user)
        said = await user.dumpapp("openai", "status")
        assert said.startswith("Status: Service is NOT running (Instance is null)\n--- Config ---\n")
        assert said.endswith("Auth Enabled: true\nAPI Key: Abcdefgh12345678\n")


async def test_release_build_answers_no_dumpapp(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(debuggable=False)), key) as user:
        package = f"{PACKAGE}.release"
        said = await user.say(f"am start -n {package}/{PACKAGE}.chat.ChatActivity; pm list packages -3")
        assert said.endswith(f"package:{package}\n")
        await user.wait_for_log("Start proc")
        assert await user.refuses(STETHO)
        assert await user.refuses(STETHO.replace(PACKAGE, package))
        assert "flags=[ HAS_CODE" in await user.say(f"dumpsys package {package}")
