"""What a phone answers to doctor's one script. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.android.foreground import read_foreground
from devicehub.device.state import PhoneState, parse_more, parse_state, state_script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.device.link import HostLink
    from devicehub.device.model import Device

SETTINGS: Final = ("stay_on_while_plugged_in", "verifier_verify_adb_installs", "package_verifier_enable")
"""Of Android's global settings; one that nobody has set is `null`."""
DSP_LIBRARIES: Final = (
    "/vendor/lib64/libcdsprpc.so",
    "/system/vendor/lib64/libcdsprpc.so",
    "/system/lib64/libcdsprpc.so",
    "/odm/lib64/libcdsprpc.so",
)
_PUBLIC: Final = "/vendor/etc/public.libraries.txt /system/etc/public.libraries.txt"
_HOME: Final = (
    "cmd package resolve-activity --brief -a android.intent.action.MAIN -c android.intent.category.HOME"
)
_END: Final = "answered"
_MORE: Final = {
    # The host compares it with its own clock before and after.
    "clock": "date +%s",
    "thermal": "timeout 5 dumpsys thermalservice | grep -m 1 'Thermal Status'",
    "settings": f'for k in {" ".join(SETTINGS)}; do echo "$k=$(timeout 5 settings get global $k)"; done',
    "dsp": f"for f in {' '.join(DSP_LIBRARIES)}; do [ -r $f ] && echo $f; done; echo end",
    "public": f"cat {_PUBLIC} | grep -i opencl; echo end",
    "booted": "getprop sys.boot_completed",
    "front": "timeout 5 dumpsys activity activities | grep ResumedActivity",
    "home": f"timeout 5 {_HOME}",
    "end": f"echo {_END}",
}
# "Thermal Status: 0"
_STATUS: Final = re.compile(r"Thermal Status: ([0-6])\s")
_SETTING: Final = re.compile(r"^(\w+)=([\w.-]{1,40})\s*$", re.MULTILINE)
_SECONDS: Final = re.compile(r"\d{1,11}")
# "com.google.android.apps.nexuslauncher/.NexusLauncherActivity"
_COMPONENT: Final = re.compile(r"^([A-Za-z][\w.]{2,200})/[\w.$]{1,200}$", re.MULTILINE)


@dataclass(frozen=True)
class PhoneFacts:
    """A phone as it answers now; None is what it does not tell.

    Attributes:
        whole: it answered the script to its end.
        wall_s: its clock, whole seconds.
        thermal_status: Android's own, 0 none to 6 shutdown.
        settings: those of `SETTINGS` that it told.
        dsp: the libraries to the DSP that its shell can read.
        public_opencl: apps may load the OpenCL library.
        front: the package whose activity is in front; `home` is the launcher's.
    """

    state: PhoneState = field(default_factory=PhoneState)
    whole: bool = False
    wall_s: int | None = None
    thermal_status: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    dsp: tuple[str, ...] | None = None
    public_opencl: bool | None = None
    booted: bool | None = None
    front: str | None = None
    home: str | None = None


@dataclass(frozen=True)
class PhoneLook:
    """One phone as it was met.

    Attributes:
        device: as the hub knows it.
        facts: its answer; None where none came.
        problem: why none came.
        link: the host's way to it.
        features: what its adbd can do.
        asked_s: the host's clock just before the phone looked at its own; `answered_s` is just after.
        beside: how many other phones hang on the same USB hub.
    """

    device: Device
    facts: PhoneFacts | None = None
    problem: str | None = None
    link: HostLink | None = None
    features: frozenset[str] | None = None
    asked_s: float = 0.0
    answered_s: float = 0.0
    beside: int = 0


def phone_script(folder: str) -> str:
    """The sh script that asks for everything in one go; `folder` as `state_script` takes it."""
    return state_script(folder, _MORE.values())


def parse_phone(output: bytes) -> PhoneFacts:
    """Take the script's answer apart; what lacks or cannot be read is unknown."""
    parts = parse_more(output, tuple(_MORE))
    status = _STATUS.search(f"{parts['thermal']}\n")
    clock = parts["clock"].strip()
    booted = parts["booted"].strip()
    front = read_foreground(parts["front"].splitlines()).front
    home = _COMPONENT.search(parts["home"])
    dsp, public = parts["dsp"].split(), parts["public"].split()
    return PhoneFacts(
        state=parse_state(output),
        whole=parts["end"].strip() == _END,
        wall_s=int(clock) if _SECONDS.fullmatch(clock) else None,
        thermal_status=int(status[1]) if status else None,
        settings={name: value for name, value in _SETTING.findall(parts["settings"]) if name in SETTINGS},
        dsp=tuple(path for path in dsp if path in DSP_LIBRARIES) if dsp[-1:] == ["end"] else None,
        public_opencl=_names_opencl(public) if public[-1:] == ["end"] else None,
        booted=booted == "1" if booted in ("", "0", "1") and parts["end"] else None,
        front=front.partition("/")[0] if front else None,
        home=home[1] if home else None,
    )


def _names_opencl(words: list[str]) -> bool:
    return any(word.startswith("libOpenCL") for word in words)
