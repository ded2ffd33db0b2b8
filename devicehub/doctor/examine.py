"""Looks at phones, and at what is to run on them, and puts all rows together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from devicehub.device.select import find_meant
from devicehub.doctor.choice import Wish, choose_model, hold_against
from devicehub.doctor.host_judge import judge_host
from devicehub.doctor.host_look import look_at_host
from devicehub.doctor.model import HOST, Report, Standing
from devicehub.doctor.phone_judge import judge_phone
from devicehub.doctor.phone_look import ANSWER_S, look_at_phones
from devicehub.errors import HubError, NoPhoneReady, SelectionError, first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.adb.client import AdbClient, Transport
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.asking import Catalogue
    from devicehub.dispatch.request import RunRequest
    from devicehub.doctor.choice import Fit
    from devicehub.doctor.model import Row


@dataclass(frozen=True)
class Ward:
    """Where doctor works: the parts of the hub that it needs.

    Attributes:
        client: whose adb server reaches the phones.
        transport: the way to one.
        answer_s: so long each phone may take to answer.
    """

    catalogue: Catalogue
    client: AdbClient
    transport: Callable[[Device], Transport]
    clock: Clock
    answer_s: float = ANSWER_S


def meant(devices: Sequence[Device], selectors: Sequence[str]) -> list[Device]:
    """The devices to look at, in whatever state; without selectors all phones.

    Raises:
        SelectionError: none of that name is known, or a term is bad.
    """
    if not selectors:
        return [device for device in devices if not device.is_host]
    found = find_meant(devices, selectors)
    if not found:
        serials = [device.serial for device in devices]
        problem = f"no phone matches --on {' '.join(selectors)}"
        raise SelectionError(problem, serials=serials) if serials else NoPhoneReady(problem)
    return found


@dataclass(frozen=True)
class Examination:
    """What was found, and what could be run where nothing stands in the way."""

    report: Report
    fits: Mapping[str, Fit]
    devices: Sequence[Device]

    def may_run(self, device: Device) -> RunRequest | None:
        """What would be run on a phone; None where something stands in the way, or nothing was chosen."""
        name = subject_of(device, self.devices)
        barred = any(row.state is Standing.PROBLEM for row in self.report.rows if row.subject == name)
        return None if barred else self.fits[name].request

    def probed(self, found: Sequence[tuple[Device, Sequence[Row]]]) -> Report:
        """The report with what probes found in place of what was told of the same before."""
        more = [row for device, rows in found for row in _named(rows, subject_of(device, self.devices))]
        rows: list[Row] = []
        for subject in (HOST, *self.report.phones):
            own = [row for row in more if row.subject == subject]
            told = {row.name for row in own}
            rows += [row for row in self.report.rows if row.subject == subject and row.name not in told]
            rows += own
        return msgspec.structs.replace(self.report, rows=rows, probed=True)


def subject_of(device: Device, devices: Sequence[Device]) -> str:
    """What its rows are about: its serial, with adb's number where another phone has the same."""
    shared = sum(other.serial == device.serial for other in devices) > 1
    return f"{device.serial}#{device.transport_id}" if shared else device.serial


def _named(rows: Sequence[Row], subject: str) -> list[Row]:
    return [msgspec.structs.replace(row, subject=subject) if row.subject != HOST else row for row in rows]


async def examine(devices: Sequence[Device], wish: Wish, ward: Ward, *, with_host: bool) -> Examination:
    """Look at the host, at all of these phones at a time, and at what would run on each.

    Raises:
        AskError: the profile is of another workload.
        InputError: something that is named is not there.
    """
    model, rows = await asyncio.to_thread(choose_model, ward.catalogue, wish.model)
    if with_host:
        rows = [*await _host(ward, devices), *rows]
    looks = await look_at_phones(devices, ward.client, ward.transport, ward.clock, answer_s=ward.answer_s)
    try:
        async with asyncio.TaskGroup() as tasks:
            holding = [
                tasks.create_task(hold_against(look, wish, model, ward.catalogue, ward.transport))
                for look in looks
            ]
    except* HubError as group:
        raise first_of(group) from None
    names = [subject_of(device, devices) for device in devices]
    fits = dict(zip(names, (task.result() for task in holding), strict=True))
    for look, (name, fit) in zip(looks, fits.items(), strict=True):
        rows += _named([*judge_phone(look, fit.needs), *fit.rows], name)
    report = Report(
        rows=rows,
        phones=names,
        titles=dict(zip(names, map(_title, devices), strict=True)),
        engine=_engines(fits),
        model=model.name if model is not None else None,
        profile=wish.profile or "default",
    )
    return Examination(report, fits, devices)


async def _host(ward: Ward, devices: Sequence[Device]) -> list[Row]:
    home, wall_s = ward.catalogue.home, ward.clock.wall_s()
    facts = await look_at_host(home, wall_s=wall_s, address=ward.client.address)
    return judge_host(facts, phones=sum(not device.is_host for device in devices))


def _title(device: Device) -> str:
    if device.is_host:
        return "this computer"
    known = device.facts
    if known is None:
        return ""
    soc = " ".join(part for part in (known.soc.model, known.soc.name) if part)
    android = f"Android {known.android}" if known.android else None
    virtual = "virtual" if device.virtual and "irtual" not in (known.product or "") else None
    return ", ".join(part for part in (known.product, soc, android, virtual) if part)


def _engines(fits: Mapping[str, Fit]) -> dict[str, str]:
    return {
        name: fit.request.engine.id
        for name, fit in fits.items()
        if fit.request is not None and fit.request.engine is not None
    }
