"""What is known of campaigns, and what moves it on as the hub tells. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.campaign_model import CampaignChanged, CampaignDocument, CampaignView, CellView


@dataclass
class CampaignChanges:
    """What has changed of campaigns since a screen was drawn last.

    Attributes:
        views: ids of campaigns that came or stand differently.
        cells: campaign and number of cells that do.
        whole: ids of campaigns that were taken as a whole.
        missed: the hub told anew how campaigns stand: of their cells some news may have been missed.
    """

    views: set[str] = field(default_factory=set)
    cells: set[tuple[str, int]] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    missed: bool = False

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.views or self.cells or self.whole) or self.missed


@dataclass
class Campaigns:
    """All campaigns, and the cells of those that are looked at.

    Attributes:
        documents: with `cells`, the cells by their numbers, of those alone that a screen has asked for.
    """

    views: dict[str, CampaignView] = field(default_factory=dict)
    documents: dict[str, CampaignDocument] = field(default_factory=dict)
    cells: dict[str, dict[int, CellView]] = field(default_factory=dict)

    def newest_first(self) -> list[CampaignView]:
        """Those under way, then the others."""
        return sorted(self.views.values(), key=lambda view: (view.state != "running", -view.created, view.id))


def apply_changed(campaigns: Campaigns, changes: CampaignChanges, news: CampaignChanged) -> None:
    """A campaign moved on."""
    view = news.campaign
    campaigns.views[view.id] = view
    changes.views.add(view.id)
    cells = campaigns.cells.get(view.id)
    if cells is not None:
        cells.update((cell.number, cell) for cell in news.cells)
        changes.cells.update((view.id, cell.number) for cell in news.cells)


def take_views(campaigns: Campaigns, changes: CampaignChanges, views: Sequence[CampaignView]) -> None:
    """Take how the newest campaigns stand now; of their cells some news may have been missed."""
    changes.views |= {view.id for view in views if campaigns.views.get(view.id) != view}
    campaigns.views.update((view.id, view) for view in views)
    changes.missed = True


def take_document(campaigns: Campaigns, changes: CampaignChanges, document: CampaignDocument) -> None:
    """Take all that the hub knows of one campaign, and keep it up to date from here on."""
    name = document.campaign.id
    campaigns.views[name] = document.campaign
    campaigns.documents[name] = document
    campaigns.cells[name] = {cell.number: cell for cell in document.cells}
    changes.views.add(name)
    changes.whole.add(name)


def forget_document(campaigns: Campaigns, campaign: str) -> None:
    """Nobody looks at it any more."""
    campaigns.documents.pop(campaign, None)
    campaigns.cells.pop(campaign, None)
