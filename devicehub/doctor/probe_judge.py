"""What a probe says: an engine started without a model, and the short run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.doctor.model import Sheet
from devicehub.workloads.failures import BY_SLUG

if TYPE_CHECKING:
    from devicehub.doctor.model import Row
    from devicehub.findings import Finding
    from devicehub.runs.model import RunRecord

ROWS: Final = {"opencl": "OpenCL", "hexagon": "HTP", "vulkan": "Vulkan", "cpu": "engine"}
"""By the backend that an engine was started with."""
_FALLBACK: Final = "backend_fallback"


def judge_backend(serial: str, backend: str, found: Finding | None, engine: str) -> list[Row]:
    """The row of a backend that an engine was to open; `found` is what spoke against it."""
    sheet = Sheet(serial)
    name = ROWS.get(backend, backend)
    if found is None:
        sheet.ok(name, f"probed: {engine} opens backend {backend}")
    else:
        sheet.finding(name, found)
    return sheet.rows


def judge_run(serial: str, record: RunRecord) -> list[Row]:
    """The rows of a short run that has ended."""
    sheet = Sheet(serial)
    what = f"a run of {record.model.name} with {record.engine.name}, profile {record.profile or 'none'},"
    if record.verdict == "succeeded":
        sheet.ok("probe", f"{what} works")
        return sheet.rows
    failure = BY_SLUG.get(record.cause or "")
    why = failure.meaning if failure is not None else record.cause or str(record.state)
    if record.error is not None:
        why = record.error.sentence
    remedies = [launch.remedy for launch in record.launches if launch.remedy]
    remedy = remedies[-1] if remedies else failure.remedy if failure is not None else None
    sheet.problem("probe", f"{what} fails: {why}", remedy or f"see `devicehub runs show {record.id}`")
    backend = str(record.config.get("backend_type", "cpu"))
    if record.cause == _FALLBACK and backend in ROWS:
        sheet.problem(ROWS[backend], f"probed: the engine cannot use backend {backend}", remedy)
    return sheet.rows
