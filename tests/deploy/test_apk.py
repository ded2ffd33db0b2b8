from __future__ import annotations

import pytest

from devicehub.deploy.apk import read_package, refusal
from devicehub.profiles.device_file import Switch


@pytest.mark.parametrize(
    ("said", "reason", "remedy", "cause"),
    [
        (
            "Failure [INSTALL_FAILED_USER_RESTRICTED: Install canceled by user]",
            "INSTALL_FAILED_USER_RESTRICTED (Install canceled by user)",
            "Install via USB",
            "install_restricted",
        ),
        (
            "Failure [INSTALL_FAILED_ABORTED: User rejected permissions]",
            "rejected",
            "some makers have a switch",
            "install_restricted",
        ),
        ("Failure [INSTALL_FAILED_NO_MATCHING_ABIS: no ABI]", "NO_MATCHING_ABIS", "64-bit ARM", None),
        ("Failure [INSTALL_FAILED_SOMETHING_NEW]", "SOMETHING_NEW", "see what the phone shows", None),
        ("Error: Unable to open file: /x\n", "Unable to open file", "by hand", None),
        ("", "no reason given", "by hand", None),
    ],
)
def test_every_refusal_has_a_remedy(said: str, reason: str, remedy: str, cause: str | None) -> None:
    error = refusal(said, serial="s1")
    assert reason in str(error)
    assert remedy in str(error)
    assert str(error).startswith("s1: the app was not installed: ")
    assert error.cause == cause


def test_a_debug_build() -> None:
    app = read_package("p", "    versionName=0.8.3\n    pkgFlags=[ DEBUGGABLE HAS_CODE TEST_ONLY ]\n")
    assert (app.version, app.debuggable) == ("0.8.3", True)


def test_a_release_build_and_a_phone_that_says_nothing() -> None:
    assert read_package("p", "    flags=[ HAS_CODE ALLOW_BACKUP ]").debuggable is False
    assert (read_package("p", "").version, read_package("p", "").debuggable) == (None, None)


def test_refusal_names_the_makers_own_switch() -> None:
    switch = Switch(name="Install via USB", opens="install", asks="wants an account")
    error = refusal("Failure [INSTALL_FAILED_USER_RESTRICTED]", serial="s1", switches=[switch])
    assert "switch on `Install via USB` in the developer options (wants an account)" in str(error)
    other = refusal("Failure [INSTALL_FAILED_OLDER_SDK]", serial="s1", switches=[switch])
    assert "Install via USB" not in str(other)
