"""The queue: runs wait here for their phones, in the store as in memory, until each begins or ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from devicehub.device.select import find_meant
from devicehub.dispatch.entry import Entry, Target, Wish, read_entry
from devicehub.dispatch.journal import is_alive, own_process
from devicehub.dispatch.lineup import Lineup
from devicehub.dispatch.outcome import STOPPED
from devicehub.dispatch.queued import QueuedRun, gist_of, show_queued
from devicehub.dispatch.run_id import new_run_id
from devicehub.dispatch.unbegun import REFUSED, unbegun_record
from devicehub.errors import HubError, StoreError
from devicehub.mistakes import describe_mistake
from devicehub.runs.retry import HUB_KILLED, backoff_s
from devicehub.runs.schedule import held_back, in_order, kept_free, schedule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from devicehub.clock import Clock
    from devicehub.device.model import Device
    from devicehub.runs.ask import CompareAsk, RunAsk
    from devicehub.runs.schedule import Waiting
    from devicehub.store.model import QueuedRow
    from devicehub.store.store import Store

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""How often the queue looks at the phones by itself; `wake` makes it look at once."""
_CALM_S: Final = 0.1
"""What comes at once is decided at once."""
TRIES: Final = 4
"""So often an entry is begun that a transient error keeps from beginning."""
TOLD: Final = 100
"""So many entries' places and reasons are told as they change; the others' when they are asked for."""
_SECOND: Final = len("YYYYMMDD-HHMMSS")
_SERVED_MOST: Final = 10_000


class Begin(Protocol):
    """Begins an entry on its phones and carries it to its end."""

    def __call__(self, entry: Entry, devices: Sequence[Device]) -> Awaitable[object]:
        """Write the runs down and carry them; two devices for a comparison of phones, else one.

        Raises:
            HubError: as `Carrier.carry`: before the runs are written down, they have not begun.
        """


@dataclass
class _Held:
    """An entry in memory.

    Attributes:
        held_back_s: since when warm phones have been passed over for it.
        not_before_s: it is not begun earlier, on the monotonic clock.
        failure: why it could not be begun the last time.
        task: begins and carries it.
        devices: where.
        is_claimed: the store has this process as the one that begins it.
        has_begun: one of its runs is written down; they leave the queue then.
        stopping: a person asked for its end.
        told: what was last said of its runs.
    """

    entry: Entry
    held_back_s: float | None = None
    not_before_s: float = 0.0
    tries: int = 0
    failure: str | None = None
    task: asyncio.Task[None] | None = None
    devices: Sequence[Device] = ()
    is_claimed: bool = False
    has_begun: bool = False
    stopping: bool = False
    told: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Look:
    """The phones and all entries at one moment of the monotonic clock."""

    lineup: Lineup
    of: Mapping[str, Waiting]
    now: float


def nothing_in_the_way(_entry: Entry, _device: Device) -> None:
    """Let every phone that is meant do."""


