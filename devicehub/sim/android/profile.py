"""The phones that a virtual one can play: their data lies in `phones/<name>/`.

`build.prop` holds properties, `phone.toml` the rest of what its system says, and `cpuinfo`, `meminfo`, `stat`
and `version` what stands under /proc.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = Path(__file__).parent / "phones"
_API_LEVELS: Final = {8: 26, 9: 28, 10: 29, 11: 30, 12: 31, 13: 33, 14: 34, 15: 35, 16: 36}
_PROC: Final = ("cpuinfo", "meminfo", "stat", "version")


@dataclass(frozen=True)
class Cluster:
    """Processors that share a clock."""

    cpus: tuple[int, ...]
    min_khz: int
    max_khz: int


@dataclass(frozen=True)
class Profile:
    """One phone's data.

    Attributes:
        name: its folder's name.
        android: the release it plays.
        props: its properties, without those of one instance.
        battery: what dumpsys battery says, in its order.
        temperatures: name, type and degrees Celsius of each sensor of the thermal service.
        clusters: its processors by kind.
        zones: type and reading of each thermal zone.
        usb_controller: its USB port as /sys/class/udc names it.
        usb_maximum: the speed of it, as the kernel words it.
        screen: its size as `wm size` says it.
        data_kib: the size of /data.
        data_free_kib: what an empty phone has free there.
        texts: files by path on the phone.
    """

    name: str
    android: int
    props: Mapping[str, str]
    battery: Mapping[str, str]
    temperatures: tuple[tuple[str, int, float], ...]
    clusters: tuple[Cluster, ...]
    zones: tuple[tuple[str, int], ...]
    usb_controller: str
    usb_maximum: str
    screen: str
    data_kib: int
    data_free_kib: int
    texts: Mapping[str, str]

    def instance_props(self, serialno: str) -> dict[str, str]:
        """The properties of one phone of this kind."""
        return dict(self.props) | {"ro.serialno": serialno, "ro.boot.serialno": serialno}

    def files(self, props: Mapping[str, str], *, boot_id: str) -> dict[str, str]:
        """Its files by path on the phone."""
        files = {f"/dev/__properties__/{name}": value + "\n" for name, value in props.items()}
        files["/dev/__properties__/.dump"] = format_dump(props)
        files["/proc/sys/kernel/random/boot_id"] = boot_id + "\n"
        return files | dict(self.texts)


def format_dump(props: Mapping[str, str]) -> str:
    """Properties as getprop lists them."""
    return "".join(f"[{name}]: [{props[name]}]\n" for name in sorted(props))


def load_profile(name: str, *, android: int | None = None) -> Profile:
    """Read a phone's data; `android` makes it play another release."""
    folder = _FOLDER / name
    props = _read_props((folder / "build.prop").read_text())
    data: dict[str, Any] = tomllib.loads((folder / "phone.toml").read_text())
    if android is not None:
        props |= _release_props(android)
        if android < 12:
            # Only later releases must tell their chip so.
            props = {key: value for key, value in props.items() if not key.startswith("ro.soc.")}
    return Profile(
        name=name,
        android=int(props["ro.build.version.release"]),
        props=props,
        battery={key: _text(value) for key, value in data["battery"].items()},
        temperatures=tuple((zone["name"], zone["type"], zone["celsius"]) for zone in data["temperature"]),
        clusters=tuple(
            Cluster(tuple(item["cpus"]), item["min_khz"], item["max_khz"]) for item in data["cluster"]
        ),
        zones=tuple((zone["type"], zone["temp"]) for zone in data["zone"]),
        usb_controller=data["usb"]["controller"],
        usb_maximum=data["usb"]["maximum_speed"],
        screen=data["screen"],
        data_kib=data["data_kib"],
        data_free_kib=data["data_free_kib"],
        texts=_sys_files(data) | {f"/proc/{file}": (folder / file).read_text() for file in _PROC},
    )


def _release_props(android: int) -> dict[str, str]:
    release = str(android)
    return {
        "ro.build.version.release": release,
        "ro.build.version.release_or_codename": release,
        "ro.build.version.sdk": str(_API_LEVELS.get(android, max(_API_LEVELS.values()))),
    }


def _read_props(text: str) -> dict[str, str]:
    props: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            props[key] = value
    return props


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sys_files(data: Mapping[str, Any]) -> dict[str, str]:
    """What /sys holds: CPU clocks by policy, thermal zones."""
    files: dict[str, str] = {}
    cpu = "/sys/devices/system/cpu"
    count = sum(len(cluster["cpus"]) for cluster in data["cluster"])
    for name in ("online", "possible", "present"):
        files[f"{cpu}/{name}"] = f"0-{count - 1}\n"
    files[f"{cpu}/offline"] = "\n"
    for cluster in data["cluster"]:
        cpus = " ".join(str(number) for number in cluster["cpus"])
        nodes = {
            "affected_cpus": cpus,
            "related_cpus": cpus,
            "cpuinfo_max_freq": cluster["max_khz"],
            "cpuinfo_min_freq": cluster["min_khz"],
            "scaling_max_freq": cluster["max_khz"],
            "scaling_min_freq": cluster["min_khz"],
            "scaling_cur_freq": cluster["cur_khz"],
            "scaling_governor": cluster["governor"],
        }
        for number in cluster["cpus"]:
            for name, value in nodes.items():
                files[f"{cpu}/cpu{number}/cpufreq/{name}"] = f"{value}\n"
            files[f"{cpu}/cpu{number}/cpu_capacity"] = f"{cluster['capacity']}\n"
        for name, value in nodes.items():
            files[f"{cpu}/cpufreq/policy{cluster['cpus'][0]}/{name}"] = f"{value}\n"
    for number, zone in enumerate(data["zone"]):
        files[f"/sys/class/thermal/thermal_zone{number}/type"] = f"{zone['type']}\n"
        files[f"/sys/class/thermal/thermal_zone{number}/temp"] = f"{zone['temp']}\n"
    return files
