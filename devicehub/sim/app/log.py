"""The app's lines in the phone's log.

Tags and texts are those of MNN's apps/Android/MnnLlmChat: `MNN_DEBUG` is the native side (mls_log.h), the
others are names of its Kotlin classes.
"""

from __future__ import annotations

from typing import Final

from devicehub.sim.android import logd

NATIVE: Final = "MNN_DEBUG"


def native(text: str) -> None:
    """A line of the native side."""
    logd.write(priority="D", tag=NATIVE, message=text)


def debug(tag: str, text: str) -> None:
    """A line of one of the app's classes."""
    logd.write(priority="D", tag=tag, message=text)


def warning(tag: str, text: str) -> None:
    """Something that the app goes on after."""
    logd.write(priority="W", tag=tag, message=text)


def error(tag: str, text: str, thrown: str = "") -> None:
    """Something that failed; `thrown` is the exception as Java prints it."""
    logd.write(priority="E", tag=tag, message=f"{text}\n{thrown}" if thrown else text)


def info(tag: str, text: str) -> None:
    """Something that happened as it should."""
    logd.write(priority="I", tag=tag, message=text)
