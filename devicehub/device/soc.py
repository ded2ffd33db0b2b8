"""Which SoC is in a phone, from its properties and /proc/cpuinfo.

A platform name such as `pineapple` or `lito` stands for several chips. Then the other properties decide, and
where none does, the model is unknown: a wrong part number picks a wrong engine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.android.getprop import first_value, says_something
from devicehub.device.parts import Part, find_part, mediatek_board, vendor_word
from devicehub.profiles.schema import Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devicehub.android.cpuinfo import CpuInfo
    from devicehub.profiles.match import Soc, SocBook


class SocFacts(msgspec.Struct, frozen=True):
    """What is known of a phone's SoC; None is unknown.

    Attributes:
        model: the vendor's part number.
        name: what it is sold as; all of them, where one part number is sold under several names.
        htp: the architecture of Qualcomm's tensor processor, as in `v75`.
    """

    vendor: Vendor = "unknown"
    model: str | None = None
    name: str | None = None
    gpu: str | None = None
    htp: str | None = None


# These are written for the one chip that is in the phone.
_OF_THIS_CHIP: Final = (
    "ro.soc.model",
    "ro.vendor.qti.soc_model",
    "ro.vendor.soc.model.part_name",
    "ro.vendor.soc.model.external_name",
)
_OF_THIS_PHONE: Final = ("ro.chipname", "ro.hardware.chipname", "ro.vendor.hardware.chipname")
# These name what the firmware was built for, which may be a family of chips; the more exact come first.
# MediaTek's own property names the family where the board's names the member: MT6735 beside mt6737m.
_OF_THE_FIRMWARE: Final = (
    # Where no part number stands there, it may be what the chip is sold as: `Tensor G4`.
    "ro.soc.model",
    "ro.boot.platform_name",
    "vendor.boot.platform_name",
    "ro.product.oplus.cpuinfo",
    "ro.vendor.vivo.product.platform",
    "ro.vivo.product.platform",
    "ro.vendor.qti.soc_name",
    "ro.board.platform",
    "ro.vendor.mediatek.platform",
    "ro.mediatek.platform",
    "ro.arch",
    "ro.board.chiptype",
    "ro.boot.hardware.platform",
    "ro.hardware",
    "ro.boot.hardware",
    "ro.product.board",
)


def identify_soc(
    props: Mapping[str, str], cpuinfo: CpuInfo | None, *, socs: SocBook, built_in: str | None = None
) -> SocFacts:
    """Tell the SoC from what the phone prints; what it does not tell is None.

    Args:
        props: the phone's properties.
        cpuinfo: its /proc/cpuinfo.
        socs: what is known of SoCs.
        built_in: the id of the one that the product is known to have; its own word counts more.
    """
    part = _part_of_this_chip(props, cpuinfo)
    if part is not None:
        return _facts(part.vendor, part.full, _with_number(part, socs))
    vendor = _vendor(props, cpuinfo)
    known, literal = _by_firmware(_firmware_names(props, cpuinfo), socs, vendor)
    if known or literal is None:
        known = _by_kernel_id(props, socs, known) or _decide(known, literal, props)
        known = _as_built(known, built_in, socs)
    if known:
        return _facts(known[0].facts.vendor, known[0].facts.model if len(known) == 1 else None, known)
    if literal is not None:
        return SocFacts(vendor=literal.vendor, model=literal.model)
    return SocFacts(vendor=vendor or "unknown", model=_unheard_of(props))


def _part_of_this_chip(props: Mapping[str, str], cpuinfo: CpuInfo | None) -> Part | None:
    """The part number that something written for the one chip in the phone holds."""
    texts = [props.get(name, "") for name in _OF_THIS_CHIP]
    if cpuinfo is not None:
        texts += [cpuinfo.hardware or "", cpuinfo.model_name or ""]
    texts += [props.get(name, "") for name in _OF_THIS_PHONE]
    parts = (find_part(text.strip()) for text in texts)
    return next((part for part in parts if part is not None), None)


def _unheard_of(props: Mapping[str, str]) -> str | None:
    """What the phone says is the part number, where nothing here knows its form: `RK3588`."""
    model = first_value(props, ("ro.soc.model",))
    return model if model is not None and re.fullmatch(r"\S*\d\S*", model) else None


def _by_kernel_id(props: Mapping[str, str], socs: SocBook, possible: Sequence[Soc]) -> Sequence[Soc]:
    """The one SoC with the kernel's number; empty where unknown, or hearsay against the firmware's name."""
    text = props.get("ro.vendor.qti.soc_id", "").strip()
    found = socs.with_kernel_id(int(text)) if re.fullmatch(r"[0-9]{1,6}", text) else ()
    if len(found) != 1 or (possible and found[0] not in possible and not found[0].verified("kernel_soc_ids")):
        return ()
    return found


def _with_number(part: Part, socs: SocBook) -> Sequence[Soc]:
    """The SoC of that number; its name may also be the platform of others."""
    known = (*socs.named(part.id), *socs.named(part.full))
    numbers = (part.id, part.full.lower())
    return [
        soc
        for soc in known
        if soc.id == part.id or any(alias.lower() in numbers for alias in soc.facts.aliases)
    ][:1]


def _firmware_names(props: Mapping[str, str], cpuinfo: CpuInfo | None) -> Iterator[tuple[str, str]]:
    """(property, value), the more exact first; the kernel's word for the board comes last."""
    for name in _OF_THE_FIRMWARE:
        yield name, props.get(name, "")
    if cpuinfo is not None:
        yield "Hardware", cpuinfo.hardware or ""


