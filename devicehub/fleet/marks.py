"""What the store knows of phones that adb lists: whose run is under way, who is in quarantine. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from devicehub.device.lifecycle import DeviceEvent, DeviceState, next_state
from devicehub.device.model import Device, Identity
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.store.model import RunRow

_ON_PHONE: Final = frozenset({RunState.STARTING, RunState.RUNNING, RunState.DETACHED, RunState.COLLECTING})


def mark(
    devices: Sequence[Device], open_runs: Sequence[RunRow], quarantined: Mapping[str, str]
) -> list[Device]:
    """Add the runs that phones have, and the phones out of reach that have some.

    Args:
        devices: as the registry has them.
        open_runs: without an end.
        quarantined: by ro.serialno, why.
    """
    rows = {row.serialno: row for row in open_runs if RunState(row.state) in _ON_PHONE}
    marked = []
    for device in devices:
        serialno = device.identity.serialno if device.identity else ""
        row = rows.pop(serialno, None)
        if serialno in quarantined:
            state = next_state(device.state, DeviceEvent.QUARANTINED)
            device = replace(device, state=state, quarantine=quarantined[serialno])
        elif row is not None and device.state is DeviceState.READY:
            device = replace(device, state=next_state(device.state, DeviceEvent.RUN_STARTED), run=row.id)
        marked.append(device)
    return marked + [
        Device(DeviceState.ORPHANED, identity=Identity(row.serialno, row.boot_id), run=row.id)
        for row in rows.values()
    ]
