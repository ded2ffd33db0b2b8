"""Runs of the hub, shown as they happen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from devicehub.api import contract
from devicehub.api.client import LiveClient
from devicehub.api.connection import HUB_ENDED
from devicehub.api.model import Noted, ProgressMade, RunChanged, TokensSaid
from devicehub.cli.at_hub import NAME
from devicehub.cli.output import say
from devicehub.errors import HubError, HubUnreachable, PhoneAway
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.api.client import LinkState
    from devicehub.api.contract import Gone
    from devicehub.api.model import Event, RunView
    from devicehub.cli.at_hub import Place
    from devicehub.cli.run_view import Narration

_TOPICS: Final = ("runs", "tokens", "progress", "notes")
_AGAIN_S: Final = 2.0
"""How long a hub that broke off may take to be back before it is started again."""
_STOP_S: Final = 30.0


class Following:
    """Shows runs that the hub was asked for, until each has come as far as is wanted.

    Args:
        place: the hub.
        narrations: who shows each run, by its id.
        stops: end the runs on their phones when this is cancelled; otherwise they go on.
        tells_queue: show at once why a run waits, not only when that changes.
    """

    def __init__(
        self,
        place: Place,
        narrations: Mapping[str, Narration],
        *,
        stops: bool = True,
        tells_queue: bool = False,
    ) -> None:
        self._place = place
        self._narrations = narrations
        self._stops = stops
        self._tells_queue = tells_queue
        self._views: dict[str, RunView] = {}
        self._said: dict[str, str] = {}
        self._waits: dict[str, str] = {}
        self._notes: set[tuple[str | None, float, str]] = set()
        self._down: str | None = None
        self._moved = asyncio.Event()

    async def ends(self) -> dict[str, RunView | PhoneAway]:
        """Each run as it ended, or that its phone stays away and it goes on there.

        Raises:
            HubUnreachable: the hub has ended, or cannot be started again; the runs go on.
        """
        views = await self._until(lambda view: RunState(view.state).is_end or _is_left(view))
        return {
            run_id: PhoneAway(serial=view.serial or "its phone", run_id=run_id, waited_s=0)
            if _is_left(view)
            else view
            for run_id, view in views.items()
        }

    async def starts(self) -> dict[str, RunView]:
        """Each run when its phone has it, when it has ended, or while it waits for others; as `ends`."""
        return await self._until(
            lambda view: RunState(view.state) not in _BEFORE or view.id in self._waits or _is_left(view)
        )

    async def _until(self, is_there: Callable[[RunView], bool]) -> dict[str, RunView]:
        live = LiveClient(self._place.where(), name=NAME, start=self._place.url is None, tell=say)
        only = {topic: list(self._narrations) for topic in _TOPICS}
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(
                live.follow(
                    _TOPICS, on_event=self._take, on_gone=self._catch_up, on_link=self._link_moved, only=only
                )
            )
            try:
                await self._wait(is_there)
            except asyncio.CancelledError:
                if self._stops:
                    await self._stop(live)
                raise
            finally:
                following.cancel()
                for narration in self._narrations.values():
                    narration.close()
        return dict(self._views)

    async def _wait(self, is_there: Callable[[RunView], bool]) -> None:
        while len(self._views) < len(self._narrations) or not all(map(is_there, self._views.values())):
            self._moved.clear()
            try:
                async with asyncio.timeout(_AGAIN_S if self._down is not None else None):
                    await self._moved.wait()
            except TimeoutError:
                await self._mend()

    async def _mend(self) -> None:
        """The hub is gone: one that broke off is started again, one that was ended stays ended."""
        if self._down == HUB_ENDED or self._place.url is not None:
            ids = " ".join(self._open())
            raise HubUnreachable(f"{self._down}; what runs on phones goes on: `devicehub runs watch {ids}`")
        say(f"{self._down}; looking for it again")
        async with self._place.client():
            self._down = None  # the link finds it by itself

    async def _stop(self, live: LiveClient) -> None:
        """Ctrl-C: end the runs, and show how they end."""
        for run_id in self._open():
            try:
                await self._end(live, contract.RunNamed(run=run_id))
            except HubError as error:
                say(f"run {run_id} could not be stopped ({error}); `devicehub runs stop {run_id}` does it")
        try:
            async with asyncio.timeout(_STOP_S):
                await self._wait(lambda view: RunState(view.state).is_end or view.stop_requested is not None)
        except (TimeoutError, HubError):
            return
        for run_id, view in self._views.items():
            self._narrations[run_id].on_note(_describe_stopped(view))

    async def _end(self, live: LiveClient, run: contract.RunNamed) -> None:
        try:
            await live.call(contract.RUN_STOP, run, timeout_s=_STOP_S)
        except HubUnreachable:
            # Who presses Ctrl-C at once is faster than the link.
            async with self._place.client() as client:
                await client.call(contract.RUN_STOP, run, timeout_s=_STOP_S)

    def _open(self) -> Sequence[str]:
        return [
            run_id
            for run_id in self._narrations
            if run_id not in self._views or not RunState(self._views[run_id].state).is_end
        ]

    # What the hub says

    def _link_moved(self, link: LinkState) -> None:
        if link.up:
            self._down = None
        elif self._down is None:
            self._down = link.text
            self._moved.set()

    def _catch_up(self, gone: Gone) -> None:
        snapshot: Sequence[Any] = gone.snapshot
        for item in snapshot:
            match gone.topic:
                case "runs":
                    self._see(item, tell_queue=self._tells_queue)
                case "tokens":
                    self._hear(item.run, item.text[len(self._said.get(item.run, "")) :])
                case "notes":
                    self._note(item)

    def _take(self, event: Event) -> None:
        match event.data:
            case RunChanged(run=view):
                self._see(view, tell_queue=True)
            case TokensSaid(run=run_id, text=text):
                self._hear(run_id, text)
            case ProgressMade(run=str(run_id), label=label, done=done, total=total):
                if narration := self._narrations.get(run_id):
                    narration.on_progress(label, done, total)
            case Noted() as noted:
                self._note(noted)

    def _see(self, view: RunView, *, tell_queue: bool) -> None:
        narration = self._narrations.get(view.id)
        if narration is None:
            return
        before = self._views.get(view.id)
        self._views[view.id] = view
        self._moved.set()
        if view.place is not None:
            if tell_queue and view.waits_for and self._waits.get(view.id) != view.waits_for:
                self._waits[view.id] = view.waits_for
                narration.on_note(f"waits, place {view.place}: {view.waits_for}")
        elif before is None or before.state != view.state:
            narration.on_state(RunState(view.state))

    def _hear(self, run_id: str, text: str) -> None:
        if text and (narration := self._narrations.get(run_id)):
            self._said[run_id] = self._said.get(run_id, "") + text
            narration.on_text(text)

    def _note(self, noted: Noted) -> None:
        told = (noted.run, noted.wall_s, noted.text)
        if (narration := self._narrations.get(noted.run or "")) and told not in self._notes:
            self._notes.add(told)
            narration.on_note(noted.text)


_BEFORE: Final = frozenset({RunState.QUEUED, RunState.CHECKING, RunState.DEPLOYING, RunState.STARTING})
"""The phone does not have it yet."""


def _is_left(view: RunView) -> bool:
    """Whether the hub has given up waiting for the run's phone."""
    return view.left and view.state == RunState.DETACHED


def _describe_stopped(view: RunView) -> str:
    if view.state == RunState.CANCELLED:
        where = "on the phone" if view.started is not None else "before it began"
        return f"run {view.id} was stopped {where}"
    if RunState(view.state).is_end:
        return f"run {view.id} had ended already: {view.state}"
    return f"run {view.id} is stopped when its phone is back"
