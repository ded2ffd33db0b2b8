"""A campaign's result as one HTML file that needs nothing else: no network, no other file, no script. Pure.

It opens from a mail as from a disk: it asks no host for anything, and its policy forbids it to, whatever the
texts of others hold. What scripts add is to search, to sort and to open the cell of a link.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from devicehub.report.page.cells import render_cells, render_figures, render_ratios
from devicehub.report.page.head import render_head, render_matrix, render_summary, render_told
from devicehub.report.page.over_time import render_fronts, render_history
from devicehub.report.page.style import SCRIPT, STYLE
from devicehub.report.page.text import text

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult

_SEARCH = (
    '<p class=needs><label>Search <input id=find type=search placeholder="SM8650 failed opencl"></label> '
    "<small id=told role=status></small>\n"
)


def render(result: CampaignResult) -> str:
    """The whole page."""
    parts = [_begin(result), *render_head(result), *render_summary(result), *render_matrix(result), _SEARCH]
    for section in (
        render_told,
        render_ratios,
        render_figures,
        render_fronts,
        render_history,
        render_cells,
    ):
        parts += section(result)
    return "".join([*parts, f"<script>{SCRIPT}</script>\n</html>\n"])


def _begin(result: CampaignResult) -> str:
    policy = f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'"
    return (
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
        f'<meta http-equiv=Content-Security-Policy content="{policy}">\n'
        '<meta name=viewport content="width=device-width,initial-scale=1">\n'
        f"<title>{text(result.plan.name)}: {text(result.sentence)}</title>\n<style>{STYLE}</style>\n"
    )


def _hash(content: str) -> str:
    """As a page's policy names what it allows."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
