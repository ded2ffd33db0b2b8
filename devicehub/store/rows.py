"""Runs between the table and `RunRow`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.runs.lifecycle import RunState
from devicehub.store.model import RunRow

if TYPE_CHECKING:
    import sqlite3

    from devicehub.runs.model import RunRecord

_FLAGS: Final = ("virtual", "trusted")


def encode_json(value: object) -> bytes:
    """A record as JSON; half a character, which UTF-8 has no room for, becomes a question mark."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
        return text.encode("utf-8", "replace")


def run_row(row: sqlite3.Row) -> RunRow:
    """A row of the table as a value."""
    values = {name: row[name] for name in RunRow.__dataclass_fields__}
    for name in _FLAGS:
        values[name] = None if values[name] is None else bool(values[name])
    return RunRow(**values)


def row_values(row: RunRow) -> dict[str, object]:
    """A value as the parameters of a statement."""
    return {name: getattr(row, name) for name in RunRow.__dataclass_fields__}


def row_of(run_id: str, record: RunRecord, encoded: bytes) -> RunRow:
    """The row that a run had when it was under way."""
    last = record.attempts[-1] if record.attempts else None
    return RunRow(
        id=run_id,
        state=RunState.COLLECTING,
        attempt=last.number if last else 1,
        phone_run_id=last.phone_run_id if last else run_id,
        serial=record.device.serial,
        serialno=record.device.serialno,
        boot_id=record.device.boot_id,
        product=record.device.product,
        model=record.model.name,
        engine=record.engine.name,
        profile=record.profile,
        workload=record.workload,
        virtual=record.virtual,
        created=record.started,
        started=record.started,
        updated=record.ended,
        request=encoded,
    )
