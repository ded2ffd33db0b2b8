"""A campaign's result as one HTML file that needs nothing else. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from devicehub.report.terminal import render as render_text

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult


def render(result: CampaignResult) -> str:
    """The whole page."""
    title, text = escape(result.plan.name), escape(render_text(result))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><pre>{text}</pre></html>\n"
    )
