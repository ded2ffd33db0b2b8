"""Part numbers of SoCs, as phones write them: one pattern per vendor's family of names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.profiles.schema import Vendor


@dataclass(frozen=True)
class Part:
    """A part number that stands in a text.

    Attributes:
        model: without grade and package: `MSM8996`, `MT6771`.
        full: with what the text says of them: `MSM8996PRO-AB`, `MT6771V/C`.
    """

    vendor: Vendor
    model: str
    full: str

    @property
    def id(self) -> str:
        """The id of its profile."""
        return self.model.replace(" ", "-").lower()


@dataclass(frozen=True)
class _Family:
    vendor: Vendor
    pattern: re.Pattern[str]
    build: Callable[[re.Match[str]], tuple[str, str]]


def _family(
    vendor: Vendor, pattern: str, build: Callable[[re.Match[str]], tuple[str, str]] | None = None
) -> _Family:
    return _Family(vendor, re.compile(pattern, re.IGNORECASE), build or _as_written)


def _as_written(match: re.Match[str]) -> tuple[str, str]:
    model = match[1].upper()
    return model, (match[1] + (match[2] or "")).upper()


def _mediatek(match: re.Match[str]) -> tuple[str, str]:
    model = f"MT{match[1]}"
    return model, model + (match[2] or "").upper()


def _prefixed(prefix: str) -> Callable[[re.Match[str]], tuple[str, str]]:
    def build(match: re.Match[str]) -> tuple[str, str]:
        model = prefix + match[1].upper()
        return model, model

    return build


def _exynos_part(match: re.Match[str]) -> tuple[str, str]:
    model = f"s5e{match[1]}"
    return model, model


def _spreadtrum(match: re.Match[str]) -> tuple[str, str]:
    model = f"SC{match[1]}" + (match[2].upper() if len(match[2]) == 1 else "")
    return model, model


def _processor(match: re.Match[str]) -> tuple[str, str]:
    model = f"{match[1].capitalize()} {match[2]}"
    return model, model


_FAMILIES: Final = (
    # "Qualcomm Technologies, Inc MSM8974PRO-AC", "SM8650-AB", "QCS8550", "CQ8750S".
    _family(
        "qualcomm",
        r"(?<![a-z0-9])((?:MSM|APQ|QCM|QCS|QSD|QRB|SXR|CQ|SM|SA|SW)\d{4}|SD[AMW]\d{3}|QM215)"
        r"((?:PRO|SG|AU|P|S)?(?:-[A-Z0-9]{1,3})?)(?![0-9])",
    ),
    # Qualcomm's chips for laptops; other SC numbers are Spreadtrum's.
    _family("qualcomm", r"(?<![a-z0-9])(SC7180|SC7280|SC8180|SC8280|SC8380)([A-Z]{0,2})(?![a-z0-9])"),
    # "mt6735m", "MT6771V/C", "MT6855V_A/ATZA", vivo's "MTK6991".
    _family(
        "mediatek",
        r"(?<![a-z0-9])MTK?[ _]?([25-9]\d{3})(?!\d)"
        r"([A-Z]{0,3}(?:_[A-Z]{1,3})?(?:/[A-Z]+)?(?![A-Z0-9]))?",
        _mediatek,
    ),
    # "samsungexynos9810", "SAMSUNG Exynos7580", "exynos7884B", "universal_5433"; not "exynos5", a generation.
    _family("samsung", r"exynos[ _]?(\d{3,4})(?!\d)", _prefixed("Exynos ")),
    _family("samsung", r"(?<![a-z0-9])(?:universal|smdk)_?(\d{4})(?!\d)", _prefixed("Exynos ")),
    _family("samsung", r"(?<![a-z0-9])(?:s5e|erd)(\d{4})(?!\d)", _exynos_part),
    # "kirin980_cs", "Hisilicon Kirin 970", "kirin9000s".
    _family("hisilicon", r"kirin[ _]?(\d{3,4}[A-Z]?)(?![a-z0-9])", _prefixed("Kirin ")),
    _family("google", r"(?<![a-z0-9])(gs\d01)()(?![a-z0-9])"),
    # "sp9853i" and "sc9853i" are one chip, "sp7731gea" is a board's build, "s9863a1h10" a board.
    _family("unisoc", r"(?<![a-z0-9])(?:sc|sp)((?:77|88|98)\d\d)([a-z]*)", _spreadtrum),
    _family("unisoc", r"(?<![a-z0-9])s(98\d\d[a-z]?)(?:\dh\d+)?(?![a-z0-9])", _prefixed("SC")),
    _family("unisoc", r"(?<![a-z0-9])(u[mi]s\d{3,4})([a-z]?)(?![a-z0-9])"),
    _family("unisoc", r"^(?:unisoc |tiger |tanggula )?(t\d{3,4})()$"),
    # "Intel(R) Atom(TM) CPU Z3580 @ 2.33GHz", "Intel(R) Celeron(R) N4000 CPU", "Atom(TM) x5-Z8350 CPU".
    _family(
        "intel",
        r"(?<![a-z])(atom|celeron|pentium)(?:\((?:tm|r)\))?(?: processor)?(?: cpu)?"
        r" +((?:x\d-)?[a-z]?\d{3,4}[a-z]?)\b",
        _processor,
    ),
)


def find_part(text: str) -> Part | None:
    """The first part number in a text; None where no vendor's pattern fits."""
    for family in _FAMILIES:
        match = family.pattern.search(text)
        if match is not None:
            model, full = family.build(match)
            return Part(family.vendor, model, full)
    return None


