"""A virtual phone: what it is (`PhoneSpec`) and how it is run (`virtual_phone`)."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from devicehub.clock import SystemClock
from devicehub.errors import SimError
from devicehub.sim.adbd.keys import default_key_files
from devicehub.sim.adbd.server import Adbd
from devicehub.sim.android import tools
from devicehub.sim.android.applets import applets_of
from devicehub.sim.android.physics import Physics
from devicehub.sim.android.profile import Profile, load_profile
from devicehub.sim.android.space import ASK
from devicehub.sim.android.system import PhoneSystem
from devicehub.sim.app.manager import AppManager
from devicehub.sim.faults import CLOCK_FILE, Faults
from devicehub.sim.process import rootfs
from devicehub.sim.process.processes import Limit, start_processes
from devicehub.sim.process.shell import Mode, Shell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from devicehub.clock import Clock
    from devicehub.sim.android.electrics import BatteryModel, BatterySpec
    from devicehub.sim.android.thermal import ThermalModel, ThermalSpec
    from devicehub.sim.app.spec import AppSpec
    from devicehub.sim.engine.scenario import EngineScript
    from devicehub.sim.process.namespace import View
    from devicehub.sim.process.processes import Processes

log = logging.getLogger(__name__)

UsbSpeed = Literal["full-speed", "high-speed", "super-speed", "super-speed-plus"]
ProfileName = Literal["snapdragon", "dimensity"]
_LIBFAKETIME: Final = tuple(
    Path(f"/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1") for machine in ("x86_64", "aarch64")
)
NO_ARM64_PROPERTY: Final = "ro.devicehub.no_arm64"
"""Tells the hub why programs for arm64 do not run; a phone that runs them has none."""
EMULATOR_PORTS: Final = range(5555, 5586)
"""adb servers look for emulators here: a phone on one of these ports would show twice."""


@dataclass(frozen=True)
class PhoneSpec:
    """What a virtual phone is.

    Attributes:
        profile: which phone it plays.
        serialno: its ro.serialno; two phones may share one, as cheap phones do.
        boot_id: /proc/sys/kernel/random/boot_id; None for a new one. Equal ones mean the same phone.
        port: where adbd listens on 127.0.0.1; 0 takes a free port.
        more_ports: further ports of the same adbd: one phone, several transports.
        android: the release it plays, None for its profile's own.
        threads: the most that its engine may use; spinning threads on a busy host stall each other.
        data_free_mib: what is free on its /data while it holds nothing, None for its profile's own.
        data_mib: makes its /data/local/tmp a file system in memory of this size, which can really be full;
            confined phones only.
        uptime_days: what its /proc/uptime begins with, None for the host's; confined phones only.
        plugged: a charger is at the other end of the cable; without one the phone discharges.
        usb_speed: what its USB port runs at while plugged; None where the shell may not read it.
        thermal: how it warms at work; None for a phone that stays at its idle temperatures.
        battery: how its battery empties, and what /sys tells of it; None for a phone whose battery stays as
            it is and whose shell may not read that.
        usb_mode: charging, or a mode that moves data (mtp, ptp): then adbd stops when the cable goes.
        kernel_log: its shell may read the kernel's log, as on userdebug builds.
        settable_clock: lets its wall clock be set, by libfaketime.
        app: its MnnLlmChat; None for a phone without it, on which it can be installed.
        mode: confined needs user namespaces, portable maps paths, auto takes the first that works.
    """

    profile: ProfileName = "snapdragon"
    serialno: str = "VIRT0001"
    boot_id: str | None = None
    port: int = 0
    more_ports: tuple[int, ...] = ()
    android: int | None = None
    threads: int = 1
    data_free_mib: int | None = None
    data_mib: int | None = None
    uptime_days: float | None = None
    plugged: bool = True
    usb_speed: UsbSpeed | None = "high-speed"
    thermal: ThermalSpec | None = None
    battery: BatterySpec | None = None
    usb_mode: str = "charging"
    kernel_log: bool = False
    settable_clock: bool = False
    app: AppSpec | None = None
    mode: Mode | Literal["auto"] = "auto"


def builtin_specs(count: int, *, first_port: int = 0) -> list[PhoneSpec]:
    """Specs for `count` phones, the two profiles in turn; ports count up from `first_port` unless it is 0."""
    profiles: tuple[ProfileName, ProfileName] = ("snapdragon", "dimensity")
    return [
        PhoneSpec(
            profile=profiles[index % 2],
            serialno=f"VIRT{index + 1:04d}",
            port=first_port + index if first_port else 0,
        )
        for index in range(count)
    ]


class VirtualPhone:
    """A running virtual phone.

    Attributes:
        spec: what was asked for, with serialno and boot_id filled in.
        product: the name of the product it plays.
        mode: whether its processes are confined or see the host.
        root: its file system on the host.
        addresses: one `127.0.0.1:PORT` per port.
        system: what runs on it beside adbd.
        faults: lets things go wrong.
        no_arm64: why programs for arm64 do not run on it; None where they do.
    """

    def __init__(
        self,
        spec: PhoneSpec,
        product: str,
        shell: Shell,
        addresses: Sequence[str],
        system: PhoneSystem,
        faults: Faults,
    ) -> None:
        self.spec = spec
        self.product = product
        self.mode: Mode = shell.mode
        self.root = shell.root
        self.no_arm64 = shell.processes.no_arm64
        self.addresses = tuple(addresses)
        self.system = system
        self.faults = faults

    @property
    def address(self) -> str:
        """The first address, for `adb connect`."""
        return self.addresses[0]

    @property
    def serialno(self) -> str:
        """What `getprop ro.serialno` says."""
        return self.spec.serialno

    @property
    def thermal(self) -> ThermalModel:
        """Its warmth, now.

        Raises:
            SimError: nothing was said of how it warms.
        """
        return self.system.warmth()

    @property
    def battery(self) -> BatteryModel:
        """Its battery, now.

        Raises:
            SimError: nothing was said of how it empties.
        """
        physics = self.system.physics
        if physics is None or physics.battery is None:
            raise SimError("this phone's battery stays as it is; make it with battery")
        physics.look()
        return physics.battery

    def set_engine_script(self, script: EngineScript | None) -> None:
        """Let this happen to every engine that is started from now on; None for nothing any more."""
        file = rootfs.PhoneFolder(self.root.parent).sockets / "engine.json"
        if script is None:
            file.unlink(missing_ok=True)
            return
        arriving = file.with_name("engine.json.new")
        arriving.write_bytes(msgspec.json.encode(script))
        arriving.replace(file)


@contextlib.asynccontextmanager
async def virtual_phone(
    spec: PhoneSpec, *, keys: Sequence[Path] | None = None, clock: Clock | None = None
) -> AsyncIterator[VirtualPhone]:
    """Run a virtual phone; when the block ends its processes, mounts and files are gone.

    Args:
        spec: what it is.
        keys: adbkey.pub files whose owners it lets in; they are read at each attempt and may appear later.
            None for this user's own keys.
        clock: by what it warms, cools and empties its battery; None for the host's. All else of a phone
            happens when it does.

    Raises:
        SimError: a port is taken or not allowed, or the mode that was asked for does not work here.
    """
    for port in (spec.port, *spec.more_ports):
        if port in EMULATOR_PORTS:
            raise SimError(f"port {port} is one that adb takes for an emulator; use one outside 5555 to 5585")
    spec = replace(spec, boot_id=spec.boot_id or str(uuid.uuid4()))
    profile = load_profile(spec.profile, android=spec.android)
    usb = "adb" if spec.usb_mode == "charging" else f"{spec.usb_mode},adb"
    if not spec.plugged:
        unplugged = {key: "false" for key in profile.battery if key.endswith("powered")} | {"status": "3"}
        profile = replace(profile, battery={**profile.battery, **unplugged})
    profile = replace(profile, props={**profile.props, "sys.usb.state": usb, "sys.usb.config": usb})
    if spec.data_free_mib is not None:
        profile = replace(profile, data_free_kib=min(spec.data_free_mib * 1024, profile.data_kib))
    async with contextlib.AsyncExitStack() as stack:
        shell, system = await stack.enter_async_context(start_shell(spec, profile))
        system.usb_connected, system.usb_speed = spec.plugged, spec.usb_speed
        physics = Physics(system, thermal=spec.thermal, battery=spec.battery, clock=clock or SystemClock())
        physics.watch(shell.processes.keeper_pid)
        physics.observe()
        system.physics = physics
        adbd = Adbd(
            shell,
            system,
            key_files=default_key_files if keys is None else lambda: keys,
        )
        await stack.enter_async_context(adbd.running())
        addresses = [await adbd.listen(port) for port in (spec.port, *spec.more_ports)]
        product = profile.props["ro.product.model"]
        faults = Faults(
            adbd, system, shell.processes, shell.root / rootfs.DATA, moves_data=spec.usb_mode != "charging"
        )
        adbd.on_restart = faults.restart_adbd
        yield VirtualPhone(spec, product, shell, addresses, system, faults)


@contextlib.asynccontextmanager
async def start_shell(spec: PhoneSpec, profile: Profile) -> AsyncIterator[tuple[Shell, PhoneSystem]]:
    """The phone's files and processes, confined where that is asked for or possible."""
    props = profile.instance_props(spec.serialno)
    host_tools = await tools.find_host_tools()
    modes: tuple[Mode, ...] = ("confined", "portable") if spec.mode == "auto" else (spec.mode,)
    for mode in modes:
        async with contextlib.AsyncExitStack() as stack:
            # The keeper removes it as well, so that nothing stays when this process is killed.
            folder = tempfile.TemporaryDirectory(prefix="devicehub-phone-", ignore_cleanup_errors=True)
            place = Path(stack.enter_context(folder))
            phone = rootfs.PhoneFolder(place)
            rootfs.build(phone, profile.files(props, boot_id=spec.boot_id or ""))
            prefix = "" if mode == "confined" else str(phone.root)
            tools.install(
                phone.root / "system/bin",
                host_tools,
                applets_of(profile.android),
                root=prefix,
                size_kib=profile.data_kib,
                free_kib=profile.data_free_kib if spec.data_mib is None else ASK,
            )
            system = PhoneSystem(profile, props, properties=phone.root / "dev/__properties__")
            system.kernel_log_readable = spec.kernel_log
            view = rootfs.make_view(phone) if mode == "confined" else None
            try:
                await stack.enter_async_context(system.running(phone.sockets))
                processes = await stack.enter_async_context(_start_processes(spec, profile, phone, view))
                shell = Shell(
                    processes,
                    phone,
                    mode=mode,
                    android=profile.android,
                    threads=spec.threads,
                    more_env=_clock_env(phone.root, prefix) if spec.settable_clock else {},
                )
                await shell.try_out()
                apps = AppManager(spec.app, shell, system)
                system.apps = apps
                await stack.enter_async_context(apps.running())
            except SimError as error:
                if mode == modes[-1]:
                    raise
                log.info("no confinement: %s", error)
                continue
            if processes.no_arm64 is not None:
                system.set_property(NO_ARM64_PROPERTY, processes.no_arm64)
            system.note("ActivityManager", "Virtual phone: boot completed")
            yield shell, system
            return


def _start_processes(
    spec: PhoneSpec, profile: Profile, phone: rootfs.PhoneFolder, view: View | None
) -> contextlib.AbstractAsyncContextManager[Processes]:
    size_kib = spec.data_mib * 1024 if spec.data_mib is not None else None
    return start_processes(
        phone.folder,
        view=view,
        limit=Limit(phone.root / rootfs.DATA, size_kib) if size_kib is not None else None,
        uptime_s=spec.uptime_days * 86400 if spec.uptime_days is not None else None,
        oom_score_adj=-1000 if profile.android < 9 else -950,
    )


def _clock_env(root: Path, prefix: str) -> dict[str, str]:
    """What makes a process read its wall clock through libfaketime, which rereads its file at each look."""
    library = next((path for path in _LIBFAKETIME if path.exists()), None)
    if library is None:
        raise SimError("a settable clock needs libfaketime (apt-get install faketime)")
    (root / CLOCK_FILE).write_text("+0.000\n")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": f"{prefix}/{CLOCK_FILE}",
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
