"""Installed packages, and what pm and `dumpsys package` say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SYSTEM: Final = ("android", "com.android.shell", "com.android.systemui")
FIRST_UID: Final = 10123


@dataclass(frozen=True)
class Package:
    """An installed app.

    Attributes:
        uid: the user that its processes have.
        debuggable: built so that a debugger, run-as and dumpapp work.
        signature: what names its signer; an update must have the same.
        code_path: its folder below /data/app.
    """

    name: str
    uid: int
    version: str
    version_code: int
    debuggable: bool
    signature: str
    code_path: str
    min_sdk: int = 26
    target_sdk: int = 35

    @property
    def user(self) -> str:
        """The uid as Android's log names it."""
        return f"u0a{self.uid % 10000}"

    @property
    def apk_path(self) -> str:
        """Its APK on the phone."""
        return f"{self.code_path}/base.apk"


def format_list(packages: Iterable[Package], words: Sequence[str]) -> str:
    """`pm list packages [-f] [-U] [-3] [-s] [--show-versioncode] [FILTER]`."""
    third = {package.name: package for package in packages}
    options = [word for word in words if word.startswith("-")]
    wanted = next((word for word in words if not word.startswith("-")), "")
    names = [] if "-3" in options else [name for name in _SYSTEM if name not in third]
    names += [] if "-s" in options else sorted(third)
    lines = []
    for name in names:
        if wanted not in name:
            continue
        package = third.get(name)
        path = f"{package.apk_path}=" if package and "-f" in options else ""
        line = f"package:{path}{name}"
        if "--show-versioncode" in options:
            line += f" versionCode:{package.version_code if package else 35}"
        if "-U" in options:
            line += f" uid:{package.uid if package else 1000}"
        lines.append(line + "\n")
    return "".join(lines)


def format_dump(package: Package, *, abi: str) -> str:
    """`dumpsys package NAME`, as far as it tells version, flags, paths and user state."""
    flags = "DEBUGGABLE HAS_CODE ALLOW_CLEAR_USER_DATA ALLOW_BACKUP"
    flags = flags if package.debuggable else flags.removeprefix("DEBUGGABLE ")
    return f"""\
Packages:
  Package [{package.name}] (5f3c2a1):
    userId={package.uid}
    pkg=Package{{9d1e0b7 {package.name}}}
    codePath={package.code_path}
    resourcePath={package.code_path}
    legacyNativeLibraryDir={package.code_path}/lib
    primaryCpuAbi={abi}
    secondaryCpuAbi=null
    versionCode={package.version_code} minSdk={package.min_sdk} targetSdk={package.target_sdk}
    versionName={package.version}
    splits=[base]
    flags=[ {flags} ]
    pkgFlags=[ {flags} ]
    dataDir=/data/user/0/{package.name}
    User 0: ceDataInode=4242 installed=true hidden=false suspended=false stopped=false notLaunched=false \
enabled=0 instant=false virtual=false
      gids=[3003]
"""
