"""Starts engines on phones: each backend without a model, then a short run as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.dispatch.engine_fit import parts_left_out, wanted_backends
from devicehub.dispatch.engine_probe import judge_probe, probe_engine
from devicehub.dispatch.header import merged_config
from devicehub.doctor.model import Sheet
from devicehub.doctor.probe_judge import judge_backend, judge_run
from devicehub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device
    from devicehub.dispatch.request import RunRequest
    from devicehub.doctor.model import Row
    from devicehub.runs.model import RunRecord

_OPENED: Final = ("opencl", "hexagon")
"""Backends that are tried wherever the engine has them; the run tries its own."""


async def probe(
    device: Device,
    request: RunRequest,
    transport: Callable[[Device], Transport],
    run: Callable[[Device], Awaitable[RunRecord]],
) -> list[Row]:
    """The rows that starting an engine gives; what goes wrong on the way is a row, too.

    Args:
        device: nothing speaks against the request there.
        request: what would be run.
        transport: the way to a device.
        run: has the short run made there, and gives its record.
    """
    rows: list[Row] = []
    sheet = Sheet(device.serial)
    try:
        if not device.is_host and device.run is None:
            rows += await _open_backends(device, request, transport(device))
        rows += judge_run(device.serial, await run(device))
    except HubError as error:
        sheet.problem("probe", f"it could not be made: {error}", "mend that, and probe again")
    return [*rows, *sheet.rows]


async def _open_backends(device: Device, request: RunRequest, transport: Transport) -> list[Row]:
    """Start the engine without a model, once for each backend that it has."""
    engine = request.engine
    if engine is None:
        return []
    wanted = wanted_backends(request, merged_config(request))
    rows: list[Row] = []
    for backend in _OPENED:
        if backend not in engine.features.backends:
            continue
        without = parts_left_out(engine, device, request)
        made = await probe_engine(engine, transport, backend=backend, without=without)
        found = judge_probe(made, device.serial)
        if found is not None and backend not in wanted:
            # The run does not ask for it: that it is not there is no obstacle.
            sheet = Sheet(device.serial)
            sheet.ok(backend, f"probed: {found.why}; this run does not ask for it")
            rows += sheet.rows
        else:
            rows += judge_backend(device.serial, backend, found, engine.id)
    return rows
