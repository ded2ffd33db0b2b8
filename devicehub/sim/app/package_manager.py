"""Android's package manager on a virtual phone: what is installed, and pm."""

from __future__ import annotations

import itertools
import secrets
import shutil
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.commands import Answer
from devicehub.sim.app.apk import RefusedError, check_install, read_apk
from devicehub.sim.app.packages import FIRST_UID, Package, format_dump, format_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devicehub.sim.android.system import PhoneSystem
    from devicehub.sim.app.spec import AppSpec

_UNKNOWN: Final = 255


class PackageManager:
    """The packages of one phone.

    Args:
        root: the phone's file system on the host.
        on_remove: called with the name of a package and a reason before it goes or is replaced.
    """

    def __init__(
        self, spec: AppSpec, system: PhoneSystem, root: Path, on_remove: Callable[[str, str], None]
    ) -> None:
        self._restricted = spec.restricted
        self._system = system
        self._root = root
        self._on_remove = on_remove
        self._packages: dict[str, Package] = {}
        if spec.installed:
            self._add(
                Package(
                    name=spec.package,
                    uid=FIRST_UID,
                    version=spec.version,
                    version_code=spec.version_code,
                    debuggable=spec.debuggable,
                    signature="built in",
                    code_path=_code_path(spec.package),
                )
            )

    def get(self, name: str) -> Package | None:
        """An installed package."""
        return self._packages.get(name)

    def answer(self, words: Sequence[str]) -> Answer | None:
        """Run pm; None for what is not known here."""
        match list(words):
            case ["list", "packages" | "package", *rest]:
                return Answer(format_list(self._packages.values(), rest).encode())
            case ["path", *_, name]:
                package = self.get(name)
                text = f"package:{package.apk_path}\n" if package else ""
                return Answer(text.encode(), status=0 if package else 1)
            case ["install", *options, path]:
                return self._install_file(options, path)
            case ["uninstall", *_, name]:
                return self._uninstall(name)
        return None

    def dump(self, name: str) -> Answer:
        """`dumpsys package NAME`."""
        package = self.get(name)
        if package is None:
            return Answer(f"Unable to find package: {name}\n".encode())
        return Answer(format_dump(package, abi=self._abis()[0]).encode())

    def install(self, options: Sequence[str], apk: Path) -> Answer:
        """Install from a file of the host's: what pm prints."""
        if self._restricted:
            return Answer(b"Failure [INSTALL_FAILED_USER_RESTRICTED: Install canceled by user]\n", status=1)
        place = f"/data/app/vmdl{secrets.randbelow(1 << 30)}.tmp/base.apk"
        try:
            found = read_apk(apk, place)
            installed = self.get(found.package)
            sdk = int(self._system.props["ro.build.version.sdk"])
            check_install(found, options, installed=installed, sdk=sdk, abis=self._abis())
        except RefusedError as refused:
            return Answer(f"Failure [{refused}]\n".encode(), status=1)
        package = Package(
            name=found.package,
            uid=installed.uid if installed else self._free_uid(),
            version=found.version,
            version_code=found.version_code,
            debuggable=found.debuggable,
            signature=found.signature,
            code_path=_code_path(found.package),
            min_sdk=found.min_sdk,
            target_sdk=found.target_sdk,
        )
        if installed is not None:
            self._remove(installed, "installPackageLI")
        self._add(package)
        shutil.copyfile(apk, self._root / package.apk_path.lstrip("/"))
        self._system.note("PackageManager", f"Package {package.name} codePath: {package.code_path}")
        return Answer(b"Success\n")

    def _install_file(self, options: Sequence[str], path: str) -> Answer:
        # A portable phone's shell has mapped the path already.
        inside = path.removeprefix(str(self._root)).lstrip("/")
        apk = self._root / inside
        if not apk.is_file() or not apk.resolve().is_relative_to(self._root.resolve()):
            text = f"Error: Unable to open file: /{inside}\nConsider using a file under /data/local/tmp/\n"
            return Answer(stderr=text.encode(), status=_UNKNOWN)
        return self.install(options, apk)

    def _uninstall(self, name: str) -> Answer:
        package = self.get(name)
        if package is None:
            return Answer(b"Failure [DELETE_FAILED_INTERNAL_ERROR]\n", status=1)
        self._remove(package, "pkg removed")
        return Answer(b"Success\n")

    def _add(self, package: Package) -> None:
        self._packages[package.name] = package
        folder = self._root / package.code_path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)

    def _remove(self, package: Package, why: str) -> None:
        self._on_remove(package.name, why)
        del self._packages[package.name]
        folder = self._root / package.code_path.lstrip("/")
        shutil.rmtree(folder.parent, ignore_errors=True)

    def _free_uid(self) -> int:
        taken = {package.uid for package in self._packages.values()}
        return next(uid for uid in itertools.count(FIRST_UID) if uid not in taken)

    def _abis(self) -> list[str]:
        return self._system.props.get("ro.product.cpu.abilist", "arm64-v8a").split(",")


def _code_path(name: str) -> str:
    return f"/data/app/~~{secrets.token_urlsafe(16)}==/{name}-{secrets.token_urlsafe(16)}=="