def _by_firmware(
    names: Iterator[tuple[str, str]], socs: SocBook, vendor: Vendor | None
) -> tuple[Sequence[Soc], Part | None]:
    """The SoCs that the firmware's names leave possible, and the part number that the first of them is.

    The first name that says something counts; a later one can only narrow its SoCs down.
    """
    possible: list[Soc] = []
    literal: Part | None = None
    for named, part in _readings(names, socs, vendor):
        if not possible and literal is None:
            possible, literal = named, part
        elif possible:
            possible = [soc for soc in possible if soc in named] or possible
    return possible, literal


def _readings(
    names: Iterator[tuple[str, str]], socs: SocBook, vendor: Vendor | None
) -> Iterator[tuple[list[Soc], Part | None]]:
    for name, value in names:
        text = value.strip()
        if not says_something(text):
            continue
        part = find_part(text)
        if part is None and name == "ro.product.board" and vendor in (None, "mediatek"):
            part = mediatek_board(text, derived=vendor == "mediatek")
        named = socs.named(text) or (socs.named(part.id) if part else ())
        # A board may be called as a platform of another vendor is.
        fitting = [soc for soc in named if vendor in (None, soc.facts.vendor)]
        if fitting or (part is not None and vendor in (None, part.vendor)):
            yield fitting, part


def _decide(known: Sequence[Soc], literal: Part | None, props: Mapping[str, str]) -> Sequence[Soc]:
    """Choose among SoCs that share a platform name; more than one is left where nothing decides."""
    if len(known) > 1:
        known = _with_modem(known, props) or known
    if len(known) > 1 and literal is not None:
        namesake = [soc for soc in known if soc.id == literal.id and soc.facts.platform_decides]
        known = namesake or known
    return known


def _as_built(known: Sequence[Soc], built_in: str | None, socs: SocBook) -> Sequence[Soc]:
    """The SoC that the product is known to have, unless the phone tells one itself or denies it."""
    if len(known) == 1 or built_in is None:
        return known
    found = [soc for soc in socs.named(built_in) if soc.id == built_in and (not known or soc in known)]
    return found or known


def _with_modem(known: Sequence[Soc], props: Mapping[str, str]) -> Sequence[Soc]:
    """Those of the SoCs that go with the phone's modem; empty where it tells nothing."""
    # Pixels: "g7150-00042-200421-B-6417440" is the firmware of the modem in an SM7150.
    pixel = re.match(r"g(\d{3,4})-", props.get("gsm.version.baseband", ""))
    if pixel is not None:
        return [soc for soc in known if re.search(rf"\D{pixel[1]}$", soc.id)]
    # An APQ is an MSM without modem: beside it sits a modem of its own, and `msm` is never said.
    baseband = first_value(props, ("ro.baseband", "ro.boot.baseband"))
    if baseband is None:
        return ()
    return [soc for soc in known if soc.id.startswith("apq") == (baseband != "msm")]


def _vendor(props: Mapping[str, str], cpuinfo: CpuInfo | None) -> Vendor | None:
    declared = vendor_word(first_value(props, ("ro.soc.manufacturer", "ro.soc.vendor")) or "")
    if declared is not None:
        return declared
    words = [props.get(name, "").strip() for name in (*_OF_THIS_CHIP, *_OF_THIS_PHONE, *_OF_THE_FIRMWARE)]
    if cpuinfo is not None:
        words += [cpuinfo.hardware or "", cpuinfo.vendor_id or ""]
    for word in words:
        vendor = vendor_word(word)
        if vendor is not None:
            return vendor
    # Adreno is Qualcomm's alone, and so are cores of implementer 0x51; 0x53 are Samsung's.
    implementers = cpuinfo.implementers if cpuinfo is not None else frozenset()
    if props.get("ro.hardware.egl") == "adreno" or 0x51 in implementers:
        return "qualcomm"
    if any(name.startswith(("ro.mediatek.", "ro.vendor.mediatek.")) for name in props):
        return "mediatek"
    return "samsung" if 0x53 in implementers else None


def _facts(vendor: Vendor, model: str | None, known: Sequence[Soc]) -> SocFacts:
    """What all possible SoCs have in common."""
    names = {" / ".join(soc.facts.names) or None for soc in known}
    gpus = {soc.facts.gpu for soc in known}
    # A wrong generation of the tensor processor makes a run fail: only what was seen in a source counts.
    htps = {soc.facts.htp if soc.verified("htp") else None for soc in known}
    return SocFacts(
        vendor=vendor if len({soc.facts.vendor for soc in known}) <= 1 else "unknown",
        model=model,
        name=names.pop() if len(names) == 1 else None,
        gpu=gpus.pop() if len(gpus) == 1 else None,
        htp=htps.pop() if len(htps) == 1 else None,
    )