# MediaTek's reference boards carry the number: "k6991v1_64", "tb8788p1_64_bsp", "evb6592".
_REFERENCE_BOARD: Final = re.compile(r"^(?:k|tb|evb)(6[5-9]\d\d|8[1-9]\d\d)(?:v\d|p\d|$|_)", re.IGNORECASE)
# Boards derived from them carry it too, but other numbers as well: "full_oppo6755_15311", "aeon6737m_65_n".
_BARE_NUMBER: Final = re.compile(r"(?<!\d)(6[5-9]\d\d|8[1-9]\d\d)(?!\d)")


def mediatek_board(text: str, *, derived: bool) -> Part | None:
    """The MediaTek part whose number a board's name carries.

    Args:
        text: the value of `ro.product.board`.
        derived: take a bare number too; right only where the phone is known to be MediaTek's.
    """
    match = _REFERENCE_BOARD.search(text) or (_BARE_NUMBER.search(text) if derived else None)
    if match is None:
        return None
    model = f"MT{match[1]}"
    return Part("mediatek", model, model)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_VENDOR_WORDS: Final[dict[Vendor, re.Pattern[str]]] = {
    "qualcomm": _words(r"^(qti|qcom|qualcomm)\b|\bqualcomm\b|^(msm|apq|sdm|qsd|mdm)\w*$"),
    "mediatek": _words(r"^(mtk|mediatek)\b|\bmediatek\b|^mt\d{4}"),
    "samsung": _words(r"^samsung\b|exynos|^(smdk|universal|s5p|s5e|erd)\w*\d"),
    "google": _words(r"^google$|^tensor\b"),
    "hisilicon": _words(r"^(hisilicon|hisi)\b|\bhisilicon\b|^hi3\d{3}|^hi6\d{3}|^k3v\d|kirin"),
    "unisoc": _words(r"\b(unisoc|spreadtrum|sprd)\b|^(ums|uis)\d|^scx\d\d|^(sc|sp)(77|88|98)\d\d"),
    "intel": _words(
        r"\b(intel|genuineintel)\b|^(medfield|clovertrail|merrifield|moorefield|baytrail|cherrytrail)"
        r"|^(mofd|mrfl|sofia3g)"
    ),
}


def vendor_word(text: str) -> Vendor | None:
    """The vendor that a word stands for: `QTI`, `Mediatek`, `exynos5`, `msmnile`; None for any other."""
    return next((vendor for vendor, pattern in _VENDOR_WORDS.items() if pattern.search(text)), None)
