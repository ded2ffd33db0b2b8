"""Which files of an engine a phone has no use for: they are not pushed. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.engines.features import HEXAGON_SKEL, HTP_LIBRARY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from devicehub.engines.suits import EnginePhone

# Built beside the engine: they make models, test the library, or measure it without a language model.
_TOOLS: Final = re.compile(
    r"MNN(?:Convert|Dump2Json|Revert2Buffer)|(?:MNNV2Basic|ModuleBasic|timeProfile|quantized|benchmark|"
    r"run_test|[A-Za-z]*(?:Test|Runtime|Demo|Profile|Basic)\w*)\.out|aicompress|mnn2json|"
    r"(?:test_\w+|unit_?test\w*|compilefornpu|generateLlmIO|MNN2QNNModel)"
)
_OF_THE_DSP: Final = re.compile(r"libQnn\w*\.so|libMNN_htpops\w*\.so")


def left_out(files: Iterable[str], phone: EnginePhone, *, asked: Collection[str] = ()) -> dict[str, str]:
    """The files that stay on this host, each with the reason.

    Args:
        files: all of the engine's.
        phone: as far as it is known; what is not known leaves nothing out.
        asked: programs that a run names, which are pushed whatever they are.
    """
    reasons = {name: _reason(name, phone) for name in files if name not in asked}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(name: str, phone: EnginePhone) -> str | None:
    if _OF_THE_DSP.fullmatch(name) and phone.vendor not in ("qualcomm", "unknown"):
        return "for Qualcomm's tensor processor, which the phone lacks"
    match = HTP_LIBRARY.fullmatch(name) or HEXAGON_SKEL.fullmatch(name)
    if match and match[1] and phone.htp is not None and match[1].lower() != phone.htp:
        return f"for HTP {match[1].lower()}, the phone has {phone.htp}"
    return "a converter or test, which no run starts" if _TOOLS.fullmatch(name) else None
