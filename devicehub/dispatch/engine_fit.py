"""Holds an engine against the phone that is to run it, before a byte is pushed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from devicehub.engines.parts import left_out
from devicehub.engines.suits import EnginePhone, suits
from devicehub.errors import InputError
from devicehub.findings import Severity, errors
from devicehub.models.provenance import read_provenance
from devicehub.runs.model import Caution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devicehub.device.model import Device
    from devicehub.device.state import PhoneState
    from devicehub.dispatch.request import RunRequest
    from devicehub.engines.catalog import Engine
    from devicehub.findings import Finding

_BACKENDS: Final = ("opencl", "vulkan", "hexagon", "qnn")
_NPU: Final = "qnn"


def engine_phone(device: Device, state: PhoneState | None = None) -> EnginePhone:
    """A phone as engines meet it.

    Args:
        device: identified or not.
        state: as it was found just now; without it less is known.
    """
    facts = device.facts
    known = EnginePhone(label=device.serial, virtual=device.virtual)
    if facts is not None:
        known = replace(
            known,
            abis=facts.abis,
            sdk=facts.sdk,
            android=facts.android,
            vendor=facts.soc.vendor,
            htp=facts.soc.htp,
        )
    if state is None:
        return known
    return replace(
        known,
        page_size=state.page_size,
        cpu_features=state.cpu_features,
        opencl=state.opencl,
        no_arm64=state.no_arm64,
    )


def wanted_backends(request: RunRequest, config: Mapping[str, Any]) -> frozenset[str]:
    """The backends that a run's configuration and model ask for, the CPU's apart."""
    parts = [config, *(part for part in config.values() if isinstance(part, dict))]
    asked = {backend for part in parts if isinstance(backend := part.get("backend_type"), str)}
    made = read_provenance(request.model.root)
    # The graphs of such a model are of the NPU, whatever the configuration calls its backend.
    npu = {_NPU} if made is not None and made.htp else set()
    return frozenset(asked & set(_BACKENDS) | npu)


def judge_engine(
    request: RunRequest, config: Mapping[str, Any], device: Device, state: PhoneState | None = None
) -> list[Finding]:
    """All that speaks against a run's engine on its phone; arguments as `check_engine`."""
    if request.engine is None:
        return []
    return suits(request.engine.features, engine_phone(device, state), wanted_backends(request, config))


def check_engine(
    request: RunRequest, config: Mapping[str, Any], device: Device, state: PhoneState | None = None
) -> list[Caution]:
    """What to tell of a run's engine on its phone.

    Raises:
        InputError: it cannot work there; says why and the way out.
    """
    found = judge_engine(request, config, device, state)
    refuse(found)
    return [
        Caution(slug=finding.slug, sentence=f"{finding.place} {finding.why}", remedy=finding.fix or "none")
        for finding in found
        if finding.severity is Severity.WARNING
    ]


def obstacles(engine: Engine, device: Device) -> list[Finding]:
    """What forbids an engine on a phone, whatever is run, as far as can be told without asking the phone."""
    return errors(suits(engine.features, engine_phone(device)))


def refuse(findings: Iterable[Finding]) -> None:
    """Refuse where one of them is an error.

    Raises:
        InputError: the first of them.
    """
    for finding in errors(findings):
        raise InputError(finding.place, finding.why, remedy=finding.fix)


def parts_left_out(engine: Engine, device: Device, request: RunRequest | None = None) -> dict[str, str]:
    """The files of an engine that are not pushed to a phone, with the reasons."""
    custom = request.custom.program if request is not None and request.custom is not None else None
    files = [entry.path for entry in engine.manifest.files]
    return left_out(files, engine_phone(device), asked=() if custom is None else (custom,))
