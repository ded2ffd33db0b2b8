"""Which phone this is, from its properties and /proc/cpuinfo."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.android.getprop import first_value
from devicehub.device.hardware import Hardware, hardware_of, with_clocks
from devicehub.device.quirks import NoDevices, fitting, merged
from devicehub.device.soc import SocFacts, identify_soc
from devicehub.profiles.device_file import Quirks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.android.cpufreq import Clocks
    from devicehub.android.cpuinfo import CpuInfo
    from devicehub.android.meminfo import Memory
    from devicehub.device.quirks import DeviceBook
    from devicehub.profiles.match import SocBook


@dataclass(frozen=True)
class Identification:
    """What is known of a phone; None is unknown.

    Attributes:
        product: the name it is sold under, else the maker's model number.
        android: the release, as in `14`.
        abis: the best first.
        quirks: what it does otherwise than Android, by the profiles that fit it.
        hardware: what its SoC is made of.
        ram_kib: its memory, as the kernel counts it.
    """

    product: str | None
    manufacturer: str | None
    android: str | None
    sdk: int | None
    abis: tuple[str, ...]
    soc: SocFacts
    quirks: Quirks = field(default_factory=Quirks)
    hardware: Hardware = field(default_factory=Hardware)
    ram_kib: int | None = None


_MARKET_NAMES: Final = (
    "ro.product.marketname",
    "ro.product.odm.marketname",
    "ro.product.vendor.marketname",
    "ro.vendor.oplus.market.name",
    "ro.vendor.oplus.market.enname",
    "ro.oplus.market.name",
    "ro.oppo.market.name",
    "ro.vivo.market.name",
    "ro.vendor.vivo.market.name",
    "ro.config.marketing_name",
    "ro.config.market_name",
    "ro.asus.product.mkt_name",
    "ro.semc.product.name",
    "ro.product.display",
    "ro.product.nickname",
)
# In the order of what they know of this very phone; `system` is often one image for many phones.
_PARTITIONS: Final = ("", "vendor.", "odm.", "product.", "system.", "system_ext.")
_MODELS: Final = (*(f"ro.product.{part}model" for part in _PARTITIONS), "ro.vendor.product.model")
_MANUFACTURERS: Final = (
    *(f"ro.product.{part}manufacturer" for part in _PARTITIONS),
    "ro.vendor.product.manufacturer",
)
# Not the vendor image's release: it stays behind when the rest of the phone is updated.
_RELEASES: Final = (
    "ro.build.version.release",
    "ro.system.build.version.release",
    "ro.product.build.version.release",
)
_SDKS: Final = ("ro.build.version.sdk", "ro.system.build.version.sdk", "ro.product.build.version.sdk")
_ABI_LISTS: Final = (
    "ro.product.cpu.abilist",
    "ro.vendor.product.cpu.abilist",
    "ro.odm.product.cpu.abilist",
    "ro.system.product.cpu.abilist",
)


def identify(
    props: Mapping[str, str],
    cpuinfo: CpuInfo | None = None,
    *,
    socs: SocBook,
    devices: DeviceBook | None = None,
    memory: Memory | None = None,
    clusters: Mapping[str, Clocks] | None = None,
) -> Identification:
    """Tell phone and SoC from what the phone prints; what it does not tell is None.

    Args:
        props: the phone's properties.
        cpuinfo: its /proc/cpuinfo.
        socs: what is known of SoCs.
        devices: what is known of products and makers; nothing where it is left out.
        memory: its /proc/meminfo.
        clusters: the clocks of its cores.
    """
    files = fitting(props, devices or NoDevices())
    built_in = next((file.soc for file in files if file.soc), None)
    soc = identify_soc(props, cpuinfo, socs=socs, built_in=built_in)
    return Identification(
        product=first_value(props, _MARKET_NAMES + _MODELS),
        manufacturer=first_value(props, _MANUFACTURERS),
        android=first_value(props, _RELEASES),
        sdk=_sdk(first_value(props, _SDKS)),
        abis=_abis(props),
        soc=soc,
        quirks=merged(files),
        hardware=with_clocks(hardware_of(soc, socs), clusters or {}),
        ram_kib=memory.total_kib if memory is not None else None,
    )


def _sdk(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,3}", text) else None


def _abis(props: Mapping[str, str]) -> tuple[str, ...]:
    listed = first_value(props, _ABI_LISTS)
    if listed is not None:
        return tuple(abi.strip() for abi in listed.split(",") if abi.strip())
    abis = (props.get("ro.product.cpu.abi", "").strip(), props.get("ro.product.cpu.abi2", "").strip())
    return tuple(abi for abi in abis if abi)
