"""Every launch of a campaign as a row of CSV. Pure."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from devicehub.report.summary import LAUNCH_COLUMNS, launch_rows

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def render(result: CampaignResult) -> str:
    """A header, then a row a launch; conditions and settings are JSON in one field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(LAUNCH_COLUMNS)
    for row in launch_rows(result):
        writer.writerow([_field(value) for value in row.values()])
    return out.getvalue()


def _field(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    # No file holds half a character, and no reader of CSV expects a NUL.
    text = value.encode("utf-8", "replace").decode().replace("\0", "?")
    # A spreadsheet would execute a text that begins so, and a phone may be called anything.
    return f"'{text}" if text.startswith(_FORMULA) else text
