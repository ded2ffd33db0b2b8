"""What dumpsys prints of a phone's state: battery, power, temperatures, USB, screen. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.sim.android.system import PhoneSystem

_USB_BITS: Final = {"mtp": 1 << 2, "midi": 1 << 3, "ptp": 1 << 4, "rndis": 1 << 5, "ncm": 1 << 10}
"""UsbManager.FUNCTION_*; adb is none of them."""


def services_of(system: PhoneSystem) -> Mapping[str, Callable[[PhoneSystem], str]]:
    """The services that dumpsys knows, and what each prints."""
    services = {
        "battery": _dump_battery,
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
    lines = ["Current Battery Service state:"]
    lines += [f"  {key}: {value}" for key, value in system.battery.items()]
    return "\n".join(lines) + "\n"


def _dump_thermal(system: PhoneSystem) -> str:
    now = [
        f"\tTemperature{{mValue={system.temps_c.get(name, degrees)}, mType={kind}, mName={name}, "
        f"mStatus={system.thermal_status}}}"
        for name, kind, degrees in system.profile.temperatures
    ]
    lines = ["IsStatusOverride: false"]
    for listeners, count in (("ThermalEventListeners", 1), ("ThermalStatusListeners", 3)):
        lines += [f"{listeners}:", f"\tcallbacks: {count}", "\tkilled: false", "\tbroadcasts count: -1"]
    lines += [f"Thermal Status: {system.thermal_status}", "Cached temperatures:", *now, "HAL Ready: true"]
    lines += [
        "HAL connection:",
        "\tThermalHAL AIDL 1  connected: yes",
        "Current temperatures from HAL:",
        *now,
    ]
    lines += [
        "Current cooling devices from HAL:",
        "\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}",
    ]
    return "\n".join(lines) + "\n"


def _dump_power(system: PhoneSystem) -> str:
    awake, state = ("Awake", "ON") if system.screen_on else ("Asleep", "OFF")
    powered = _plugged(system)
    return (
        "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n"
        f"  mWakefulness={awake}\n  mWakefulnessChanging=false\n  mIsPowered={powered}\n"
        f"  mPlugType={2 if powered == 'true' else 0}\n  mBatteryLevel={system.battery.get('level', '0')}\n"
        f"  mStayOn=false\n\nSettings and Configuration:\n  mScreenOffTimeoutSetting=60000\n\n"
        f"Display Power: state={state}\n"
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


def _plugged(system: PhoneSystem) -> str:
    powered = [value for key, value in system.battery.items() if key.endswith("powered")]
    return str("true" in powered).lower()
