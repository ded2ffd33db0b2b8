"""Carries runs of tests, and sees to it that each is told of and none outlives the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from devicehub.errors import HubError
from devicehub.testing.model_run import ModelRun
from devicehub.testing.phone_shell import Said, say_on
from devicehub.testing.runs import Told, carry, make_ask
from devicehub.testing.threads import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.testing.hub import TestHub

_PLAIN: Final = (HubError, KeyboardInterrupt, pytest.fail.Exception)
"""What needs no more than the line of the test; the last is what pytest-timeout raises."""


@dataclass(frozen=True)
class Runner:
    """What runs of tests go through.

    Attributes:
        hub: of the phones.
        timeout_s: how long a run may take where a test says nothing else.
        attach: is given each run, also one that was stopped for its time.
        began: is told the id of each run that begins; whoever hears of it stops it with the session.
        ended: likewise of one that needs no stop any more.
    """

    hub: TestHub
    timeout_s: float
    attach: Callable[[ModelRun], None]
    began: Callable[[str], None]
    ended: Callable[[str], None]

    def run(self, name: str, fields: Mapping[str, Any], timeout_s: float | None) -> ModelRun:
        """A run on the phone of this name, from the queue to its end.

        Raises:
            RunOverdueError: it had not ended in time, and was stopped.
            HubError: the hub refuses it, or cannot tell its end.
        """
        __tracebackhide__ = True
        ask = make_ask(name, fields)
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        told = Told(self.began, self.ended, lambda record: self.attach(ModelRun(record)))
        try:
            record = carry(self.hub, ask, timeout_s=timeout_s, told=told)
        except _PLAIN as error:
            raise error.with_traceback(None) from None
        run = ModelRun(record)
        self.attach(run)
        return run

    def shell(self, name: str, command: str, timeout_s: float) -> Said:
        """A line on the phone of this name; raises as `say_on` does."""
        __tracebackhide__ = True
        try:
            return wait_for(say_on(self.hub, name, command, timeout_s))
        except _PLAIN as error:
            raise error.with_traceback(None) from None