class Queue:
    """All runs that wait, of all clients. One hub at a time has it.

    Args:
        store: keeps it.
        clock: paces it.
        devices: the phones as they are known now, without I/O.
        temp_mc: of a phone's skin, in milli-degrees Celsius; None where it is not known.
        begin: begins an entry and carries it.
        on_change: is told the ids of runs that now stand elsewhere in the queue, have left it or came to it.
        obstacle: why an entry cannot be had on a phone, as a clause with the remedy; such phones are passed
            over where any of several will do. Cheap: it is asked often.
        tell: is told what a person should know.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        devices: Callable[[], Sequence[Device]],
        temp_mc: Callable[[Device], int | None],
        begin: Begin,
        on_change: Callable[[Sequence[str]], None],
        obstacle: Callable[[Entry, Device], str | None] = nothing_in_the_way,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._devices = devices
        self._temp_mc = temp_mc
        self._begin = begin
        self._on_change = on_change
        self._obstacle = obstacle
        self._tell = tell
        self._held: dict[str, _Held] = {}
        self._served: dict[tuple[str, str], float] = {}
        self._begun = 0
        self._named: set[str] = set()
        self._trouble: type[HubError] | None = None
        self._wake = asyncio.Event()
        self._load()

    # What clients ask

    def submit(
        self, ask: RunAsk, *, client: str, on: Sequence[Device] = (), run_ids: Sequence[str] = ()
    ) -> list[str]:
        """Queue a run for each of some phones, or one for any that its selectors mean; the runs' ids.

        They outlive this process before this returns.

        Args:
            ask: what is asked; `spread` decides.
            client: who asks.
            on: with `each`, the phones, whatever their state.
            run_ids: of `new_ids`, one a run, for whoever must know the names before.

        Raises:
            SelectionError: a selector is none.
            StoreError: they cannot be written down; so it is where a name is known already.
        """
        if ask.spread == "any":
            find_meant(self._devices(), ask.selectors)
            wishes = [Wish(selectors=ask.selectors)]
        else:
            wishes = [Wish(target=Target.of(device)) for device in on]
        named: list[tuple[str, ...]] = [(run_id,) for run_id in run_ids] or [()] * len(wishes)
        return self._add(
            [self._entry(1, ask, None, client, (wish,), ids) for wish, ids in zip(wishes, named, strict=True)]
        )

    def submit_comparison(
        self, ask: CompareAsk, *, client: str, on: Sequence[Device], run_ids: Sequence[str] = ()
    ) -> list[str]:
        """Queue the two runs of a comparison, which begin together; their ids, A's first.

        Args:
            ask: what is asked.
            client: who asks.
            on: the phone that both run on, or A's and B's.
            run_ids: as `submit` has them.

        Raises:
            StoreError: they cannot be written down.
        """
        wishes = tuple(Wish(target=Target.of(device)) for device in on)
        return self._add([self._entry(2, ask.run, ask, client, wishes, tuple(run_ids))])

    async def stop(self, run_id: str) -> bool:
        """End a run that has not begun, and its comparison's other one; False where it has or is unknown."""
        held = self._find(run_id)
        if held is None or not self._store.is_queued(run_id):
            return False
        held.stopping = True
        if held.task is not None:
            held.task.cancel()
            await asyncio.wait({held.task})
        if self._store.is_queued(run_id):  # nobody carried it, or it was cancelled before its first step
            self._end(held, STOPPED)
        return not self._store.is_queued(run_id)

    def find(self, run_id: str) -> QueuedRun | None:
        """The run of that id, or the only one whose id begins so, while it waits."""
        found = [run for run in self.waiting() if run.id.startswith(run_id)] if run_id else []
        exact = [run for run in found if run.id == run_id]
        return next(iter(exact or found), None) if len(exact or found) == 1 else None

    def waiting(self) -> list[QueuedRun]:
        """All runs that have not begun, in their order; those that begin this moment come first."""
        return self._shown(self._look(), most=None)

    def count(self) -> int:
        """How many runs have not begun; cheaper than `waiting`, as is `count_by_phone`."""
        return sum(len(held.entry.run_ids) for held in self._not_begun())

    def count_by_phone(self) -> Counter[str]:
        """How many runs wait for a phone alone, by its ro.serialno."""
        return Counter(
            target.serialno
            for held in self._not_begun()
            for run_id in held.entry.run_ids
            if (target := held.entry.wish(run_id).target) and target.serialno
        )

    def _not_begun(self) -> list[_Held]:
        return [held for held in self._held.values() if held.task is None or self._is_whole(held)]

    def wake(self) -> None:
        """Have the phones looked at now: one came, ended its run or cooled."""
        self._wake.set()

    # The work

    async def run(self) -> None:
        """Begin what can begin, until cancelled; what is being carried is cancelled then, too."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    self._decide(tasks)
                except HubError as error:
                    self._tell_trouble(error)
                else:
                    self._trouble = None
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._wake.wait()
                await self._clock.sleep(_CALM_S)

    def _decide(self, tasks: asyncio.TaskGroup) -> None:
        look, now = self._look(), self._clock.monotonic_s()
        waiting = [
            look.of[held.entry.id]
            for held in self._held.values()
            if held.task is None and held.not_before_s <= now
        ]
        free = look.lineup.free()
        for entry_id in held_back(waiting, free, now=now):
            held = self._held[entry_id]
            held.held_back_s = now if held.held_back_s is None else held.held_back_s
        for assignment in schedule(waiting, free, now=now, served=self._served):
            held = self._held[assignment.id]
            if not self._claim(held):
                continue
            for key in assignment.phones:
                self._begun += 1
                self._served[held.entry.client, key] = self._begun
            held.devices = [look.lineup.phones[key] for key in assignment.phones]
            held.task = tasks.create_task(self._carry(held))
            # Not in the task itself: one that is cancelled before it began has no end of its own.
            held.task.add_done_callback(partial(self._put_down, held))
        self._forget_clients()
        self._tell_changes()

    def _claim(self, held: _Held) -> bool:
        """Make sure that no other process begins it; False where one does, or where it has begun."""
        if not held.is_claimed:
            held.is_claimed = self._store.claim_queued(held.entry.id, *own_process(), is_alive)
        elif not self._is_whole(held):
            self._forget(held)  # the store failed while it was carried: the keeper takes it up
            return False
        return held.is_claimed

    def _put_down(self, held: _Held, _ended: asyncio.Task[None]) -> None:
        held.task = None
        self.wake()

    def _tell_trouble(self, error: HubError) -> None:
        """Say once why the queue stands still."""
        if self._trouble is not type(error):
            self._trouble = type(error)
            self._tell(f"the queue stands still: {error}")

    async def _carry(self, held: _Held) -> None:
        try:
            await self._begin_and_end(held)
        except StoreError as error:
            # What the store knows of it stands: it is queued still, or the keeper takes it up.
            self._tell_trouble(error)
            held.failure = str(error)
            held.tries += 1
            held.not_before_s = self._clock.monotonic_s() + backoff_s(held.tries, first_s=2.0, longest_s=60.0)
            if held.has_begun:
                self._held.pop(held.entry.id, None)

    async def _begin_and_end(self, held: _Held) -> None:
        entry = held.entry
        try:
            await self._begin(entry, held.devices)
        except StoreError:
            raise  # it waits, or goes on, until there is a store again
        except HubError as error:
            self._settle(held, error)
        except asyncio.CancelledError:
            if not held.stopping:
                self._leave(held)
                raise
            self._end(held, STOPPED)
        except Exception as error:
            # One run that the hub stumbles over must not take the others along.
            log.exception("run %s could not be carried", entry.id)
            self._end(held, REFUSED, HubError(describe_mistake(error)))
        else:
            self._end(held, REFUSED, HubError("the hub did not begin it"))

    def _settle(self, held: _Held, error: HubError) -> None:
        """An error ended the carrying: it has begun and its row says more, or it waits again, or fails."""
        held.tries += 1
        if not self._is_whole(held) or not error.transient or held.tries >= TRIES:
            self._end(held, REFUSED, error)
            return
        held.failure = str(error)
        held.not_before_s = self._clock.monotonic_s() + backoff_s(held.tries, first_s=2.0, longest_s=60.0)
        self._leave(held)

    def _leave(self, held: _Held) -> None:
        self._store.release_queued(held.entry.id, *own_process())
        held.is_claimed = False
        held.devices = ()

    def _end(self, held: _Held, cause: str, error: HubError | None = None) -> None:
        """Write the end of those of its runs that have not begun; the others have theirs."""
        entry = held.entry
        for run_id in entry.run_ids:
            device = held.devices[min(entry.arm(run_id), len(held.devices) - 1)] if held.devices else None
            if self._store.is_queued(run_id):
                now_s = self._clock.wall_s()
                record = unbegun_record(run_id, entry, device, cause=cause, error=error, ended_s=now_s)
                self._store.finish(run_id, record, wall_s=now_s)
        self._forget(held)

    def _forget(self, held: _Held) -> None:
        self._held.pop(held.entry.id, None)
        self._on_change(held.entry.run_ids)
        self.wake()

    def _look(self) -> _Look:
        now = self._clock.monotonic_s()
        taken = [
            (run_id, device.identity)
            for held in self._held.values()
            if held.task is not None
            for run_id, device in zip(held.entry.run_ids, held.devices, strict=False)
            if device.identity is not None
        ]
        lineup = Lineup(self._devices(), taken, temp_mc=self._temp_mc, obstacle=self._obstacle)
        of = {key: lineup.waiting(held.entry, held.held_back_s) for key, held in self._held.items()}
        return _Look(lineup, of, now)

    def _shown(self, look: _Look, *, most: int | None) -> list[QueuedRun]:
        """The runs that wait, as clients are shown them; only so many entries where that is asked."""
        begins = [held for held in self._held.values() if held.task is not None and self._is_whole(held)]
        waiting = [look.of[held.entry.id] for held in self._held.values() if held.task is None]
        ordered = [self._held[each.id] for each in in_order(waiting, self._served)]
        kept = kept_free(waiting, look.lineup.free(), now=look.now, served=self._served)
        shown: list[QueuedRun] = []
        for held in [*begins, *ordered][:most]:
            why = self._why(held, look, kept)
            shown += [show_queued(held.entry, run_id, len(shown) + 1, why) for run_id in held.entry.run_ids]
        return shown

    def _is_whole(self, held: _Held) -> bool:
        # Asked of every run that is being carried, at every look: what has begun never waits again.
        held.has_begun = held.has_begun or not all(map(self._store.is_queued, held.entry.run_ids))
        return not held.has_begun

    def _why(self, held: _Held, look: _Look, kept: Mapping[str, str]) -> str | None:
        if held.task is not None:
            return None
        why = look.lineup.why(held.entry, look.of[held.entry.id], kept, look.now)
        if held.failure is not None and held.not_before_s > look.now:
            return f"{held.failure}; tried again soon"
        return why

    def _tell_changes(self) -> None:
        changed = []
        for run in self._shown(self._look(), most=TOLD):
            held, gist = self._held[run.entry.id], gist_of(run)
            if held.told.get(run.id) != gist:
                held.told[run.id] = gist
                changed.append(run.id)
        if changed:
            self._on_change(changed)

    # What waits

    def _find(self, run_id: str) -> _Held | None:
        return next((held for held in self._held.values() if run_id in held.entry.run_ids), None)

    def _entry(
        self,
        runs: int,
        ask: RunAsk,
        comparison: CompareAsk | None,
        client: str,
        wishes: tuple[Wish, ...],
        run_ids: tuple[str, ...],
    ) -> Entry:
        now_s = self._clock.wall_s()
        ids = run_ids or self.new_ids(runs)
        return Entry(ids, ask, comparison, client, now_s, wishes)

    def new_ids(self, count: int) -> tuple[str, ...]:
        """Names for runs that are going to be asked for; no other run has them."""
        now_s = self._clock.wall_s()
        return tuple(self._new_id(now_s) for _ in range(count))

    def _new_id(self, now_s: float) -> str:
        """A name that no other run has; of hundreds in one second two would be alike now and then."""
        while (run_id := new_run_id(now_s)) in self._named or self._store.is_known(run_id):
            pass
        if not all(name.startswith(run_id[:_SECOND]) for name in islice(self._named, 1)):
            self._named.clear()
        self._named.add(run_id)
        return run_id

    def _add(self, entries: Sequence[Entry]) -> list[str]:
        numbers = self._store.enqueue([row for entry in entries for row in entry.rows()])
        added: list[str] = []
        for entry in entries:
            self._held[entry.id] = _Held(replace(entry, number=numbers[entry.id]))
            added += entry.run_ids
        self.wake()
        return added

    def _load(self) -> None:
        """Take over what the hub before this one has left."""
        rows = self._store.queued()
        present = {row.run_id for row in rows}
        for row in rows:
            entry = read_entry(row)
            if entry is None:
                self._end_unreadable(row)
            elif row.run_id == next(run_id for run_id in entry.run_ids if run_id in present):
                held = self._held[entry.id] = _Held(entry)
                if not present.issuperset(entry.run_ids):
                    # Killed between the two runs of a comparison: the other one ends as one of that hub.
                    self._end_claimed(held)

    def _end_claimed(self, held: _Held) -> None:
        if self._store.claim_queued(held.entry.id, *own_process(), is_alive):
            self._end(held, HUB_KILLED)

    def _end_unreadable(self, row: QueuedRow) -> None:
        if self._store.claim_queued(row.entry, *own_process(), is_alive):
            now_s = self._clock.wall_s()
            error = HubError("another version of DeviceHub queued it; ask for it again")
            record = unbegun_record(row.run_id, None, None, cause=REFUSED, error=error, ended_s=now_s)
            self._store.finish(row.run_id, record, wall_s=now_s)

    def _forget_clients(self) -> None:
        """Names of clients are theirs to choose, and any number of them may come."""
        if len(self._served) > _SERVED_MOST:
            newest = sorted(self._served.items(), key=lambda each: each[1])[_SERVED_MOST // 2 :]
            self._served = dict(newest)
