"""From two names and the factor that they are of to the two runs of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from devicehub.dispatch.asking import load_profile, make_request
from devicehub.dispatch.header import check_fit, make_header
from devicehub.dispatch.means import AdbFacts
from devicehub.dispatch.planning import refuse_unlike
from devicehub.dispatch.protocol_choice import NO_PROTOCOL
from devicehub.errors import AskError
from devicehub.runs.model import ComparisonRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.device.model import Device
    from devicehub.dispatch.asking import Asked, Catalogue
    from devicehub.dispatch.request import RunRequest
    from devicehub.models.catalog import Model
    from devicehub.profiles.load import RunProfile
    from devicehub.runs.ask import CompareAsk

ARMS: Final = ("A", "B")
DEFAULT_PROTOCOLS: Final[Mapping[str, str]] = {"bench": "standard", "demo": "answer", "app": "app"}
"""By workload: a comparison always has one."""


@dataclass(frozen=True)
class Arm:
    """One half of a comparison; `engine` is None where the phone's own is meant."""

    name: str
    model: Model
    profile: RunProfile | None
    engine: str | None
    device: Device


def check_comparison(ask: CompareAsk) -> None:
    """Refuse what makes no comparison before anything is asked of a phone.

    Raises:
        AskError: always when it refuses.
    """
    by, run = ask.by, ask.run
    given = {"engine": run.engine, "profile": run.profile, "phone": run.selectors}
    flags = {"engine": "--engine", "profile": "--profile", "phone": "--on"}
    if given.get(by):
        raise AskError(f"--by {by}: {ask.a} and {ask.b} are the {by}s; leave {flags[by]} out")
    if run.workload == "app" and by in ("engine", "profile"):
        has = "brings its own engine" if by == "engine" else "reads the model's own configuration"
        raise AskError(f"--by {by}: MnnLlmChat {has}; compare with workload bench or demo")
    if run.workload == "custom":
        raise AskError("a command of the user's own has no figures to compare; take workload bench or demo")
    if run.workload == "eval":
        raise AskError("workload eval has no figures to compare; make two runs of it")
    if run.protocol == NO_PROTOCOL:
        raise AskError("a comparison needs a protocol: single launches tell nothing of each other")
    if by == "phone" and ask.a == ask.b:
        raise AskError(f"--by phone: {ask.a} is one phone; name two")


def find_arms(
    ask: CompareAsk, asked: Asked, devices: Sequence[Device], catalogue: Catalogue
) -> tuple[Arm, Arm]:
    """What the two halves are made of.

    Args:
        ask: what is asked.
        asked: its common part, checked.
        devices: the two phones; the same one twice where another factor differs.
        catalogue: of this host.

    Raises:
        AskError: what runs on the phones is not what the comparison needs.
        InputError: a model, an engine or a profile is not there.
    """
    by, names = ask.by, (ask.a, ask.b)
    models = [catalogue.models.get(name if by == "model" else ask.run.model) for name in names]
    profiles = [load_profile(asked, catalogue.home, name=name if by == "profile" else None) for name in names]
    engines = [name if by == "engine" else ask.run.engine for name in names]
    if by == "phone" and not asked.is_app:
        _check_one_engine(catalogue, devices, ask.run.engine)
    first, second = (Arm(*parts) for parts in zip(names, models, profiles, engines, devices, strict=True))
    return first, second


def make_requests(
    ask: CompareAsk,
    asked: Asked,
    arms: tuple[Arm, Arm],
    catalogue: Catalogue,
    *,
    comparison_id: str,
    run_ids: tuple[str, str],
) -> tuple[RunRequest, RunRequest]:
    """The two runs, each of which knows the other."""
    plain = [
        make_request(
            catalogue, arm.model, arm.device, asked, run_id=run_id, profile=arm.profile, engine=arm.engine
        )
        for arm, run_id in zip(arms, run_ids, strict=True)
    ]
    first, second = (
        replace(
            request,
            comparison=ComparisonRef(id=comparison_id, by=ask.by, arm=letter, other=other.run_id),
        )
        for request, other, letter in zip(plain, reversed(plain), ARMS, strict=True)
    )
    return first, second


def check_requests(requests: Sequence[RunRequest], devices: Sequence[Device], *, now_s: float) -> None:
    """Refuse before anything waits what cannot be had, or be compared, whenever the phones' turn comes.

    Raises:
        InputError: an engine or a configuration that cannot work on its phone.
        UnlikeRuns: the two runs differ in more than the factor that was named.
    """
    for request, device in zip(requests, devices, strict=True):
        check_fit(request, device)
    first, second = (
        make_header(request, device, adb=AdbFacts(), started_s=now_s)
        for request, device in zip(requests, devices, strict=True)
    )
    refuse_unlike(first, second)


def check_phones(ask: CompareAsk, meant: Sequence[Sequence[Device]]) -> tuple[Device, Device]:
    """The two phones of a comparison, the same one twice where another factor differs.

    Args:
        ask: what is asked.
        meant: the phones that A and B mean, or twice those that the run's selectors mean.

    Raises:
        AskError: they are not what the comparison needs.
    """
    for name, devices in zip((ask.a, ask.b), meant, strict=True):
        if len(devices) > 1:
            serials = ", ".join(device.serial for device in devices)
            if ask.by == "phone":
                raise AskError(f"--by phone: {name} means several phones: {serials}")
            raise AskError(f"--by {ask.by} compares on one phone, and --on means several: {serials}")
    first, second = (devices[0] for devices in meant)
    same = first.identity is not None and first.identity == second.identity
    if ask.by == "phone" and same:
        raise AskError(f"--by phone: {ask.a} and {ask.b} are one phone; name two")
    return first, second


def _check_one_engine(catalogue: Catalogue, devices: Sequence[Device], name: str | None) -> None:
    engines = [catalogue.engine_for(device, name) for device in devices]
    if engines[0].id != engines[1].id:
        told = ", ".join(
            f"{device.serial} takes {engine.name}" for device, engine in zip(devices, engines, strict=True)
        )
        raise AskError(
            f"--by phone: the engine must be the same, and {told}; name one that both take with --engine"
        )
