"""Android's side of the app: what is in front, what may be read, how a process ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from tests.sim.adbd.raw_client import make_key
from tests.sim.app.phones import CHAT, MODEL_ID, MODELS, PACKAGE, START, STETHO, Client, client_of
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.sim.process.shell import Mode

pytestmark = needs_demo_model

LAUNCHER = "com.android.launcher3/.uioverrides.QuickstepLauncher"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that the phones accept."""
    return make_key(tmp_path_factory.mktemp("key"))


async def _front(user: Client) -> str:
    told = await user.say("dumpsys activity activities")
    (found,) = re.findall(r"(?:topResumedActivity=|mResumedActivity: )(.*)", told)
    return found.split(" ")[2] if found != "null" else "null"


@pytest.mark.parametrize("android", [10, 14])
async def test_home_key_takes_the_app_from_the_front_and_lets_it_live(key: Path, android: int) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), android=android), key) as user:
        assert await _front(user) == LAUNCHER
        await user.say(f"am start -n {PACKAGE}/.main.MainActivity")
        assert await _front(user) == f"{PACKAGE}/.main.MainActivity"
        await user.say(f"am start -n {CHAT}")
        assert await _front(user) == CHAT
        await user.say("input keyevent BACK")
        assert await _front(user) == f"{PACKAGE}/.main.MainActivity"
        await user.say("am start -a android.settings.SETTINGS")
        assert await _front(user) == "com.android.settings/.Settings"
        await user.say("input keyevent KEYCODE_HOME")
        assert await _front(user) == LAUNCHER
        await user.wait_for_service(STETHO)
        await user.say(f"am force-stop {PACKAGE}")
        assert await _front(user) == LAUNCHER


async def test_screen_that_began_its_task_is_not_started_anew(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await user.say(START)
        await user.wait_for_log("createLLM EndLoad")
        said = await user.say(START.replace(" start ", " start -W "))
        assert "Warning: Activity not started, its current task has been brought to the front\n" in said
        assert said.endswith("Complete\n")
        said = await user.say(START.replace(" start ", " start -S "))
        assert "Warning" not in said
        told = await user.wait_for_log("chatSession loaded")
        assert f"Force stopping {PACKAGE} " in told


@pytest.mark.parametrize("unreadable", ["config.json", "folder", "link"])
async def test_configuration_that_the_app_may_not_read(key: Path, unreadable: str) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        folder = user.add_model()
        if unreadable == "folder":
            folder.chmod(0o700)
        elif unreadable == "link":
            (folder / "config.json").rename(folder / "other.json")
            (folder / "config.json").symlink_to("other.json")
        else:
            (folder / "config.json").chmod(0o600)
        await user.say(START)
        told = await user.wait_for_log("NullPointerException")
        assert "E ChatPresenter: Model load failed with unexpected error\n" in told
        assert f"{MODELS}/X/config.json: open failed: EACCES (Permission denied)" in told
        assert "BeginLoad" not in told


async def test_weights_that_the_app_may_not_read(key: Path, mode: Mode) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), mode=mode), key) as user:
        (user.add_model() / "llm.mnn.weight").chmod(0o640)
        await user.say(START)
        told = await user.wait_for_log("E ChatPresenter: Model load failed: Module load failed")
        path = f"{MODELS}/X/llm.mnn.weight"
        assert f"E MNNJNI  : [Error]: Failed to open LLM weight file (permission denied?): {path}\n" in told
        assert "D MNN_DEBUG: Model load() returned false: Module load failed for config:" in told
        assert re.search(r"LlmSession CREATED at (0x\w+), load_success=0\n(.*\n)*.*DESTROYED at \1\n", told)
        assert "EndLoad" not in told


async def test_process_that_is_killed_leaves_androids_lines_and_no_socket(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), mode="confined"), key) as user:
        user.add_model()
        await user.say(START)
        await user.wait_for_log("createLLM EndLoad")
        pid = await user.pid()
        await user.say(f"kill -SEGV {pid}")
        told = await user.wait_for_log(f"Process {PACKAGE} (pid {pid}) has died: fg  TOP", filters="-b all")
        assert (
            f"F DEBUG   : pid: {pid}, tid: {int(pid) + 21}, name: pool-1-thread-1  >>> {PACKAGE} <<<" in told
        )
        assert "F DEBUG   : signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr" in told
        assert f"I Zygote  : Process {pid} exited due to signal 11 (SIGSEGV)" in told
        assert await user.refuses(STETHO)
        assert await _front(user) == LAUNCHER
        await user.say(START)
        assert await user.pid() != pid


