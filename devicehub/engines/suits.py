"""Which engine suits which phone, before a byte is pushed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.engines.defects import BIG_PAGES, BUILD
from devicehub.engines.features import BIG_PAGE
from devicehub.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from devicehub.engines.features import EngineFeatures

_VIRTUAL: Final = "virtual"
_ARM64: Final = "arm64-v8a"
_NO_EMULATOR: Final = "mend that and start the phone again, or take engine `virtual`"
_ADD: Final = "add an engine for this phone (`devicehub engines add PATH`)"
_FLAGS: Final = {
    "opencl": "-DMNN_OPENCL=ON",
    "vulkan": "-DMNN_VULKAN=ON",
    "qnn": "-DMNN_QNN=ON -DMNN_WITH_PLUGIN=ON",
    "hexagon": "-DMNN_HEXAGON=ON",
}
_OF_THE_DSP: Final = ("qnn", "hexagon")
# The kernel's names of what Arm's manual calls FEAT_FP16, FEAT_DotProd and FEAT_I8MM.
_CPU_FLAGS: Final = {"fp16": "asimdhp", "dot": "asimddp", "i8mm": "i8mm"}


@dataclass(frozen=True)
class EnginePhone:
    """A phone as an engine meets it; None is what is not known of it, and refuses nothing.

    Attributes:
        label: how it is called in sentences.
        abis: the best first.
        page_size: bytes.
        vendor: the SoC's, as in `qualcomm`; `unknown` where it is not known.
        htp: the architecture of its tensor processor, where a source vouches for it.
        cpu_features: as /proc/cpuinfo lists them.
        opencl: the OpenCL libraries that its shell can read.
        no_arm64: why a virtual phone executes no programs for arm64; None where it does.
    """

    label: str
    abis: tuple[str, ...] = ()
    sdk: int | None = None
    android: str | None = None
    page_size: int | None = None
    vendor: str = "unknown"
    htp: str | None = None
    cpu_features: frozenset[str] | None = None
    opencl: tuple[str, ...] | None = None
    virtual: bool = False
    no_arm64: str | None = None


def suits(features: EngineFeatures, phone: EnginePhone, wants: Collection[str] = ()) -> list[Finding]:
    """Say what speaks against an engine on a phone.

    Args:
        features: the engine's.
        phone: as far as it is known.
        wants: the backends that the run asks for; nothing is asked of scripts for virtual phones.
    """
    return [
        *_loads(features, phone),
        *_backends(features, phone, wants),
        *_htp(features, phone, wants),
        *_hexagon(features, phone, wants),
        *_instructions(features, phone),
    ]


def _loads(features: EngineFeatures, phone: EnginePhone) -> Iterator[Finding]:
    if features.abi == _VIRTUAL:
        if not phone.virtual:
            why = f"is made of scripts for virtual phones, and {phone.label} is none"
            yield _error("abi_unfit", phone, why, _ADD)
        return
    if features.abi not in phone.abis:
        takes = ", ".join(phone.abis) or "no known ABI"
        yield _error("abi_unfit", phone, f"takes {takes}, the engine is for {features.abi}", _ADD)
    elif phone.virtual and phone.no_arm64 is not None and features.abi == _ARM64:
        why = f"is a virtual phone and executes no programs for arm64: {phone.no_arm64}"
        yield _error("no_emulator", phone, why, _NO_EMULATOR)
    if features.min_sdk is not None and phone.sdk is not None and phone.sdk < features.min_sdk:
        why = f"has Android's API level {phone.sdk}, the engine is linked for {features.min_sdk} and newer"
        fix = f"build with -DANDROID_NATIVE_API_LEVEL=android-{min(phone.sdk, features.min_sdk)}"
        yield _error("android_too_old", phone, why, fix)
    if (phone.page_size or 0) >= BIG_PAGE and features.small_pages:
        names = ", ".join(features.small_pages)
        why = f"has pages of {phone.page_size} bytes, and {names} are aligned to {features.page_align}"
        yield _error("page_size", phone, why, BIG_PAGES)


def _backends(features: EngineFeatures, phone: EnginePhone, wants: Collection[str]) -> Iterator[Finding]:
    if not features.backends:
        return
    for backend in sorted(set(wants) & set(_FLAGS)):
        if backend not in features.backends:
            why = f"is to run backend {backend}, and the engine has {', '.join(features.backends)} alone"
            fix = f"take a run profile for the CPU, or an engine built with {_FLAGS[backend]}"
            yield _error("backend_missing", phone, why, fix)
        elif backend == "opencl" and phone.opencl == () and not phone.virtual:
            why = "shows no OpenCL library to its shell: the engine may fall back to the CPU without a word"
            fix = "take a run profile for the CPU, or look at `devicehub doctor`"
            yield _told(Severity.WARNING, "opencl_unseen", phone, why, fix)
        elif backend in _OF_THE_DSP and phone.vendor not in ("qualcomm", "unknown"):
            why = f"is to run backend {backend}, which only Qualcomm's chips have"
            yield _error("no_htp", phone, why, "take a run profile for the CPU")


def _htp(features: EngineFeatures, phone: EnginePhone, wants: Collection[str]) -> Iterator[Finding]:
    """Qualcomm's library opens the stub and the skel of the very architecture that the phone has."""
    brought = {*features.htp_stubs, *features.htp_skels}
    if not brought and not ("qnn" in wants and "qnn" in features.backends):
        return
    if phone.vendor not in ("qualcomm", "unknown"):
        if brought:
            why = "has no tensor processor of Qualcomm's; the engine's libraries for it are not pushed"
            yield _told(Severity.NOTE, "htp_unused", phone, why)
        return
    if phone.htp is None:
        why = "has a chip whose HTP is not known for certain: whether the engine's skels fit cannot be told"
        yield _told(Severity.NOTE, "htp_unknown", phone, why)
        return
    lacking = [
        (f"libQnnHtp{phone.htp.upper()}{part}.so", place)
        for part, has, place in (
            ("Skel", features.htp_skels, f"lib/hexagon-{phone.htp}/unsigned"),
            ("Stub", features.htp_stubs, "lib/aarch64-android"),
        )
        if phone.htp not in has
    ]
    if not lacking:
        return
    has = [f"libQnnHtp{arch.upper()}Skel.so" for arch in features.htp_skels]
    has += [f"libQnnHtp{arch.upper()}Stub.so" for arch in features.htp_stubs]
    brings = f"the engine brings {', '.join(has)}" if has else "the engine brings no skel"
    why = f"has HTP {phone.htp}, {brings} and not {' and '.join(name for name, _ in lacking)}"
    files = " and ".join(f"{name} from {place}" for name, place in lacking)
    slug = "htp_skel_wrong" if phone.htp not in features.htp_skels else "htp_stub_wrong"
    yield _error(
        slug, phone, why, f"put {files} of the same QNN SDK beside the others and add the engine again"
    )


