"""Holds a run profile against model, engine and phone, before a byte is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.models.check import CONFIG, read_object
from devicehub.profiles.layers import merge

if TYPE_CHECKING:
    from devicehub.device.model import Device
    from devicehub.engines.catalog import Engine
    from devicehub.models.catalog import Model
    from devicehub.profiles.load import RunProfile

_OLDEST_HEXAGON: Final = 73
"""Of Snapdragon 8 Gen 2; MNN's own library for the NPU is written for no older one."""
_PARTS: Final = {"vision": "is_visual", "audio": "is_audio"}
"""What a profile gives a model: the model's own word for being able to take it."""


def base_config(model: Model, profile: RunProfile) -> dict[str, Any]:
    """The model's own configuration, that for the NPU where the profile begins with it.

    Raises:
        InputError: it has none, or cannot be read any more.
    """
    if profile.file.base == CONFIG:
        return model.config
    file = model.root / profile.file.base
    if not file.is_file():
        problem = f"has no {file.name}, as profile {profile.id} needs: it was not compiled for the NPU"
        raise InputError(f"model {model.name}", problem, remedy="export it with --recipe npu-qnn")
    return merge(model.config, read_object(file))


def check_parts(profile: RunProfile, model: Model, engine: Engine | None) -> None:
    """Refuse a profile that gives a model what it, or its engine, cannot take.

    Raises:
        InputError: it does.
    """
    for part in profile.file.takes:
        named = f"profile {profile.id}"
        if not model.llm_config.get(_PARTS[part]):
            problem = f"is for models that take {part}, and {model.name} takes text alone"
            raise InputError(named, problem, remedy="take another profile or model")
        if engine is not None and engine.omni is False:
            problem = f"needs an engine that takes {part}, and {engine.name} takes text alone"
            raise InputError(named, problem, remedy="build MNN with MNN_BUILD_LLM_OMNI=ON")


def check_npu(profile: RunProfile, device: Device) -> None:
    """Refuse a profile for Qualcomm's NPU on a device that has none, or too old a one.

    Raises:
        InputError: it has none.
    """
    is_hexagon = profile.config.get("backend_type") == "hexagon"
    if not is_hexagon and profile.file.base == CONFIG:
        return
    soc = device.facts.soc if device.facts is not None else None
    named = f"profile {profile.id}"
    instead = "take another profile, as extreme-speed-cpu"
    if device.is_host or (soc is not None and soc.vendor not in ("qualcomm", "unknown")):
        chip = "is this computer" if device.is_host or soc is None else f"has a chip of {soc.vendor}"
        raise InputError(named, f"is for Qualcomm's NPU, and {device.serial} {chip}", remedy=instead)
    if is_hexagon and soc is not None and soc.htp is not None and int(soc.htp[1:]) < _OLDEST_HEXAGON:
        problem = f"needs HTP v{_OLDEST_HEXAGON} or newer, and {device.serial} has {soc.htp}"
        raise InputError(named, problem, remedy=instead)