@pytest.mark.parametrize("android", [10, 14])
async def test_lmkd_ends_the_app_and_says_so(key: Path, android: int) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), android=android), key) as user:
        apps = user.phone.system.apps
        assert apps is not None
        assert not apps.kill_by_lmkd(PACKAGE)
        await user.say(f"am start -n {CHAT}")
        await user.wait_for_service(STETHO)
        pid = await user.pid()
        assert apps.kill_by_lmkd(PACKAGE)
        told = await user.wait_for_log(f"Process {PACKAGE} (pid {pid}) has died", filters="-b all")
        assert f"I lowmemorykiller: Kill '{PACKAGE}' ({pid}), uid 10123, oom_" in told
        assert ("rss" in told) == (android >= 11)
        assert await user.refuses(STETHO)


async def test_app_that_does_not_answer_is_told_of_and_lives(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await user.say(f"am start -n {CHAT}")
        await user.wait_for_service(STETHO)
        apps = user.phone.system.apps
        assert apps is not None
        assert apps.stop_answering(PACKAGE)
        told = await user.say("logcat -d -b system")
        assert f"E ActivityManager: ANR in {PACKAGE} ({CHAT})\n" in told
        assert f"E ActivityManager: PID: {await user.pid()}\n" in told
        assert not await user.refuses(STETHO)


async def test_dark_or_locked_screen_has_no_resumed_app(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await user.say(f"am start -n {CHAT}")
        user.phone.faults.set_screen(on=True, locked=True)
        assert await _front(user) == "null"
        assert "    mKeyguardShowing=true\n" in await user.say("dumpsys activity activities")
        user.phone.faults.set_screen(on=False)
        assert await _front(user) == "null"
        assert "mDreamingLockscreen=false" in await user.say("dumpsys window policy")
        user.phone.faults.set_screen(on=True)
        assert await _front(user) == CHAT
        assert f"  mCurrentFocus=Window{{5f2c1e0 u0 {CHAT}}}\n" in await user.say("dumpsys window")


async def test_app_outlives_adbd_and_not_its_phone(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), mode="confined", usb_mode="mtp"), key) as user:
        user.add_model()
        await user.say(START)
        await user.wait_for_log("createLLM EndLoad")
        pid = await user.pid()
        await user.phone.faults.restart_adbd()
        assert pid in (await user.say(f"pidof {PACKAGE}")).split()
        assert f"MODEL_ID={MODEL_ID}\n" in await user.dumpapp("llm", "status")
        await user.phone.faults.reboot()
        assert await user.say(f"pidof {PACKAGE}") == ""
        assert await user.refuses(STETHO)
        assert await _front(user) == LAUNCHER
        await user.say(START)
        await user.wait_for_log("createLLM EndLoad")


async def test_app_of_a_phone_that_sleeps_stands_still(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await user.say(START)
        await user.wait_for_log("createLLM EndLoad")
        assert user.phone.faults.processes(PACKAGE)
        await user.phone.faults.suspend(0.1)
        assert f"MODEL_ID={MODEL_ID}\n" in await user.dumpapp("llm", "status")


async def test_end_of_androids_own_process_ends_the_app(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        await user.say(f"am start -n {CHAT}")
        await user.wait_for_service(STETHO)
        await user.phone.faults.system_server_restart(0.0)
        assert await user.refuses(STETHO)
        assert await _front(user) == LAUNCHER


async def test_portable_phones_do_not_take_each_others_app_for_their_own(key: Path) -> None:
    async with (
        client_of(PhoneSpec(app=AppSpec(), mode="portable"), key) as one,
        client_of(PhoneSpec(app=AppSpec(), mode="portable", serialno="VIRT0002"), key) as two,
    ):
        for user in (one, two):
            await user.say(f"am start -n {CHAT}")
            await user.wait_for_service(STETHO)
        for user in (one, two):
            assert await user.say(f"pidof {PACKAGE}") == f"{await user.pid()}\n"
        await one.say(f"am force-stop {PACKAGE}")
        assert await one.say(f"pidof {PACKAGE} || echo none") == "none\n"
        assert await two.say(f"pidof {PACKAGE}") == f"{await two.pid()}\n"


async def test_app_ends_with_its_phone(key: Path, mode: Mode) -> None:
    async with client_of(PhoneSpec(app=AppSpec(), mode=mode), key) as user:
        user.add_model()
        await user.say(START)
        await user.wait_for_log("createLLM BeginLoad")
        root = user.phone.root
    assert not root.exists()


async def test_model_id_without_a_name_closes_the_screen(key: Path) -> None:
    async with client_of(PhoneSpec(app=AppSpec()), key) as user:
        user.add_model()
        await user.say(f"am start -n {CHAT} --es modelId {MODEL_ID}")
        await user.wait_for_service(STETHO)
        assert "SESSION_PRESENT=false\n" in await user.dumpapp("llm", "status")
        assert "BeginLoad" not in await user.say("logcat -d")