def _hexagon(features: EngineFeatures, phone: EnginePhone, wants: Collection[str]) -> Iterator[Finding]:
    if phone.htp is None or phone.vendor not in ("qualcomm", "unknown"):
        return
    wanted = "hexagon" in wants and "hexagon" in features.backends
    if phone.htp in features.hexagon_skels or not (wanted or features.hexagon_skels):
        return
    has = ", ".join(features.hexagon_skels)
    brings = f"is compiled for {has}" if has else "is not in the engine"
    right = f"libMNN_htpops_skel{phone.htp.upper()}.so"
    why = f"has HTP {phone.htp}, and MNN's own library for the DSP {brings}: it needs {right}"
    fix = f"make {right} (`build.sh {phone.htp}` in source/backend/hexagon/htp-ops-lib) and put it beside it"
    yield _error("hexagon_skel_wrong", phone, why, fix)


def _instructions(features: EngineFeatures, phone: EnginePhone) -> Iterator[Finding]:
    has = phone.cpu_features
    if has is None:
        return
    unused = [
        name
        for name, flag in _CPU_FLAGS.items()
        if flag in has and {"fp16": features.fp16, "dot": features.dot, "i8mm": features.i8mm}[name] is False
    ]
    if unused:
        why = (
            f"has the instructions {', '.join(unused)}, and the engine does not use them: it could be faster"
        )
        yield _told(Severity.NOTE, "instructions_unused", phone, why, f"{BUILD}; MNN_ARM82 is on by default")


def _error(slug: str, phone: EnginePhone, why: str, fix: str) -> Finding:
    return _told(Severity.ERROR, slug, phone, why, fix)


def _told(severity: Severity, slug: str, phone: EnginePhone, why: str, fix: str | None = None) -> Finding:
    return Finding(severity=severity, slug=slug, place=phone.label, why=why, fix=fix)
