"""What dumpsys prints of a phone's state: battery, power, temperatures, USB, screen. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.sim.android.thermal import kind_of_sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from devicehub.sim.android.system import PhoneSystem

_USB_BITS: Final = {"mtp": 1 << 2, "midi": 1 << 3, "ptp": 1 << 4, "rndis": 1 << 5, "ncm": 1 << 10}
"""UsbManager.FUNCTION_*; adb is none of them."""


def services_of(system: PhoneSystem) -> Mapping[str, Callable[[PhoneSystem], str]]:
    """The services that dumpsys knows, and what each prints."""
    services = {
        "battery": _dump_battery,
        "hardware_properties": _dump_hardware,
        "power": _dump_power,
        "thermalservice": _dump_thermal,
        "usb": _dump_usb,
        "window": _dump_window,
    }
    if system.profile.android < 10:
        del services["thermalservice"]
    return services


def usb_functions(system: PhoneSystem) -> list[str]:
    """What the USB port offers beside adb."""
    return [name for name in system.props.get("sys.usb.state", "adb").split(",") if name != "adb"]


def _dump_battery(system: PhoneSystem) -> str:
    lines = [f"  {key}: {value}" for key, value in _battery(system).items()]
    return "\n".join(["Current Battery Service state:", *lines]) + "\n"


def _battery(system: PhoneSystem) -> Mapping[str, str]:
    """What Android knows of the battery now."""
    physics = system.physics
    if physics is None or not physics.moves:
        return system.battery
    physics.look()
    told = physics.battery.dump() if physics.battery is not None else {}
    return {**system.battery, "temperature": str(round(physics.battery_mc / 100)), **told}


def _sensors(system: PhoneSystem) -> Iterator[tuple[str, int, float]]:
    """Name, type and degrees Celsius of each sensor of the thermal service now."""
    thermal = system.physics.thermal if system.physics is not None else None
    for name, number, idle_c in system.profile.temperatures:
        now_c = idle_c if thermal is None else round(thermal.temperature_c(kind_of_sensor(number), idle_c), 1)
        yield name, number, system.temps_c.get(name, now_c)


def _dump_thermal(system: PhoneSystem) -> str:
    status = system.thermal_status
    if (physics := system.physics) is not None and physics.thermal is not None:
        physics.look()
        status = max(status, physics.thermal.shown_status)
    now = [
        f"\tTemperature{{mValue={degrees}, mType={kind}, mName={name}, mStatus={status}}}"
        for name, kind, degrees in _sensors(system)
    ]
    lines = ["IsStatusOverride: false"]
    for listeners, count in (("ThermalEventListeners", 1), ("ThermalStatusListeners", 3)):
        lines += [f"{listeners}:", f"\tcallbacks: {count}", "\tkilled: false", "\tbroadcasts count: -1"]
    lines += [f"Thermal Status: {status}", "Cached temperatures:", *now, "HAL Ready: true"]
    lines += [
        "HAL connection:",
        "\tThermalHAL AIDL 1  connected: yes",
        "Current temperatures from HAL:",
        *now,
    ]
    lines += [
        "Current cooling devices from HAL:",
        f"\tCoolingDevice{{mValue={status}, mType=2, mName=thermal-cpufreq-0}}",
    ]
    return "\n".join(lines) + "\n"


def _dump_hardware(system: PhoneSystem) -> str:
    """Source: AOSP services/core, HardwarePropertiesManagerService.java."""
    if system.physics is not None and system.physics.thermal is not None:
        system.physics.look()
    lines = ["****** Dump of HardwarePropertiesManagerService ******", ""]
    for number, kind in enumerate(("CPU", "GPU", "Battery", "Skin")):
        now = [degrees for _, sensor, degrees in _sensors(system) if sensor == number]
        lines.append(f"{kind} temperatures: [{', '.join(map(str, now))}]")
        lines += [f"{kind} {word} temperatures: []" for word in ("throttling", "shutdown", "vr throttling")]
    lines += ["Fan speed: []", "", "****** End of HardwarePropertiesManagerService dump ******"]
    return "\n".join(lines) + "\n"


def _dump_power(system: PhoneSystem) -> str:
    awake, state = ("Awake", "ON") if system.screen_on else ("Asleep", "OFF")
    powered, saver = str(system.plugged).lower(), str(system.power_saver).lower()
    old = system.profile.android < 9
    return (
        "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n"
        f"  mWakefulness={awake}\n  mWakefulnessChanging=false\n  mIsPowered={powered}\n"
        f"  mPlugType={2 if system.plugged else 0}\n  mBatteryLevel={_battery(system).get('level', '0')}\n"
        + (f"  mLowPowerModeEnabled={saver}\n" if old else "")
        + "  mStayOn=false\n\nSettings and Configuration:\n  mScreenOffTimeoutSetting=60000\n\n"
        f"Display Power: state={state}\n"
        + ("" if old else f"\nBattery saver state machine:\n  Enabled={saver}\n  mState=1\n")
    )


def _dump_window(system: PhoneSystem) -> str:
    locked = str(system.locked).lower()
    awake = str(system.screen_on).lower()
    return (
        "WINDOW MANAGER POLICY STATE (dumpsys window policy)\n"
        f"    mShowingLockscreen={locked} mShowingDream=false mDreamingLockscreen={locked}\n"
        f"    mAwake={awake} mScreenOnEarly={awake} mScreenOnFully={awake}\n"
        f"    KeyguardServiceDelegate\n      showing={locked}\n      secure=true\n"
        f"  mCurrentFocus=Window{{5f2c1e0 u0 {system.top_activity}}}\n"
    )


def _dump_usb(system: PhoneSystem) -> str:
    functions = usb_functions(system)
    state = system.props.get("sys.usb.state", "adb")
    connected, locked = str(system.usb_connected).lower(), str(system.locked).lower()
    if system.profile.android < 9:
        return (
            "USB Manager State:\n  USB Device State:\n"
            f"    mCurrentFunctions: {state}\n    mCurrentFunctionsApplied: true\n"
            f"    mConnected: {connected}\n    mConfigured: {connected}\n"
        )
    bits = sum(_USB_BITS.get(name, 0) for name in functions)
    chosen = sum(_USB_BITS.get(name, 0) for name in system.usb_default)
    return (
        "USB MANAGER STATE (dumpsys usb):\n{\n  device_manager={\n    handler={\n"
        f"      current_functions={bits}\n      current_functions_applied=true\n"
        f"      screen_unlocked_functions={chosen}\n      screen_locked={locked}\n"
        f"      connected={connected}\n      configured={connected}\n      host_connected=false\n"
        f"      source_power=false\n      sink_power={connected}\n      usb_charging=false\n    }}\n"
        f"    kernel_state={'CONFIGURED' if system.usb_connected else 'DISCONNECTED'}\n"
        f"    kernel_function_list={state}\n  }}\n}}\n"
    )
