"""Begins what waited in the queue, on its phones, and carries it to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.dispatch import asking, comparing
from devicehub.dispatch.carrier import Carrier
from devicehub.dispatch.run_id import new_run_id
from devicehub.dispatch.side_by_side import carry_side_by_side
from devicehub.logs import about

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device
    from devicehub.dispatch.asking import Catalogue
    from devicehub.dispatch.carrier import Outcome
    from devicehub.dispatch.entry import Entry
    from devicehub.dispatch.means import Means
    from devicehub.dispatch.request import RunListener
    from devicehub.runs.ask import CompareAsk


class Beginner:
    """Turns entries into runs on phones.

    Args:
        catalogue: what there is to run.
        means: what every run shares, asked for anew for each.
        transport: the way to a phone.
        listener: who is told of a run, by its id.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        means: Callable[[], Awaitable[Means]],
        transport: Callable[[Device], Transport],
        listener: Callable[[str], RunListener],
    ) -> None:
        self._catalogue = catalogue
        self._means = means
        self._transport = transport
        self._listener = listener

    async def __call__(self, entry: Entry, devices: Sequence[Device]) -> Sequence[Outcome]:
        """Carry the entry's runs to their ends; when this is cancelled they go on on their phones.

        Raises:
            HubError: as `Carrier.carry`.
        """
        with about(serial=devices[0].serial, run=entry.run_ids[0]):
            if entry.comparison is not None:
                return await self._compare(entry, entry.comparison, devices)
            return await self._run(entry, devices)

    async def _run(self, entry: Entry, devices: Sequence[Device]) -> Sequence[Outcome]:
        asked = asking.check_ask(entry.run, self._catalogue.home)
        [run_id] = entry.run_ids
        request = asking.make_request(
            self._catalogue,
            self._catalogue.models.get(entry.run.model),
            devices[0],
            asked,
            run_id=run_id,
            profile=asking.load_profile(asked, self._catalogue.home),
        )
        carrier = Carrier(
            [request],
            devices[0],
            self._transport(devices[0]),
            await self._means(),
            [self._listener(run_id)],
            leaves_runs=True,
        )
        return await carrier.carry()

    async def _compare(self, entry: Entry, ask: CompareAsk, devices: Sequence[Device]) -> Sequence[Outcome]:
        asked = asking.check_ask(ask.run, self._catalogue.home, protocols=comparing.DEFAULT_PROTOCOLS)
        pair = (devices[0], devices[-1])
        first, second = entry.run_ids
        requests = comparing.make_requests(
            ask,
            asked,
            comparing.find_arms(ask, asked, pair, self._catalogue),
            self._catalogue,
            comparison_id=new_run_id(entry.submitted),
            run_ids=(first, second),
        )
        means, listeners = await self._means(), [self._listener(run_id) for run_id in entry.run_ids]
        if len(devices) == 1:
            way = self._transport(devices[0])
            return await Carrier(requests, devices[0], way, means, listeners, leaves_runs=True).carry()
        ways = [self._transport(device) for device in pair]
        return await carry_side_by_side(requests, pair, ways, means, listeners, leaves_runs=True)
