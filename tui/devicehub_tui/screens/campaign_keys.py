"""What the keys of all screens of campaigns do: stop one, resume one; both ask first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from devicehub.api.contract import CAMPAIGN_RESUME, CAMPAIGN_STOP, CampaignNamed, CampaignResume
from devicehub_tui import campaign_rows, places
from devicehub_tui.filtered import FilteredScreen
from devicehub_tui.format import some

if TYPE_CHECKING:
    from devicehub.api.campaign_model import CampaignView


class CampaignKeys(FilteredScreen):
    """A screen that means one campaign at a time."""

    PLACE = "campaigns"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,s", "stop_campaign", "stop", show=False),
        Binding("r", "resume_campaign", "resume", show=False),
    ]

    def campaign(self) -> CampaignView | None:
        """The one that is meant."""
        raise NotImplementedError

    def action_stop_campaign(self) -> None:
        """End it, once somebody has agreed."""
        view = self._meant()
        if view is not None and view.state != "running":
            self.hub.tell(f"{view.name} is not running")
        elif view is not None:
            self.hub.attempt(self._stop, view)

    def action_resume_campaign(self) -> None:
        """Run what is missing of it, once somebody has agreed."""
        view = self._meant()
        if view is not None and view.state == "running":
            self.hub.tell(f"{view.name} is running already")
        elif view is not None:
            self.hub.attempt(self._resume, view)

    def _meant(self) -> CampaignView | None:
        view = self.campaign()
        if view is None:
            self.hub.tell("no campaign is meant: `devicehub campaign run FILE.toml` starts one", "warning")
        return view

    async def _stop(self, view: CampaignView) -> None:
        left = view.cells - campaign_rows.done(view)
        what = f"{some(left, 'cell')} would not be run. What has ended stays, and r resumes it."
        if await self.hub.push_screen_wait(places.confirm(f"Stop campaign {view.name}?", (view.id, what))):
            await self.hub.call(CAMPAIGN_STOP, CampaignNamed(campaign=view.id))
            self.hub.tell(f"stopping {view.name}")

    async def _resume(self, view: CampaignView) -> None:
        what = "Only what is missing is run; a cell that has a result keeps it."
        if await self.hub.push_screen_wait(places.confirm(f"Resume campaign {view.name}?", (view.id, what))):
            now = await self.hub.call(CAMPAIGN_RESUME, CampaignResume(campaign=view.id))
            self.hub.tell(f"{view.name}: {now.sentence}" if now.sentence else f"{view.name} goes on")
