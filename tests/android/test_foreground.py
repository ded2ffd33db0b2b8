from __future__ import annotations

import pytest

from devicehub.android.foreground import Foreground, read_foreground

APP = "com.alibaba.mnnllm.android"


@pytest.mark.parametrize(
    "line",
    [
        f"    mResumedActivity: ActivityRecord{{1a2b3c u0 {APP}/.chat.ChatActivity t12}}",
        f"  topResumedActivity=ActivityRecord{{1a2b3c u0 {APP}/.chat.ChatActivity t12}}",
        f"  ResumedActivity: ActivityRecord{{1a2b3c u10 {APP}/.chat.ChatActivity t12 f}}}}",
    ],
)
def test_the_activity_in_front_in_every_releases_words(line: str) -> None:
    assert read_foreground([line]).front == f"{APP}/.chat.ChatActivity"


def test_the_activity_that_was_paused_last_is_not_in_front() -> None:
    assert read_foreground([f"  mLastPausedActivity: ActivityRecord{{1 u0 {APP}/.Main t1}}"]).front is None


def test_of_several_resumed_activities_the_top_one_counts() -> None:
    lines = [
        "    mResumedActivity: ActivityRecord{1 u0 com.a/.A t1}",
        "  topResumedActivity=ActivityRecord{2 u0 com.b/.B t2}",
        "  ResumedActivity: ActivityRecord{3 u0 com.c/.C t3}",
    ]
    assert read_foreground(lines).front == "com.b/.B"


@pytest.mark.parametrize(
    ("line", "locked"),
    [
        ("  mKeyguardShowing=true", True),
        ("    KeyguardShowing=false AodShowing=true KeyguardGoingAway=false", False),
        ("    mShowingLockscreen=false mShowingDream=false mDreamingLockscreen=true", True),
        ("    mDreamingLockscreen=maybe", None),
    ],
)
def test_the_lock_screen(line: str, *, locked: bool | None) -> None:
    assert read_foreground([line]).locked is locked


@pytest.mark.parametrize(
    ("lines", "awake"),
    [
        (["  mWakefulness=Awake", "Display Power: state=ON"], True),
        (["  mWakefulness=Dozing"], False),
        (["  mWakefulness=Awake", "Display Power: state=DOZE"], False),
        ([], None),
    ],
)
def test_awake(lines: list[str], *, awake: bool | None) -> None:
    assert read_foreground(lines).awake is awake


def test_problems_in_order_of_what_a_person_can_mend() -> None:
    assert Foreground().problem(APP) is None
    assert Foreground(f"{APP}/.Main", True, False).problem(APP) is None
    assert Foreground(f"{APP}.release/{APP}.Main").problem(APP) is None
    assert Foreground("com.x/.Y", False, True).problem(APP) == "the screen is off"
    assert Foreground("com.x/.Y", True, True).problem(APP) == "the phone is locked"
    assert Foreground("com.x/.Y", True, False).problem(APP) == "com.x/.Y is in front"
    assert Foreground(f"{APP}x/.Y").problem(APP) == f"{APP}x/.Y is in front"
