"""A campaign of the hub, shown as it goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devicehub.api.client import LiveClient
from devicehub.api.connection import HUB_ENDED
from devicehub.api.contract import CAMPAIGN, CampaignNamed
from devicehub.api.model import CampaignChanged
from devicehub.cli.at_hub import NAME
from devicehub.cli.campaign_view import cell_line, progress_line
from devicehub.cli.output import say
from devicehub.errors import HubUnreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.campaign_model import CampaignView, CellView
    from devicehub.api.client import LinkState
    from devicehub.api.contract import Gone
    from devicehub.api.model import Event
    from devicehub.cli.at_hub import Place

_AGAIN_S: Final = 2.0
"""How long a hub that broke off may take to be back before it is started again."""
_ASK_S: Final = 60.0


class CampaignFollowing:
    """Says what becomes of each cell until the campaign is over.

    Args:
        place: the hub.
        campaign_id: of the campaign.
    """

    def __init__(self, place: Place, campaign_id: str) -> None:
        self._place = place
        self._id = campaign_id
        self._said: dict[int, str] = {}
        self._waits: str | None = None
        self._down: str | None = None
        self._is_over = False
        self._is_behind = True
        self._moved = asyncio.Event()

    async def ends(self) -> None:
        """Return when it is over.

        Raises:
            HubUnreachable: the hub was ended, or cannot be started again; the campaign goes on with the next.
        """
        live = LiveClient(self._place.where(), name=NAME, start=self._place.url is None, tell=say)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(
                live.follow(
                    ("campaigns",),
                    on_event=self._take,
                    on_gone=self._catch_up,
                    on_link=self._link_moved,
                    only={"campaigns": [self._id]},
                )
            )
            try:
                await self._wait(live)
            finally:
                following.cancel()

    async def _wait(self, live: LiveClient) -> None:
        while not self._is_over:
            self._moved.clear()
            if self._is_behind and self._down is None:
                await self._look(live)
                continue
            try:
                async with asyncio.timeout(_AGAIN_S if self._down is not None else None):
                    await self._moved.wait()
            except TimeoutError:
                await self._mend()

    async def _look(self, live: LiveClient) -> None:
        """Events were missed, or came before anybody listened: ask how all cells stand."""
        try:
            found = await live.call(CAMPAIGN, CampaignNamed(campaign=self._id), timeout_s=_ASK_S)
        except HubUnreachable:
            await self._moved.wait()
            return
        self._is_behind = False
        self._hear(found.campaign, found.cells)

    async def _mend(self) -> None:
        """The hub is gone: one that broke off is started again, one that was ended stays ended."""
        if self._down == HUB_ENDED or self._place.url is not None:
            raise HubUnreachable(
                f"{self._down}; the campaign goes on with the next hub: "
                f"`devicehub campaign resume {self._id}`"
            )
        say(f"{self._down}; looking for it again")
        try:
            async with self._place.client():
                self._down = None  # the link finds it by itself
        except HubUnreachable as error:
            say(str(error))

    def _link_moved(self, link: LinkState) -> None:
        if link.up:
            self._down = None
        elif self._down is None:
            self._down = link.text
        self._moved.set()

    def _catch_up(self, _gone: Gone) -> None:
        self._is_behind = True
        self._moved.set()

    def _take(self, event: Event) -> None:
        if isinstance(event.data, CampaignChanged) and event.data.campaign.id == self._id:
            self._hear(event.data.campaign, event.data.cells)

    def _hear(self, view: CampaignView, cells: Sequence[CellView]) -> None:
        for cell in cells:
            if self._said.get(cell.number) == cell.state or cell.state in ("waiting", "running"):
                continue
            self._said[cell.number] = cell.state
            if view.state == "running" or cell.state != "not_run":
                say(f"[{progress_line(view)}]  {cell_line(cell)}" if view.cells > 1 else cell_line(cell))
        if view.waits_for != self._waits:
            self._waits = view.waits_for
            if view.waits_for:
                say(view.waits_for)
        self._is_over = view.state != "running"
        self._moved.set()
