"""The hub as a process that stays: every part wired together, one owner for each task."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from typing import TYPE_CHECKING, Any, Final

from devicehub import __version__
from devicehub.api.adding import Adding
from devicehub.api.build_methods import BuildMethods
from devicehub.api.campaign_feed import CampaignFeed
from devicehub.api.campaign_methods import CampaignMethods
from devicehub.api.catalogue_methods import CatalogueMethods
from devicehub.api.device_methods import DeviceMethods
from devicehub.api.doctor_methods import DoctorMethods
from devicehub.api.engine_methods import EngineMethods
from devicehub.api.events import Bus
from devicehub.api.export_methods import ExportMethods
from devicehub.api.feed import RunFeed
from devicehub.api.jobs import Jobs
from devicehub.api.logcat import PhoneLogs
from devicehub.api.metrics import Metrics, Sources
from devicehub.api.model import DeviceChanged, DeviceRemoved, Noted, StatusView
from devicehub.api.model_feed import ModelFeed
from devicehub.api.model_methods import ModelMethods
from devicehub.api.profile_methods import ProfileMethods
from devicehub.api.prune_methods import PruneMethods
from devicehub.api.run_methods import RunMethods
from devicehub.api.screen import Shots
from devicehub.api.server import ApiServer
from devicehub.api.services import Services
from devicehub.api.sessions import Sessions
from devicehub.api.views import device_view, last_figures, sample_view
from devicehub.cancellation import heed_cancellation
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import LOCAL
from devicehub.dispatch.begin import Beginner
from devicehub.dispatch.keeper import Keeper
from devicehub.dispatch.queue import Queue
from devicehub.errors import AdbError, StoreDamaged, StoreError, first_of
from devicehub.fleet.fleet import answering
from devicehub.fleet.sampler import Sampler
from devicehub.mistakes import describe_mistake
from devicehub.models.folders import WatchedFolders
from devicehub.models.pull import Puller
from devicehub.runs.retry import backoff_s
from devicehub.settings import keep_days, lost_after_s, patience_s
from devicehub.telemetry.reading import ReadingMaker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devicehub.api.auth import Access
    from devicehub.api.model import DeviceView, ModelView, SampleView, SettingView
    from devicehub.api.server import Listen
    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.hub import Hub
    from devicehub.telemetry.sample import Sample

log = logging.getLogger(__name__)

_METHODS: Final = (
    RunMethods,
    CampaignMethods,
    DeviceMethods,
    CatalogueMethods,
    EngineMethods,
    BuildMethods,
    ProfileMethods,
    DoctorMethods,
    ModelMethods,
    ExportMethods,
    PruneMethods,
)

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 15.0
_SETTLED_S: Final = 60.0
"""A part that held so long had a good start."""


class Daemon:
    """Everything that a hub does while it stays up.

    Args:
        hub: its parts.
        clock: paces it.
        settings: what `hub.settings` answers.
        auto: a command started it.

    Attributes:
        epoch: names this life of the hub.
        listening: set once clients can connect.
        stopping: set it to end the hub.
    """

    def __init__(
        self, hub: Hub, clock: Clock, *, settings: Sequence[SettingView] = (), auto: bool = False
    ) -> None:
        early: list[str] = []
        hub.tell_to(early.append)  # the store is opened below, before anybody could hear of it
        self.hub = hub
        self.epoch = secrets.token_hex(6)
        self.stopping = asyncio.Event()
        self.listening = asyncio.Event()
        self._clock = clock
        self._auto = auto
        self._began_s = clock.monotonic_s()
        self._adb_said = "not asked yet"
        self._adb_problems: set[type[AdbError]] = set()
        self._shown: dict[str, DeviceView] = {}
        self._names: dict[str, str] = {}
        self._makers: dict[str, ReadingMaker] = {}
        self._read: dict[str, SampleView] = {}
        self._settings = list(settings)
        self.bus = Bus(self.epoch, snapshot=self._snapshot, replay_runs=self._replay, on_wanted=self._want)
        self.feed = RunFeed(
            lambda: self.bus,
            hub.store,
            clock,
            waiting=lambda: self.queue.waiting(),
            device_of=self._device_of,
            on_sample=self._read_sample,
            on_state=lambda _run_id: self._moved(),
            on_pushed=lambda size: self._metrics.pushed(size),
        )
        beginner = Beginner(hub.catalogue, hub.means, hub.transport, self.feed.listener)
        self.queue = Queue(
            hub.store,
            clock,
            devices=hub.fleet.devices,
            temp_mc=self._temp_mc,
            begin=beginner,
            on_change=self.feed.changed,
            tell=self._tell,
        )
        self.campaigns = CampaignFeed(
            hub.store,
            clock,
            self.queue,
            devices=hub.fleet.devices,
            models=hub.catalogue.models,
            stop_run=hub.stop_run,
            want=hub.fleet.want,
            publish=self._publish,
            tell=self._tell,
        )
        self._logs = PhoneLogs(self._transport_of, self._publish_log, clock)
        self._sampler = Sampler(
            self._transport_of,
            self._read_idle,
            clock,
            on_heard=hub.fleet.health.heard,
            on_silent=hub.fleet.health.silent,
        )
        self._jobs = Jobs(self._publish, clock)
        self._pulls = Puller(hub.home, clock)
        self._folders = WatchedFolders(hub.home)
        self._models = ModelFeed(
            hub.home,
            hub.catalogue.models,
            self._folders,
            adding=Adding(hub.catalogue.models),
            jobs=self._jobs,
            publish=self._publish,
            clock=clock,
            tell=lambda text: self._tell(text, level="warning"),
        )
        self._sessions = Sessions()
        sources = Sources(
            devices=lambda: list(self._views().values()),
            samples=self._samples,
            runs=hub.store.runs_by_verdict,
            queued=lambda: self.queue.count(),
            clients=lambda: self._server.clients if self._server else 0,
        )
        self._metrics = Metrics(sources, clock)
        self._server: ApiServer | None = None
        hub.tell_to(self._tell)
        for text in early:
            self._tell(text, level="warning")

    async def run(
        self,
        access: Access,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        listen: Listen | None = None,
        on_ready: Callable[[str], None] = lambda _url: None,
    ) -> None:
        """Serve until `stopping` is set; runs that are under way go on on their phones.

        Args:
            access: who may come in.
            host: a loopback address.
            port: of it; 0 takes a free one.
            listen: another address, with TLS.
            on_ready: is told the url once clients can connect.

        Raises:
            OSError: the port cannot be had.
        """
        await asyncio.to_thread(self._pulls.folders.settle)
        async with self._jobs, self._sessions:
            handlers: dict[str, Any] = {}
            for methods in _METHODS:
                handlers |= methods(self._services()).handlers()
            async with (
                ApiServer(
                    handlers,
                    self.bus,
                    access,
                    self._clock,
                    metrics=self._metrics.text,
                    host=host,
                    port=port,
                    listen=listen,
                    on_disconnect=[self._sessions.drop],
                ) as self._server,
                asyncio.TaskGroup() as tasks,
            ):
                working = [
                    tasks.create_task(self._keep_up(part))
                    for part in (
                        self._watch,
                        self.queue.run,
                        self.campaigns.conductor.run,
                        self._keep,
                        self._logs.run,
                        self._sampler.run,
                        self._metrics.watch_lag,
                        self._models.run,
                    )
                ]
                self.listening.set()
                on_ready(self.url)
                await self.stopping.wait()
                for task in working:
                    task.cancel()

    async def _keep_up(self, part: Callable[[], Awaitable[None]]) -> None:
        """Begin a part of the hub anew when something kept it from going on; until cancelled."""
        failures = 0
        while True:
            began_s = self._clock.monotonic_s()
            met: list[BaseException] = []
            try:
                await part()
            except* StoreError as group:
                met.append(first_of(group))
            except* Exception as group:
                # What one part stumbles over must take neither the others nor the runs along.
                log.exception("a part of the hub failed, and begins anew")
                met.append(first_of(group))
            heed_cancellation()
            if met:
                failures = 1 if self._clock.monotonic_s() - began_s > _SETTLED_S else failures + 1
                self._tell_failure(met[0], is_news=failures == 1)
            wait_s = backoff_s(max(failures, 1), first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S)
            await self._clock.sleep(wait_s)

    def _tell_failure(self, error: BaseException, *, is_news: bool) -> None:
        """Tell why a part of the hub could not go on: the database's trouble, or a mistake of ours."""
        if is_news:
            text = str(error) if isinstance(error, StoreError) else describe_mistake(error)
            self._tell(text, level="error")
        if isinstance(error, StoreDamaged):
            self._tell("the hub ends, and the next one puts the database aside", level="error")
            self.stopping.set()

    @property
    def url(self) -> str:
        """Where clients on this host reach it."""
        assert self._server is not None
        return self._server.url

    def _services(self) -> Services:
        hub = self.hub
        return Services(
            store=hub.store,
            clock=self._clock,
            catalogue=hub.catalogue,
            phones=hub.fleet,
            queue=self.queue,
            campaigns=self.campaigns,
            feed=self.feed,
            jobs=self._jobs,
            pulls=self._pulls,
            folders=self._folders,
            sessions=self._sessions,
            shots=Shots(),
            adb=hub.client.address,
            device_views=lambda: list(self._views().values()),
            samples=self._samples,
            status=self.status,
            settings=lambda: self._settings,
            stop_run=hub.stop_run,
            release=hub.release,
            stop=self.stopping.set,
        )

    def is_idle(self) -> bool:
        """Whether nobody is connected, and no run, queued run, job or campaign is there."""
        assert self._server is not None
        return not (
            self._server.clients
            or self.hub.store.open_runs()
            or self.queue.count()
            or self._jobs.under_way()
            or self.campaigns.conductor.is_busy()
        )

    def models_now(self) -> list[ModelView]:
        """The catalogue's models as clients were told of them last."""
        return self._models.views()

    def status(self) -> StatusView:
        """What the hub is and has to do."""
        under_way = self.hub.store.open_runs()
        return StatusView(
            url=self.url,
            pid=os.getpid(),
            version=__version__,
            devices=sum(not device.is_host for device in self.hub.fleet.devices()),
            runs=len(under_way),
            queued=self.queue.count(),
            jobs=len(self._jobs.under_way()),
            epoch=self.epoch,
            uptime_s=self._clock.monotonic_s() - self._began_s,
            home=str(self.hub.home.root),
            adb=self._adb_said,
            clients=self._server.clients if self._server else 0,
            run_ids=[row.id for row in under_way],
            auto=self._auto,
        )

    def _moved(self) -> None:
        """A run moved on."""
        self._show()
        self.campaigns.conductor.wake()

    # The phones

    async def _watch(self) -> None:
        """Watch the phones, and mend what falters."""
        await self.hub.fleet.run(lambda _devices: self._show(), self._server_moved)

    def _server_moved(self, problem: AdbError | None) -> None:
        """The adb server answers again, or why it does not; each kind of reason is told once."""
        if problem is None:
            self._adb_said = f"{self.hub.client.address} answers"
            self._adb_problems.clear()
            return
        self._adb_said = str(problem)
        if type(problem) not in self._adb_problems:
            self._adb_problems.add(type(problem))
            self._tell(f"the adb server cannot be used: {problem}", level="warning")

    def _show(self) -> None:
        """Publish what differs from what was last shown."""
        views = self._views()
        for name, view in views.items():
            before = self._shown.get(name)
            if before is None or before.state != view.state:
                marks = {"action": "device_moved", "serial": view.serial, "state": view.state}
                log.info("%s is %s", view.product or "a phone", view.state, extra=marks)
            if before != view:
                self.bus.publish("devices", DeviceChanged(device=view), key=name)
        for name in self._shown.keys() - views.keys():
            self.bus.publish("devices", DeviceRemoved(id=name), key=name)
            self._read.pop(name, None)
            self._makers.pop(name, None)
        self._shown = views
        self._names = {view.serialno: name for name, view in views.items() if view.serialno}
        # A phone that runs something is read by its run's own sampler.
        # This computer is looked at while it runs something and not for ever.
        idle = (name for name, view in views.items() if view.state == DeviceState.READY and name != LOCAL)
        self._sampler.want(frozenset(idle))
        self.queue.wake()

    def _views(self) -> dict[str, DeviceView]:
        devices = self.hub.fleet.devices()
        serials = [device.serial for device in devices]
        rows = {row.id: row for row in self.hub.store.open_runs()}
        figures = self.hub.store.last_figures()
        waiting = self.queue.count_by_phone()
        views = {}
        for device in devices:
            shared = serials.count(device.serial) > 1
            serialno = device.identity.serialno if device.identity else ""
            view = device_view(
                device,
                shared=shared,
                run=rows.get(device.run or ""),
                waiting=waiting[serialno],
                last=last_figures(figures[serialno]) if serialno in figures else None,
            )
            views[view.id] = view
        return views

    def _device_of(self, serialno: str) -> str | None:
        return self._names.get(serialno)

    def _read_sample(self, serialno: str, run_id: str, sample: Sample) -> None:
        """A run's sampler told how its phone does."""
        name = self._device_of(serialno)
        if name is not None:  # else its own log tells; nobody could see whose it is
            self.hub.fleet.health.heard(name)
            self._take_sample(name, sample, run_id)

    def _read_idle(self, name: str, sample: Sample) -> None:
        """A phone that has nothing to do told how it does."""
        if name in self._shown:
            self._take_sample(name, sample, None)

    def _take_sample(self, name: str, sample: Sample, run_id: str | None) -> None:
        maker = self._makers.setdefault(name, ReadingMaker())
        view = sample_view(name, maker.take(sample, wall_s=self._clock.wall_s(), run=run_id))
        self._read[name] = view
        self.bus.publish("samples", view, key=name)

    def _temp_mc(self, device: Device) -> int | None:
        """How warm a phone is, as newly as it is known."""
        name = self._device_of(device.identity.serialno) if device.identity else None
        read = self._read.get(name or "")
        return device.battery.temp_mc if read is None or read.temp_mc is None else read.temp_mc

    def _samples(self) -> list[SampleView]:
        return list(self._read.values())

    def _transport_of(self, name: str) -> Any:
        return self.hub.transport(self.hub.fleet.find(name))

    # Runs of hubs that are gone

    async def _keep(self) -> None:
        means = await self._means()
        keeper = Keeper(
            self.hub.store,
            self._clock,
            phones=lambda: [
                (device, self.hub.transport(device)) for device in answering(self.hub.fleet.devices())
            ],
            means=lambda: means,
            listener=self.feed.listener,
            on_end=lambda run_id: self.feed.changed([run_id]),
            lost_after_s=lost_after_s(),
            keep_days=keep_days(),
            patience_s=patience_s(),
        )
        await keeper.run()

    async def _means(self) -> Any:
        while True:
            with contextlib.suppress(AdbError):
                return await self.hub.means()
            await self._clock.sleep(_FIRST_WAIT_S)

    # Events

    def _publish(self, topic: str, event: Any, key: str) -> None:
        self.bus.publish(topic, event, key=key)

    def _publish_log(self, device: str, lines: Any) -> None:
        self.bus.publish("log", lines, key=device)

    def _tell(self, text: str, level: Any = "info") -> None:
        self.feed.note(Noted(text=text, wall_s=self._clock.wall_s(), level=level))

    def _want(self, topic: str, keys: frozenset[str]) -> None:
        if topic == "log":
            self._logs.want(keys)

    def _snapshot(self, topic: str, keys: frozenset[str] | None) -> list[Any]:
        if topic == "tokens":
            return self.feed.texts_now(keys)
        now: dict[str, Callable[[], Sequence[Any]]] = {
            "devices": lambda: list(self._views().values()),
            "samples": self._samples,
            "runs": self.feed.runs_now,
            "notes": self.feed.notes_now,
            "jobs": self._jobs.under_way,
            "models": self.models_now,
            "campaigns": self.campaigns.views_now,
        }
        return list(now[topic]()) if topic in now else []

    def _replay(self, first: int, last: int) -> Any:
        return self.feed.replay(first, last)
