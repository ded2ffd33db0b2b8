"""MnnLlmChat on a phone: whether it is there, and how it gets there."""

from __future__ import annotations

import contextlib
import re
import secrets
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import run
from devicehub.adb.sync import open_sync
from devicehub.errors import AdbError, InputError, InstallRefused
from devicehub.settings import PHONE_ROOT
from devicehub.workloads.mnn_chat_plan import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.profiles.device_file import Switch

WHERE: Final = (
    "take a release from apps/Android/MnnLlmChat/README.md of github.com/alibaba/MNN, or build there with "
    "`./gradlew assembleStandardDebug`: only such a debug build takes prompts without its API"
)
"""Where the app comes from."""

_ASK_S: Final = 30.0
_INSTALL_S: Final = 300.0
"""A person may have to press a button on the phone."""
_ALLOW: Final = "unlock the phone and allow it there"
_REMEDIES: Final = {
    "INSTALL_FAILED_USER_RESTRICTED": _ALLOW,
    "INSTALL_FAILED_ABORTED": _ALLOW,
    "INSTALL_FAILED_VERIFICATION_FAILURE": "switch `Verify apps over USB` off in the developer options",
    "INSTALL_FAILED_VERIFICATION_TIMEOUT": "switch `Verify apps over USB` off in the developer options",
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": "the one on the phone has another signature: remove it first with "
    "`adb uninstall`; its chats and downloaded models go with it",
    "INSTALL_FAILED_VERSION_DOWNGRADE": "a newer one is on the phone: keep that, or remove it first",
    "INSTALL_FAILED_NO_MATCHING_ABIS": "the app is built for 64-bit ARM phones only",
    "INSTALL_FAILED_OLDER_SDK": "the app needs Android 8 or newer",
    "INSTALL_FAILED_DEPRECATED_SDK_VERSION": "the app is too old for this Android: take a newer one",
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": "free space on the phone",
    "INSTALL_FAILED_INVALID_APK": "the file is not a whole app: fetch it again",
    "INSTALL_PARSE_FAILED_NO_CERTIFICATES": "the app is not signed: take a release or a debug build",
    "INSTALL_PARSE_FAILED_NOT_APK": "the file is not a whole app: fetch it again",
}
_RESTRICTED: Final = frozenset(slug for slug, remedy in _REMEDIES.items() if remedy is _ALLOW)
_REASON: Final = re.compile(r"\b(INSTALL_[A-Z_]+)(?:: ([^\]]*))?")


@dataclass(frozen=True)
class InstalledApp:
    """The app as it is on a phone; None is what the phone did not say."""

    package: str
    version: str | None = None
    debuggable: bool | None = None


async def find_app(transport: Transport) -> InstalledApp | None:
    """The app that is installed, a debug build before a release build; None where none is.

    Raises:
        AdbError: the phone cannot be asked, or its package service is not up yet.
    """
    for package in PACKAGES:
        answer = await run(transport, ["pm", "path", package], timeout_s=_ASK_S)
        said = (answer.stdout + answer.stderr).decode("utf-8", "replace")
        if "find service" in said or "system running" in said:
            raise AdbError("is still starting, repeat in a minute", serial=transport.label, service="pm")
        if answer.stdout.startswith(b"package:"):
            told = await run(transport, ["dumpsys", "package", package], timeout_s=_ASK_S)
            return read_package(package, told.stdout.decode("utf-8", "replace"))
    return None


def read_package(package: str, text: str) -> InstalledApp:
    """Read `dumpsys package NAME`: `versionName=0.8.3`, `pkgFlags=[ DEBUGGABLE HAS_CODE ]`."""
    version = re.search(r"\bversionName=(\S+)", text)
    flags = re.search(r"\b(?:pkgFlags|flags)=\[([^\]]*)\]", text)
    return InstalledApp(
        package, version[1] if version else None, "DEBUGGABLE" in flags[1].split() if flags else None
    )


def check_apk(path: Path) -> Path:
    """The file itself.

    Raises:
        InputError: it is missing, or is no app.
    """
    if not path.is_file():
        raise InputError(path, "is not there", remedy=WHERE)
    if not zipfile.is_zipfile(path):
        raise InputError(path, "is no APK, or not a whole one", remedy=WHERE)
    return path


async def install_app(
    transport: Transport,
    apk: Path,
    *,
    switches: Sequence[Switch] = (),
    progress: Callable[[int], None] | None = None,
) -> InstalledApp:
    """Install an app file; data of an older version of the app stay.

    Args:
        transport: the phone.
        apk: the file on this host.
        switches: the maker's own that allow installing, for the remedy.
        progress: is told the size of each piece on its way.

    Raises:
        InputError: the file is missing or no app.
        InstallRefused: the phone does not take it.
        AdbError: the phone cannot be reached, or did not answer in time.
    """
    check_apk(apk)
    # Below no folder that is closed to others: the package service reads it.
    arriving = f"{PHONE_ROOT.rpartition('/')[0]}/devicehub-{secrets.token_hex(6)}.apk"
    try:
        async with open_sync(transport) as sync:
            await sync.push(apk, arriving, mode=0o644, progress=progress)
        answer = await run(transport, ["pm", "install", "-r", "-t", arriving], timeout_s=_INSTALL_S)
    finally:
        await _remove(transport, arriving)
    said = (answer.stdout + b"\n" + answer.stderr).decode("utf-8", "replace")
    if "Success" not in said.split():
        raise refusal(said, serial=transport.label, switches=switches)
    app = await find_app(transport)
    if app is None:
        raise InstallRefused(
            serial=transport.label, reason="the file is another app", remedy=WHERE, cause="app_not_installed"
        )
    return app


def refusal(said: str, *, serial: str, switches: Sequence[Switch] = ()) -> InstallRefused:
    """The error that an answer of `pm install` stands for.

    `Failure [INSTALL_FAILED_USER_RESTRICTED: Install canceled by user]`
    """
    match = _REASON.search(said)
    words = " ".join(said.split())[:300] or "no reason given"
    if match is None:
        return InstallRefused(serial=serial, reason=words, remedy="install it by hand", cause=None)
    reason = f"{match[1]} ({match[2].strip()[:200]})" if match[2] else match[1]
    remedy = _REMEDIES.get(match[1], "see what the phone shows, or install it by hand")
    restricted = match[1] in _RESTRICTED
    return InstallRefused(
        serial=serial,
        reason=reason,
        remedy="; ".join([remedy, *(_ways(switches) if restricted else ())]),
        cause="install_restricted" if restricted else None,
    )


def _ways(switches: Sequence[Switch]) -> list[str]:
    return [switch.remedy for switch in switches] or [
        "some makers have a switch for it in the developer options, called `Install via USB` or the like"
    ]


async def _remove(transport: Transport, path: str) -> None:
    with contextlib.suppress(AdbError):  # what went wrong before says more
        await run(transport, ["rm", "-f", path], timeout_s=_ASK_S)
