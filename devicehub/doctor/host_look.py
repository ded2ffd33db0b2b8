"""Finds out how the hub's computer stands. Changes nothing: no server is started, none is ended."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

import devicehub
from devicehub import procs
from devicehub.adb.address import VARIABLES, server_address
from devicehub.adb.client import AdbClient
from devicehub.adb.server import answers, find_adb
from devicehub.doctor.host_facts import AdbProgram, AdbServer, HostFacts, UsbPhone
from devicehub.engines.building.lacks import lacks
from devicehub.engines.building.tools import find_tools
from devicehub.errors import AdbError, ConfigError, HubError, InputError, ProgramError
from devicehub.export.machine import check_extra, installed_versions, version_warnings
from devicehub.fleet.server import started_here
from devicehub.profiles.load import engine_file, find_profiles
from devicehub.screen.scrcpy import find_scrcpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.adb.address import ServerAddress
    from devicehub.engines.building.tools import Tools
    from devicehub.findings import Finding
    from devicehub.settings import Home

_VERSION_S: Final = 5.0
_SERVER_S: Final = 8.0
_SYSFS: Final = Path("/sys/bus/usb/devices")
_NODES: Final = Path("/dev/bus/usb")
_RULES: Final = ("/etc/udev/rules.d", "/lib/udev/rules.d", "/usr/lib/udev/rules.d")
_EMULATORS: Final = ("qemu-aarch64-static", "qemu-aarch64")
_OF_ADB: Final = {"bInterfaceClass": "ff", "bInterfaceSubClass": "42", "bInterfaceProtocol": "01"}
"""Source: AOSP, packages/modules/adb/adb.h."""
# "Android Debug Bridge version 1.0.41", "Version 36.0.0-13206524"
_PROTOCOL: Final = re.compile(rb"Android Debug Bridge version \d+\.\d+\.(\d{1,4})")
_RELEASE: Final = re.compile(rb"^Version ([\w.]{1,40})", re.MULTILINE)
# 'torch==2.13.*; extra == "export"'
_REQUIREMENT: Final = re.compile(r"^([A-Za-z0-9._-]+)[^;]*(?:;(.*))?$")
_EXTRA: Final = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
_FOR_DEVELOPERS: Final = frozenset({"test"})


async def look_at_host(
    home: Home,
    *,
    wall_s: float,
    address: ServerAddress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> HostFacts:
    """Look around on this computer; what cannot be found out stays unknown.

    Args:
        home: the hub's folder, which need not be there yet.
        wall_s: seconds since the epoch by this computer's clock.
        address: of the adb server that a hub uses; without it the one that a hub would use.
        environ: says where adb's server is and where programs are.
    """
    adb, adb_problem = await _own_adb()
    beside = await _adb_on_path(adb, environ)
    server = await _server(home, address, environ)
    tools = await find_tools(environ)
    facts = await asyncio.to_thread(
        _gather, home, wall_s, environ, adb=adb, adb_problem=adb_problem, beside=beside, server=server
    )
    return replace(facts, builds=_builds(home, tools))


def _builds(home: Home, tools: Tools) -> dict[str, tuple[Finding, ...]]:
    """What each build lacks; a profile of the user's that cannot be read is `profiles check`'s to tell."""
    found: dict[str, tuple[Finding, ...]] = {}
    for name in sorted(find_profiles("engines", home)):
        with contextlib.suppress(HubError):
            found[name] = tuple(lacks(engine_file(name, home), tools))
    return found


def _gather(
    home: Home,
    wall_s: float,
    environ: Mapping[str, str],
    *,
    adb: AdbProgram | None,
    adb_problem: str | None,
    beside: AdbProgram | None,
    server: AdbServer | None,
) -> HostFacts:
    system = platform.system()
    free_bytes, writable = _room(home.root)
    scrcpy, scrcpy_missing = _scrcpy(environ)
    versions = installed_versions()
    return HostFacts(
        system=system,
        wsl="microsoft" in platform.release().lower(),
        adb=adb,
        adb_problem=adb_problem,
        adb_on_path=beside,
        server=server,
        usb=tuple(usb_phones()) if system == "Linux" else None,
        udev_rules=tuple(_udev_rules()),
        groups=_groups(),
        open_files=_open_files(),
        home=str(home.root),
        free_bytes=free_bytes,
        writable=writable,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        missing=missing_packages(importlib.metadata.requires("devicehub") or []),
        exporter=versions,
        exporter_missing=_exporter_problem(),
        exporter_notes=tuple(version_warnings(versions)),
        scrcpy=scrcpy,
        scrcpy_missing=scrcpy_missing,
        qemu=next(filter(None, (shutil.which(name, path=environ.get("PATH")) for name in _EMULATORS)), None),
        wall_s=wall_s,
        installed_s=Path(devicehub.__file__).stat().st_mtime,
    )


async def _own_adb() -> tuple[AdbProgram | None, str | None]:
    try:
        return await _ask_version(find_adb()), None
    except AdbError as error:
        return None, str(error)


async def _adb_on_path(own: AdbProgram | None, environ: Mapping[str, str]) -> AdbProgram | None:
    """The adb that this user's shells take, where that is another."""
    found = shutil.which("adb", path=environ.get("PATH"))
    if found is None or (own is not None and _is_same(found, own.path)):
        return None
    return await _ask_version(Path(found))


