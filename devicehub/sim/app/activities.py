"""Which screens are open, which one is in front, and how `dumpsys activity` tells it."""

from __future__ import annotations

from typing import Final

LAUNCHER: Final = "com.android.launcher3/.uioverrides.QuickstepLauncher"


class Stack:
    """The phone's tasks, one per package, the front one last; the launcher lies below all."""

    def __init__(self) -> None:
        self._tasks: dict[str, list[str]] = {}
        self._home = True

    @property
    def front(self) -> str:
        """The component in front."""
        if self._home or not self._tasks:
            return LAUNCHER
        return next(reversed(self._tasks.values()))[-1]

    def show(self, package: str, component: str) -> bool:
        """Open a screen; False when a task that began with it was there and only comes to the front."""
        screens = self._tasks.pop(package, [])
        fresh = not screens or screens[0] != component
        if fresh:
            screens.append(component)
        self._tasks[package] = screens
        self._home = False
        return fresh

    def go_home(self) -> None:
        """The launcher comes to the front; everything stays open."""
        self._home = True

    def go_back(self) -> None:
        """Close the screen in front."""
        if self._home or not self._tasks:
            return
        package, screens = next(reversed(self._tasks.items()))
        screens.pop()
        if not screens:
            del self._tasks[package]
            self._home = True

    def drop(self, package: str) -> None:
        """Close all screens of a package."""
        if self._tasks.pop(package, None) is not None and not self._tasks:
            self._home = True

    def components(self) -> list[str]:
        """All open screens, the front one first."""
        return [screen for screens in reversed(self._tasks.values()) for screen in reversed(screens)]


def format_dump(stack: Stack, *, android: int, awake: bool, locked: bool) -> str:
    """`dumpsys activity activities`: open screens, the resumed one, and the lock screen."""
    lines = ["ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)"]
    lines += ["Display #0 (activities from top to bottom):"]
    for number, component in enumerate(stack.components(), 1):
        lines.append(f"    * Hist #{number}: {_record(component)}")
    # An activity behind the lock screen or a dark one is paused.
    front = _record(stack.front) if awake and not locked else "null"
    if android >= 12:
        lines += [f"  topResumedActivity={front}", f"  ResumedActivity: {front}"]
    else:
        lines += [f"    mResumedActivity: {front}", f"  ResumedActivity: {front}"]
    lines += [f"  mLastPausedActivity: {_record(stack.front)}" if front == "null" else ""]
    lines += ["  KeyguardController:", f"    mKeyguardShowing={str(locked).lower()}"]
    lines += ["    mAodShowing=false", f"  mSleeping={str(not awake).lower()}"]
    return "\n".join(line for line in lines if line) + "\n"


def _record(component: str) -> str:
    identity = sum(component.encode()) * 0x9E3779B1 & 0xFFFFFFF
    return f"ActivityRecord{{{identity:x} u0 {component} t12}}"
