"""Holds a model that is compiled for one generation of Qualcomm's NPU against a phone."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from devicehub.errors import InputError
from devicehub.models.provenance import read_provenance

if TYPE_CHECKING:
    from devicehub.device.model import Device
    from devicehub.models.catalog import Model


def check_generation(model: Model, device: Device) -> None:
    """Refuse a model whose graphs the phone's NPU cannot run; one for any processor passes.

    Raises:
        InputError: the phone's NPU is of another generation, or none is known of.
    """
    made = read_provenance(model.root)
    if made is None or made.htp is None:
        return
    has = device.facts.soc.htp if device.facts is not None else None
    if has == made.htp:
        return
    found, remedy = "has none that is known of", "take a model for the CPU"
    if has is not None:
        found = f"has HTP {has}"
        remedy = (
            f"export one for this phone (--recipe npu-qnn --on {shlex.quote(device.serial)}), or {remedy}"
        )
    problem = f"is compiled for Qualcomm's HTP {made.htp}, and {device.serial} {found}"
    raise InputError(f"model {model.name}", problem, remedy=remedy)
