"""Every launch of a campaign as a line of JSON: raw, nothing averaged. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from devicehub.report.summary import launch_rows

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult


def render(result: CampaignResult) -> str:
    """One object a line; text that is no Unicode is escaped."""
    return "".join(f"{json.dumps(row)}\n" for row in launch_rows(result))
