"""What Android reads of an APK before it installs it, and why it refuses."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.sim.app.axml import read_elements

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from devicehub.sim.app.axml import Value
    from devicehub.sim.app.packages import Package

_SIGNATURES: Final = (".RSA", ".DSA", ".EC")
_SIGNING_BLOCK: Final = b"APK Sig Block 42"


class RefusedError(Exception):
    """Android does not install this; the text is what it prints between the brackets."""


@dataclass(frozen=True)
class Apk:
    """An APK as its manifest, its signature and its libraries describe it."""

    package: str
    version: str
    version_code: int
    debuggable: bool
    test_only: bool
    min_sdk: int
    target_sdk: int
    signature: str
    abis: frozenset[str]


def read_apk(file: Path, place: str) -> Apk:
    """Read an APK; `place` is its path on the phone, for messages.

    Raises:
        RefusedError: it is none, or not one that Android takes.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if "AndroidManifest.xml" not in names:
                raise RefusedError(
                    f"INSTALL_PARSE_FAILED_UNEXPECTED_EXCEPTION: Failed to parse {place}: AndroidManifest.xml"
                )
            elements = read_elements(archive.read("AndroidManifest.xml"))
            signers = [
                archive.read(name)
                for name in names
                if name.startswith("META-INF/") and name.upper().endswith(_SIGNATURES)
            ]
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise RefusedError(
            f"INSTALL_PARSE_FAILED_NOT_APK: Failed to parse {place}: Failed to load asset path"
        ) from error
    found = {element.name: element.attributes for element in reversed(elements or [])}
    manifest, application = found.get("manifest", {}), found.get("application", {})
    if not isinstance(manifest.get("package"), str) or "application" not in found:
        raise RefusedError(f"INSTALL_PARSE_FAILED_MANIFEST_MALFORMED: Failed to parse {place}: no manifest")
    signature = hashlib.sha256(signers[0]).hexdigest() if signers else _block_signature(file)
    if signature is None:
        raise RefusedError(
            f"INSTALL_PARSE_FAILED_NO_CERTIFICATES: Failed to collect certificates from {place}:"
            " Attempt to get length of null array"
        )
    uses = found.get("uses-sdk", {})
    return Apk(
        package=str(manifest["package"]),
        version=str(manifest.get("versionName", "")),
        version_code=_number(manifest, "versionCode", 0),
        debuggable=application.get("debuggable") is True,
        test_only=application.get("testOnly") is True,
        min_sdk=_number(uses, "minSdkVersion", 1),
        target_sdk=_number(uses, "targetSdkVersion", 1),
        signature=signature,
        abis=frozenset(
            name.split("/")[1] for name in names if name.startswith("lib/") and name.endswith(".so")
        ),
    )


def check_install(
    apk: Apk, options: Collection[str], *, installed: Package | None, sdk: int, abis: Collection[str]
) -> None:
    """See whether a phone takes an APK.

    Args:
        apk: what is to be installed.
        options: pm's: `-r` replace, `-d` downgrade, `-t` test packages.
        installed: the package of that name that is there.
        sdk: the phone's API level.
        abis: what its processor runs.

    Raises:
        RefusedError: it does not.
    """
    if apk.min_sdk > sdk:
        raise RefusedError(
            f"INSTALL_FAILED_OLDER_SDK: Requires newer sdk version #{apk.min_sdk} (current version is #{sdk})"
        )
    if apk.test_only and "-t" not in options:
        raise RefusedError(
            "INSTALL_FAILED_TEST_ONLY: Failed to install test-only apk. Did you forget to add -t?"
        )
    if apk.abis and not apk.abis & set(abis):
        raise RefusedError("INSTALL_FAILED_NO_MATCHING_ABIS: Failed to extract native libraries, res=-113")
    if installed is None:
        return
    if "-r" not in options and (sdk < 28 or "-R" in options):
        raise RefusedError(
            f"INSTALL_FAILED_ALREADY_EXISTS: Attempt to re-install {apk.package} without first uninstalling."
        )
    if apk.signature != installed.signature:
        raise RefusedError(
            f"INSTALL_FAILED_UPDATE_INCOMPATIBLE: Package {apk.package} signatures do not match previously"
            " installed version; ignoring!"
        )
    # A debuggable package may go back when it is told to; any other never.
    allowed = "-d" in options and installed.debuggable
    if apk.version_code < installed.version_code and not allowed:
        raise RefusedError(
            f"INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code {apk.version_code}"
            f" is older than current {installed.version_code}"
        )


def _block_signature(file: Path) -> str | None:
    """What names the signer of an APK that is signed as a whole; None for one that is not."""
    with file.open("rb") as data:
        content = data.read()
    at = content.rfind(_SIGNING_BLOCK)
    if at < 0:
        return None
    size = int.from_bytes(content[at - 8 : at], "little")
    return hashlib.sha256(content[max(at - size, 0) : at]).hexdigest()


def _number(attributes: Mapping[str, Value], name: str, default: int) -> int:
    value = attributes.get(name, default)
    return value if isinstance(value, int) else default
