import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.screen import Screen, parse_screen

POWER = """POWER MANAGER (dumpsys power)
Power Manager State:
  mDirty=0x0
  mWakefulness=Awake
  mIsPowered=true
Settings and Configuration:
  mScreenOffTimeoutSetting=60000 (may be overridden)
Display Power: state=ON
"""
LOCKED = (
    "WINDOW MANAGER POLICY STATE (dumpsys window policy)\n    KeyguardServiceDelegate\n      showing=true\n"
)


def test_awake_and_unlocked() -> None:
    window = "    mShowingDream=false mDreamingLockscreen=false mTopFullscreenOpaqueWindowState=null\n"
    assert parse_screen(POWER, window) == Screen(on=True, locked=False, timeout_s=60.0)


@pytest.mark.parametrize("state", ["Asleep", "Dozing", "Dreaming"])
def test_a_screen_that_shows_the_time_is_off(state: str) -> None:
    assert parse_screen(POWER.replace("Awake", state), "").on is False


def test_display_tells_where_wakefulness_lacks() -> None:
    assert parse_screen("Display Power: state=OFF\n", "").on is False


@pytest.mark.parametrize(
    "window",
    [
        LOCKED,
        "mShowingLockscreen=true mShowingDream=false",
        "isStatusBarKeyguard=true",
        "mDreamingLockscreen=false isKeyguardShowing=true",
    ],
)
def test_lock_screen_under_all_its_names(window: str) -> None:
    assert parse_screen("", window).locked is True


def test_something_else_that_shows_is_no_lock_screen() -> None:
    assert parse_screen("", "    StatusBar\n      showing=true\n").locked is None


@given(st.text(), st.text())
def test_any_text(power: str, window: str) -> None:
    assert parse_screen(power, window).timeout_s is None or "mScreenOffTimeoutSetting" in power