def _is_same(path: str, other: str) -> bool:
    return Path(path).resolve() == Path(other).resolve()


async def _ask_version(program: Path) -> AdbProgram:
    try:
        done = await procs.run([program, "version"], timeout_s=_VERSION_S)
    except TimeoutError:
        return AdbProgram(str(program), problem=f"`adb version` said nothing for {_VERSION_S:g} s")
    except OSError as error:
        return AdbProgram(str(program), problem=error.strerror or str(error))
    if done.status != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return AdbProgram(str(program), problem=last[:200] or f"status {done.status}")
    release, protocol = _RELEASE.search(done.stdout), _PROTOCOL.search(done.stdout)
    return AdbProgram(
        str(program),
        version=release[1].decode() if release else None,
        protocol=int(protocol[1]) if protocol else None,
    )


async def _server(home: Home, hub: ServerAddress | None, environ: Mapping[str, str]) -> AdbServer:
    named_by = next((name for name in VARIABLES if environ.get(name)), None)
    try:
        address = server_address(environ)
    except ConfigError as error:
        if hub is None:
            return AdbServer(address="?", named_by=named_by, problem=str(error))
        address = hub
    of_the_hub = hub is not None and hub != address
    if hub is not None and of_the_hub:
        address, named_by = hub, None  # virtual phones have a server of their own
    silent = AdbServer(str(address), named_by, local=address.is_local)
    try:
        async with asyncio.timeout(_SERVER_S):
            if not await answers(address):
                return silent
            return await _running(
                address, named_by, ours=of_the_hub or started_here(home.adb_server, address)
            )
    except TimeoutError:
        problem = f"it takes connections and does not answer within {_SERVER_S:g} s"
    except AdbError as error:
        problem = str(error)
    return AdbServer(str(address), named_by, local=address.is_local, problem=problem)


async def _running(address: ServerAddress, named_by: str | None, *, ours: bool) -> AdbServer:
    client = AdbClient(address)
    features = await client.host_features()
    return AdbServer(
        str(address),
        named_by,
        local=address.is_local,
        runs=True,
        protocol=await client.version(),
        program=await client.program_version() if "server_status" in features else None,
        ours=ours,
        burst="delayed_ack" in features,
    )


def usb_phones(sysfs: Path = _SYSFS, nodes: Path = _NODES) -> Iterator[UsbPhone]:
    """The USB devices with an interface for adb; a phone with USB debugging off has none."""
    for interface in sorted(sysfs.glob("*:*")):
        if any(_read(interface / name) != value for name, value in _OF_ADB.items()):
            continue
        device = sysfs / interface.name.partition(":")[0]
        bus, number = _read(device / "busnum"), _read(device / "devnum")
        if not (bus.isdigit() and number.isdigit()):
            continue
        node = nodes / f"{int(bus):03}" / f"{int(number):03}"
        yield UsbPhone(
            name=_read(device / "product") or _read(device / "serial") or device.name,
            node=str(node),
            vendor=_read(device / "idVendor") or "????",
            accessible=os.access(node, os.R_OK | os.W_OK),
        )


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()[:200]
    except OSError:
        return ""


def _udev_rules() -> Iterator[str]:
    for folder in _RULES:
        try:
            files = sorted(Path(folder).iterdir())
        except OSError:
            continue
        yield from (str(file) for file in files if "android" in file.name and file.suffix == ".rules")


def _groups() -> frozenset[str]:
    try:
        import grp
    except ImportError:  # no Unix
        return frozenset()
    names = set()
    for number in os.getgroups():
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return frozenset(names)


def _open_files() -> int | None:
    try:
        import resource
    except ImportError:  # no Unix
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def _room(root: Path) -> tuple[int | None, bool | None]:
    """Free bytes where the home lies or will lie, and whether it can be written."""
    place = next((one for one in (root, *root.parents) if one.exists()), root)
    try:
        return psutil.disk_usage(str(place)).free, place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    except OSError:
        return None, False


def missing_packages(requirements: list[str]) -> dict[str, tuple[str, ...]]:
    """By the name of an extra, or `` for none, the packages that are not installed; none is imported.

    Args:
        requirements: as a distribution's metadata has them.
    """
    missing: dict[str, list[str]] = {"": []}
    for line in requirements:
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        extra = _EXTRA.search(match[2] or "")
        group = extra[1] if extra else ""
        if group in _FOR_DEVELOPERS:
            continue
        lacking = missing.setdefault(group, [])
        try:
            importlib.metadata.version(match[1])
        except importlib.metadata.PackageNotFoundError:
            lacking.append(match[1])
    return {group: tuple(names) for group, names in missing.items()}


def _exporter_problem() -> tuple[str, str | None] | None:
    try:
        check_extra()
    except InputError as error:
        return error.problem, error.remedy
    return None


def _scrcpy(environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    try:
        return find_scrcpy(environ), None
    except ProgramError as error:
        return None, error.remedy
