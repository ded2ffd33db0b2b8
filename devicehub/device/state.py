"""A phone as it stands before a run: what may spoil it, and what its figures will depend on. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.android.battery import Battery, parse_battery, parse_power_saver, parse_powered
from devicehub.android.cpufreq import FILES, parse_clocks, parse_cpu_list
from devicehub.android.files import parse_df
from devicehub.android.meminfo import Memory, parse_meminfo
from devicehub.android.screen import Screen, parse_screen
from devicehub.android.usb import Usb, parse_speeds, parse_usb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devicehub.android.cpufreq import Clocks

_BETWEEN: Final = "--devicehub-8c41ae--"
OPENCL_LIBRARIES: Final = (
    "/vendor/lib64/libOpenCL.so",
    "/system/vendor/lib64/libOpenCL.so",
    "/system/lib64/libOpenCL.so",
    "/vendor/lib64/libOpenCL-pixel.so",
    "/vendor/lib64/egl/libGLES_mali.so",
    "/vendor/lib64/libGLES_mali.so",
    "/vendor/lib64/libmali.so",
)
"""Where MNN's 64-bit engines find one, by path or by the linker's search."""
# The shell reads these by itself. Kernels before 4.3 know no policies.
CLOCKS_QUESTION: Final = (
    "( cd /sys/devices/system/cpu && { v=; read -r v <online; echo online=$v; "
    "set -- cpufreq/policy*; [ -d $1 ] || set -- cpu[0-9]*/cpufreq; "
    f"for d; do n=${{d#cpufreq/}}; for f in {' '.join(FILES)}; "
    'do v=; read -r v <$d/$f && echo "${n%/cpufreq}/$f=$v"; done; done; } )'
)
_QUESTIONS: Final = {
    "state": "getprop sys.usb.state",
    "config": "getprop sys.usb.config",
    # A Java program of its own, half a second on a phone: only where nothing else tells.
    "svc": '[ -n "$(getprop sys.usb.state)$(getprop sys.usb.config)" ] || timeout 5 svc usb getFunctions',
    "usb": "timeout 5 dumpsys usb",
    "power": "timeout 5 dumpsys power",
    "window": "timeout 5 dumpsys window policy",
    "battery": "timeout 5 dumpsys battery",
    "meminfo": "cat /proc/meminfo",
    "df": "df -k {folder}",
    "build": 'echo "build=$(getprop ro.build.fingerprint)"; '
    'echo "patch=$(getprop ro.build.version.security_patch)"',
    "cpu": CLOCKS_QUESTION,
    "udc": "for d in /sys/class/udc/*; do for f in current_speed maximum_speed; "
    'do v=; read -r v <$d/$f && echo "$f=$v"; done; done',
    # Android 8 and 9 have no getconf, and pages of 4 KiB alone.
    "page": "getconf PAGE_SIZE 2>/dev/null",
    "features": "grep -m 1 '^Features' /proc/cpuinfo 2>/dev/null",
    "opencl": f"for f in {' '.join(OPENCL_LIBRARIES)}; do [ -r $f ] && echo $f; done; echo end",
    # Only virtual phones have it.
    "no_arm64": "getprop ro.devicehub.no_arm64",
}
# "google/shiba/shiba:14/AP1A.240405.002/11480754:user/release-keys"
_BUILD: Final = re.compile(r"^build=([^\s=]\S{0,199})$", re.MULTILINE)
_PATCH: Final = re.compile(r"^patch=(\d{4}-\d\d(?:-\d\d)?)$", re.MULTILINE)
_ONLINE: Final = re.compile(r"^online=(.*)$", re.MULTILINE)
_LONGEST_REASON: Final = 300
_END_QUESTIONS: Final = ("power", "window")


@dataclass(frozen=True)
class PhoneState:
    """A phone as it is now; None is what it does not tell.

    Attributes:
        capacity_bytes: of the file system that holds the runs.
        build: ro.build.fingerprint.
        cpus_online: their numbers as the kernel writes lists, `0-7`.
        clusters: the clocks of the cores, by the kernel's name for those of one kind.
        usb_mbit_s: what the phone's USB port runs at.
        usb_most_mbit_s: what it could run at.
        power_saver: Android's own battery saver is on.
        page_size: bytes.
        cpu_features: what the kernel calls the processor's instructions.
        opencl: the OpenCL libraries that its shell can read.
        no_arm64: why a virtual phone executes no programs for arm64, in its own words.
    """

    usb: Usb = field(default_factory=Usb)
    screen: Screen = field(default_factory=Screen)
    battery: Battery = field(default_factory=Battery)
    memory: Memory = field(default_factory=Memory)
    capacity_bytes: int | None = None
    free_bytes: int | None = None
    build: str | None = None
    security_patch: str | None = None
    cpus_online: str | None = None
    clusters: Mapping[str, Clocks] = field(default_factory=dict)
    usb_mbit_s: int | None = None
    usb_most_mbit_s: int | None = None
    power_saver: bool | None = None
    page_size: int | None = None
    cpu_features: frozenset[str] | None = None
    opencl: tuple[str, ...] | None = None
    no_arm64: str | None = None


@dataclass(frozen=True)
class EndState:
    """What of a phone may have become another while a run went on; None is what it does not tell.

    Attributes:
        plugged: power comes from outside.
    """

    screen: Screen = field(default_factory=Screen)
    plugged: bool | None = None


def state_script(folder: str, more: Iterable[str] = ()) -> str:
    """The sh script that asks for everything in one go.

    Args:
        folder: an existing folder of the file system whose space counts; a plain path without quotes.
        more: further commands whose answers follow, for `parse_more`.
    """
    return _script((*_QUESTIONS.values(), *more)).replace("{folder}", folder)


def end_script() -> str:
    """The sh script that asks again for what may have changed."""
    return _script(_QUESTIONS[name] for name in _END_QUESTIONS)


def parse_state(output: bytes) -> PhoneState:
    """Take the script's answer apart; what lacks or cannot be read is unknown."""
    parts = _parts(output, tuple(_QUESTIONS))
    capacity, free = parse_df(parts["df"])
    speed, most_speed = parse_speeds(parts["udc"])
    return PhoneState(
        usb=parse_usb(state=parts["state"], config=parts["config"], svc=parts["svc"], dumpsys=parts["usb"]),
        screen=parse_screen(parts["power"], parts["window"]),
        battery=parse_battery(parts["battery"]),
        memory=parse_meminfo(parts["meminfo"]),
        capacity_bytes=capacity,
        free_bytes=free,
        build=_first(_BUILD, parts["build"]),
        security_patch=_first(_PATCH, parts["build"]),
        cpus_online=parse_cpu_list(_first(_ONLINE, parts["cpu"]) or ""),
        clusters=parse_clocks(parts["cpu"]),
        usb_mbit_s=speed,
        usb_most_mbit_s=most_speed,
        power_saver=parse_power_saver(parts["power"]),
        page_size=_page_size(parts["page"]),
        cpu_features=_cpu_features(parts["features"]),
        opencl=_opencl(parts["opencl"]),
        no_arm64=parts["no_arm64"].strip()[:_LONGEST_REASON] or None,
    )


