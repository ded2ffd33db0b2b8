"""Every launch of a campaign as a row of CSV. Pure."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from devicehub.report.summary import launch_rows

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(result: CampaignResult) -> str:
    """A header, then a row a launch; conditions and settings are JSON in one field."""
    rows = list(launch_rows(result))
    out = io.StringIO()
    names = list(rows[0]) if rows else ["campaign", "cell"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_field(row[name]) for name in names])
    return out.getvalue()


def _field(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    # A spreadsheet would execute a text that begins so, and a phone may be called anything.
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
