"""For which NPU a model is compiled: the generation of Qualcomm's HTP that a SoC has. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError

if TYPE_CHECKING:
    from devicehub.profiles.match import Soc, SocBook

_QUALCOMM: Final = "qualcomm"
_INSTEAD: Final = "run such phones on the CPU or by OpenCL: --recipe default"
_WITHOUT: Final = {
    "mediatek": (
        "MNN's public sources no longer hold the backend for MediaTek's NPU, so its generate_llm_mlda.py "
        "cannot come to an end"
    )
}
"""Vendors whose NPU a user may expect to be served, and why it is not."""
_NO_NPU: Final = "MNN compiles language models for Qualcomm's HTP alone, and this SoC is of another vendor"


@dataclass(frozen=True)
class Target:
    """What the graphs are made for.

    Attributes:
        name: the SoC's part number, or the profile's id.
        htp: the generation, as in `v75`; its graphs run on no other.
        soc_id: the number by which QNN's tools know the SoC.
        warnings: what is not certain about these.
    """

    name: str
    htp: str
    soc_id: int
    warnings: tuple[str, ...] = ()

    @property
    def generation(self) -> str:
        """The digits of `htp`, as the names of QNN's libraries hold them."""
        return self.htp.removeprefix("v")


def find_target(name: str, socs: SocBook) -> Target:
    """The target that a SoC's part number, alias or platform name stands for.

    Raises:
        InputError: it is not known, has no HTP, is not Qualcomm's, or stands for unlike ones.
    """
    found = socs.named(name)
    place = f"--soc {name}"
    if not found:
        remedy = "give the part number, as SM8650 (`devicehub profiles list socs`), or --on SERIAL"
        raise InputError(place, "no SoC of that name is known", remedy=remedy)
    targets = [_target(place, soc) for soc in found]
    if len({(target.htp, target.soc_id) for target in targets}) > 1:
        names = ", ".join(target.name for target in targets)
        raise InputError(place, "stands for SoCs with unlike NPUs", remedy=f"give one of {names}")
    return targets[0]


def _target(place: str, soc: Soc) -> Target:
    facts = soc.facts
    label = facts.model or soc.id
    if facts.vendor != _QUALCOMM:
        raise InputError(place, _WITHOUT.get(facts.vendor, _NO_NPU), remedy=_INSTEAD)
    if facts.htp is None and facts.qnn_soc_id is None:
        raise InputError(place, f"{label} has no HTP that is known of", remedy=_INSTEAD)
    if facts.htp is None or facts.qnn_soc_id is None:
        missing = "htp" if facts.htp is None else "qnn_soc_id"
        remedy = (
            f"copy profiles/socs/{soc.id}.toml into your own profiles and add {missing}, as Qualcomm's "
            "documents of the QNN SDK have it"
        )
        raise InputError(place, f"the profile of {label} lacks {missing}", remedy=remedy)
    unseen = [key for key in ("htp", "qnn_soc_id") if not soc.verified(key)]
    warnings = [f"{key} of {label} is general knowledge, seen in no source" for key in unseen]
    return Target(label, facts.htp, facts.qnn_soc_id, tuple(warnings))
