"""What the API's methods need of the hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devicehub.adb.address import ServerAddress
    from devicehub.adb.client import Transport
    from devicehub.api.campaign_feed import CampaignFeed
    from devicehub.api.feed import RunFeed
    from devicehub.api.jobs import Jobs
    from devicehub.api.model import DeviceView, SampleView, SettingView, StatusView
    from devicehub.api.screen import Shots
    from devicehub.api.sessions import Sessions
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.dispatch.asking import Catalogue
    from devicehub.dispatch.queue import Queue
    from devicehub.models.folders import WatchedFolders
    from devicehub.models.pull import Puller
    from devicehub.store.model import RunRow
    from devicehub.store.store import Store


class Phones(Protocol):
    """The phones as the hub knows them now."""

    def devices(self) -> Sequence[Device]:
        """All of them."""

    def find(self, name: str) -> Device:
        """The one of that id, serial or ro.serialno; raises SelectionError where there is none."""

    def transport(self, device: Device) -> Transport:
        """The way to one."""

    async def settled(self) -> None:
        """Wait until those that adb lists were asked who they are, for a bounded time.

        Raises:
            AdbError: the adb server cannot be used.
        """

    async def pair(self, address: str, code: str) -> str:
        """Pair with a phone over the network; what adb says."""

    async def connect(self, address: str) -> str:
        """Connect a phone over the network; what adb says."""

    async def disconnect(self, address: str) -> str:
        """Let a phone on the network go; what adb says."""


@dataclass(frozen=True)
class Services:
    """The parts of the hub that its methods use.

    Attributes:
        adb: where its adb server listens.
        device_views: all devices as clients are shown them; so are samples.
        stop_run: ends a run that has begun.
        stop: asks the hub to end.
    """

    store: Store
    clock: Clock
    catalogue: Catalogue
    phones: Phones
    queue: Queue
    campaigns: CampaignFeed
    feed: RunFeed
    jobs: Jobs
    pulls: Puller
    folders: WatchedFolders
    sessions: Sessions
    shots: Shots
    adb: ServerAddress
    device_views: Callable[[], list[DeviceView]]
    samples: Callable[[], list[SampleView]]
    status: Callable[[], StatusView]
    settings: Callable[[], list[SettingView]]
    stop_run: Callable[[str], Awaitable[RunRow]]
    release: Callable[[str], str]
    stop: Callable[[], None]
