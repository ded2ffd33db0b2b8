"""`/proc/cpuinfo`: what the kernel says the processor is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devicehub.android.getprop import decode_text

_MAX_LINE: Final = 4096


@dataclass(frozen=True)
class CpuInfo:
    """What identifies a processor; None or empty where the kernel is silent, as newer arm64 kernels are.

    Attributes:
        hardware: the SoC as the kernel's board code names it, as in `Qualcomm Technologies, Inc MSM8996`.
        model_name: x86: the brand string. Arm: `AArch64 Processor rev 4`, which tells nothing.
        vendor_id: x86 only, as in `GenuineIntel`.
        implementers: the designers' codes of the cores; 0x41 is Arm, 0x51 Qualcomm.
        listed_cores: how many cores are listed; some phones list only those that are online.
    """

    hardware: str | None = None
    model_name: str | None = None
    vendor_id: str | None = None
    implementers: frozenset[int] = frozenset()
    listed_cores: int = 0

    @property
    def recognised(self) -> bool:
        """Whether anything in the file was /proc/cpuinfo's."""
        return bool(self.listed_cores or self.implementers or self.hardware or self.vendor_id)


def parse_cpuinfo(data: bytes) -> CpuInfo:
    """Read a saved /proc/cpuinfo; lines of any other shape are passed over."""
    first: dict[str, str] = {}
    implementers: set[int] = set()
    cores = 0
    for line in decode_text(data).splitlines():
        # "Hardware	: Qualcomm Technologies, Inc MSM8996"
        name, colon, value = line[:_MAX_LINE].partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not value:
            continue
        first.setdefault(name, value)
        # "Processor	: AArch64 Processor rev 0" is a title in old kernels, "processor : 0" a core.
        cores += name == "processor" and value.isascii() and value.isdigit()
        if name == "CPU implementer" and (code := _hex(value)) is not None:
            implementers.add(code)
    return CpuInfo(
        hardware=first.get("Hardware"),
        model_name=first.get("model name"),
        vendor_id=first.get("vendor_id"),
        implementers=frozenset(implementers),
        listed_cores=cores,
    )


def _hex(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None
