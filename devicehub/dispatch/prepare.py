"""Everything about a run that is decided before anything is written down or pushed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from devicehub.deploy.apk import find_app
from devicehub.device.hardware import hardware_of
from devicehub.device.link import read_link
from devicehub.device.probe import read_state
from devicehub.dispatch.config_fit import check_config
from devicehub.dispatch.engine_fit import check_engine, parts_left_out
from devicehub.dispatch.eval_ask import eval_cautions
from devicehub.dispatch.header import make_header, merged_config
from devicehub.dispatch.launches import Half
from devicehub.dispatch.planning import Question, plan_question
from devicehub.dispatch.starter import Starter
from devicehub.errors import RunRefused
from devicehub.models.memory import decode_reads_bytes, memory_needed_kib
from devicehub.runs.preflight import preflight
from devicehub.runs.start import start_state

if TYPE_CHECKING:
    from devicehub.adb.client import Transport
    from devicehub.deploy.apk import InstalledApp
    from devicehub.device.link import HostLink
    from devicehub.device.model import Device
    from devicehub.device.state import PhoneState
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener, RunRequest
    from devicehub.runs.model import Caution, RunHeader


@dataclass(frozen=True)
class Prepared:
    """A run that may begin; its header lacks the steps, which a comparison plans for both its runs.

    Attributes:
        request: what is asked, with what the phone said of its app.
        question: whether the model answers its fixture first.
        starter: brings it onto the phone.
    """

    request: RunRequest
    header: RunHeader
    question: Question
    starter: Starter

    def half(self, header: RunHeader, phone_run_id: str) -> Half:
        """The run as the phone is told of it."""
        return Half(self.request, header, phone_run_id, self.question.config)


@dataclass(frozen=True)
class Look:
    """A phone just before it is given runs; both of a comparison begin from the same one.

    Attributes:
        link: the host's way to it.
        app: MnnLlmChat, where it was looked for and is there.
        took_ms: how long it took.
    """

    state: PhoneState
    link: HostLink
    app: InstalledApp | None
    took_ms: float


async def look(device: Device, transport: Transport, means: Means, *, for_app: bool) -> Look:
    """Ask the phone how it is.

    Raises:
        AdbError: it cannot be asked.
    """
    begun_s = means.clock.monotonic_s()
    app = await find_app(transport) if for_app else None
    link = await read_link(means.client, device.transports[0])
    state = await read_state(transport)
    return Look(state, link, app, (means.clock.monotonic_s() - begun_s) * 1000)


def prepare(request: RunRequest, device: Device, seen: Look, means: Means, listener: RunListener) -> Prepared:
    """Decide what the run will be; its fit with the phone was checked.

    Raises:
        HubError: it cannot be had on this phone, or something may spoil it and the request is strict.
    """
    if request.app is not None:
        request = _with_app(request, device, seen.app)
    header = make_header(request, device, adb=means.adb, started_s=means.clock.wall_s(), app=seen.app)
    parts = parts_left_out(request.engine, device, request) if request.engine else {}
    if parts:
        listener.on_note(f"not pushed: {'; '.join(f'{name} ({why})' for name, why in parts.items())}")
    starter = Starter(request, agent=means.agent, clock=means.clock, listener=listener, left_out=parts)
    starter.timings["check_ms"] = seen.took_ms
    cautions = _cautions(request, header, device, seen, listener)
    assert device.facts is not None
    header = msgspec.structs.replace(
        header,
        cautions=cautions,
        at_start=start_state(seen.state, seen.link),
        reads_bytes=decode_reads_bytes(request.model, header.config),
        memory_gb_s=hardware_of(device.facts.soc, means.socs).memory_gb_s,
    )
    return Prepared(request, header, plan_question(request, header, seen.state, means), starter)


def _cautions(
    request: RunRequest, header: RunHeader, device: Device, seen: Look, listener: RunListener
) -> list[Caution]:
    """What may spoil the run on this phone as it is now, told; refused where the request is strict."""
    cautions = preflight(
        seen.state,
        needed_kib=memory_needed_kib(request.model, header.config),
        energy=request.energy,
        over_usb=seen.link.kind == "usb",
    )
    cautions += check_engine(request, header.config, device, seen.state)
    cautions += check_config(request, merged_config(request))
    cautions += eval_cautions(request)
    if cautions and request.strict:
        sentences = "; ".join(caution.sentence for caution in cautions)
        raise RunRefused(device.serial, sentences, remedy="; ".join(caution.remedy for caution in cautions))
    for caution in cautions:
        listener.on_note(f"warning: {caution.sentence}; {caution.remedy}")
    return cautions


def _with_app(request: RunRequest, device: Device, app: InstalledApp | None) -> RunRequest:
    assert request.app is not None
    if app is None:
        problem = "MnnLlmChat is not installed"
        raise RunRefused(device.serial, problem, remedy="install it: `devicehub app install APK`")
    return replace(request, app=replace(request.app, package=app.package, debuggable=app.debuggable))
