"""What one process of a session knows: its fleet, the test that runs, and the runs of each test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub.testing.model_run import describe
from devicehub.testing.phones import Fleet
from devicehub.testing.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.testing.keeper import FarKeeper, Keeper
    from devicehub.testing.model_run import ModelRun
    from devicehub.testing.phones import Phone


class PhoneSession:
    """Made when the first test asks for a phone.

    Args:
        keeper: has the fleet, here or in the process that controls this one.
        timeout_s: how long a run may take.
        running: the test that is run at this moment.
    """

    def __init__(
        self, keeper: Keeper | FarKeeper, timeout_s: float, running: Callable[[], pytest.Item | None]
    ) -> None:
        self._keeper = keeper
        self._timeout_s = timeout_s
        self._running = running
        self._fleet: Fleet | None = None
        self._texts: dict[str, list[str]] = {}

    @property
    def problem(self) -> str | None:
        """Why the phones are not known."""
        return self._keeper.take().problem

    def fleet(self) -> Fleet:
        """The phones; where they are not known, the test fails."""
        taken = self._keeper.take()
        if taken.problem is not None:
            pytest.fail(f"DeviceHub: {taken.problem}", pytrace=False)
        if self._fleet is None:
            runner = Runner(taken.hub, self._timeout_s, self._attach, self._keeper.began, self._keeper.ended)
            self._fleet = Fleet(taken.devices, runner)
        return self._fleet

    def phone(self, name: str) -> Phone:
        """The phone of this name, for the test that runs; raises as `fleet` does."""
        phone = self.fleet().named(name)
        item = self._running()
        if item is not None:
            item.user_properties.append(("devicehub_phone", phone.name))
        return phone

    def texts_of(self, item: pytest.Item) -> Sequence[str]:
        """What the test's report shows of its runs so far."""
        return self._texts.get(item.nodeid, ())

    def _attach(self, run: ModelRun) -> None:
        """Let the report of the test that runs carry a run."""
        item = self._running()
        if item is None:
            return
        record = json.dumps(msgspec.to_builtins(run.record), ensure_ascii=False)
        item.user_properties.append(("devicehub_run", record))
        hint = None if self._keeper.take().url else f"more: devicehub runs show {run.id}"
        self._texts.setdefault(item.nodeid, []).append(describe(run, hint))