def _page_size(text: str) -> int | None:
    word = text.strip()
    return int(word) if word in ("4096", "16384", "65536") else None


def _cpu_features(text: str) -> frozenset[str] | None:
    # "Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp"
    name, colon, words = text.strip().partition(":")
    return frozenset(words.split()) if colon and name.strip() == "Features" else None


def _opencl(text: str) -> tuple[str, ...] | None:
    """None where the question was not answered to its end."""
    lines = text.split()
    return tuple(line for line in lines if line in OPENCL_LIBRARIES) if lines[-1:] == ["end"] else None


def parse_more(output: bytes, names: Sequence[str]) -> dict[str, str]:
    """The answers to the further commands of `state_script`, by these names in order; empty where none is."""
    parts = _parts(output, (*_QUESTIONS, *names))
    return {name: parts[name] for name in names}


def parse_end_state(output: bytes) -> EndState:
    """Take the second script's answer apart."""
    parts = _parts(output, _END_QUESTIONS)
    return EndState(parse_screen(parts["power"], parts["window"]), parse_powered(parts["power"]))


def _script(commands: Iterable[str]) -> str:
    # svc prints its answer to standard error.
    return f"; echo; echo {_BETWEEN}; ".join(f"{{ {command}; }} 2>&1" for command in commands)


def _parts(output: bytes, names: Sequence[str]) -> dict[str, str]:
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    return dict.fromkeys(names, "") | dict(zip(names, text.split(_BETWEEN), strict=False))


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1] if match else None
