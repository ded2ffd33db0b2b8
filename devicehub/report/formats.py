"""Every format of a report by its name. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.report import html, jsonl, junit, markdown, table_csv, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.campaign.result import CampaignResult


@dataclass(frozen=True)
class Format:
    """One format: what makes it, and what its files end with."""

    render: Callable[[CampaignResult], str]
    suffix: str


FORMATS: Final = {
    "terminal": Format(terminal.render, ".txt"),
    "markdown": Format(markdown.render, ".md"),
    "junit": Format(junit.render, ".xml"),
    "jsonl": Format(jsonl.render, ".jsonl"),
    "csv": Format(table_csv.render, ".csv"),
    "html": Format(html.render, ".html"),
}


def format_of(name: str) -> str | None:
    """The format that a file's name ends with; None where none does."""
    return next((known for known, each in FORMATS.items() if name.lower().endswith(each.suffix)), None)
