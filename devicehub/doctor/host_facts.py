"""What was found on the hub's computer, before anything is concluded. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.findings import Finding


@dataclass(frozen=True)
class AdbProgram:
    """An adb program.

    Attributes:
        version: its own, as in `36.0.0`; None where it did not tell.
        protocol: the version of the protocol that it speaks with servers, as in 41.
        problem: why it does not run.
    """

    path: str
    version: str | None = None
    protocol: int | None = None
    problem: str | None = None


@dataclass(frozen=True)
class AdbServer:
    """The adb server that the hub uses, or would.

    Attributes:
        named_by: the variable that names it; None for adb's own default.
        local: it listens on this computer.
        runs: something answers there; else `problem` may say why not.
        ours: a hub of this home started it.
        burst: it was started with ADB_BURST_MODE=1.
    """

    address: str
    named_by: str | None = None
    local: bool = True
    runs: bool = False
    problem: str | None = None
    protocol: int | None = None
    program: str | None = None
    ours: bool = False
    burst: bool = False


@dataclass(frozen=True)
class UsbPhone:
    """A USB device with an interface for adb, as the kernel lists it.

    Attributes:
        node: its file below /dev/bus/usb.
        vendor: the USB number of its maker, four hexadecimal digits.
        accessible: this user may read and write it.
    """

    name: str
    node: str
    vendor: str
    accessible: bool


@dataclass(frozen=True)
class HostFacts:
    """This computer; None is what cannot be found out.

    Attributes:
        system: as `uname` has it.
        wsl: a Linux inside Windows.
        adb: the program that the hub takes; `adb_problem` says why there is none.
        adb_on_path: another one, which this user's shells take.
        usb: the phones on its USB ports; None where the kernel is not Linux.
        udev_rules: files with rules for phones.
        groups: of this user.
        open_files: how many files a process may have open.
        home: the hub's folder; `free_bytes` and `writable` are of where it lies.
        missing: by the name of an extra, or `` for none, its packages that are not installed.
        exporter: the exporter's packages by name; `exporter_missing` says what lacks, and the way out.
        exporter_notes: a sentence for each release that was not tried.
        scrcpy: the program; `scrcpy_missing` is the way to it where there is none.
        qemu: the emulator of arm64 programs.
        builds: what each build of an engine lacks here, by the engine profile's name.
        wall_s: the clock; `installed_s`: when this program was installed by it.
    """

    system: str = "Linux"
    wsl: bool = False
    adb: AdbProgram | None = None
    adb_problem: str | None = None
    adb_on_path: AdbProgram | None = None
    server: AdbServer | None = None
    usb: tuple[UsbPhone, ...] | None = None
    udev_rules: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()
    open_files: int | None = None
    home: str = ""
    free_bytes: int | None = None
    writable: bool | None = None
    python: str = ""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exporter: Mapping[str, str] = field(default_factory=dict)
    exporter_missing: tuple[str, str | None] | None = None
    exporter_notes: tuple[str, ...] = ()
    scrcpy: str | None = None
    scrcpy_missing: str | None = None
    qemu: str | None = None
    builds: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    wall_s: float | None = None
    installed_s: float | None = None
