"""What a session of tests has once: the fleet as it was found, a private hub, the runs under way."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import msgspec

from devicehub.api.contract import DEVICES, RUN_STOP, RunNamed
from devicehub.api.model import DeviceView
from devicehub.errors import HubError
from devicehub.testing.desk import ask_desk
from devicehub.testing.hub import TestHub
from devicehub.testing.virtual_hub import VirtualHub

if TYPE_CHECKING:
    from collections.abc import Sequence


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet, as every process of the session has it.

    Attributes:
        url: of the session's private hub; None for the user's own.
        token_file: the private hub's.
        problem: why there is no fleet, in a sentence; None where there is one.
    """

    devices: list[DeviceView] = []
    url: str | None = None
    token_file: str | None = None
    problem: str | None = None

    @property
    def hub(self) -> TestHub:
        """The hub that has the phones."""
        return TestHub(self.url, self.token_file)


def list_devices(hub: TestHub) -> Sequence[DeviceView]:
    """The devices that there are now."""
    return hub.call(DEVICES, timeout_s=60.0)


class Keeper:
    """Of a session without workers, or of the one process that controls them.

    Args:
        virtual: so many virtual phones at a private hub, in place of the user's own hub and phones.
    """

    def __init__(self, virtual: int | None) -> None:
        self._virtual = VirtualHub(virtual) if virtual is not None else None
        self._taking = threading.Lock()
        self._taken: Taken | None = None
        self._under_way: set[str] = set()

    def take(self) -> Taken:
        """The fleet; it is looked at once, however often and from wherever this is called."""
        with self._taking:
            if self._taken is None:
                self._taken = self._take()
            return self._taken

    def began(self, run_id: str) -> None:
        """A run of this session is under way."""
        self._under_way.add(run_id)

    def ended(self, run_id: str) -> None:
        """A run needs nobody any more."""
        self._under_way.discard(run_id)

    def answer(self, question: str, run_id: str) -> bytes:
        """What a worker is told that asks as `FarKeeper` does."""
        if question == "began":
            self.began(run_id)
        elif question == "ended":
            self.ended(run_id)
        else:
            return msgspec.json.encode(self.take())
        return b""

    def close(self) -> None:
        """Stop the runs that nobody waits for any more, as a killed worker's, and end the private hub."""
        if self._virtual is not None:
            self._virtual.close()
        elif self._under_way and self._taken is not None:
            for run_id in sorted(self._under_way):
                with contextlib.suppress(HubError):  # it has ended, or the hub has
                    self._taken.hub.call(RUN_STOP, RunNamed(run=run_id))

    def _take(self) -> Taken:
        try:
            hub = self._virtual.start() if self._virtual is not None else TestHub()
            devices = list(list_devices(hub))
        except (HubError, OSError) as error:
            return Taken(problem=str(error))
        return Taken(devices=devices, url=hub.url, token_file=hub.token_file)


class FarKeeper:
    """The session's keeper, as a worker has it.

    Args:
        port: of the controlling process's desk.
        key: which that knows.
    """

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._taken: Taken | None = None

    def take(self) -> Taken:
        """The fleet as the controlling process has found it."""
        if self._taken is None:
            try:
                self._taken = msgspec.json.decode(ask_desk(self._port, self._key, "fleet"), type=Taken)
            except (OSError, msgspec.DecodeError) as error:
                problem = f"the process that started this worker does not tell the fleet ({error})"
                self._taken = Taken(problem=problem)
        return self._taken

    def began(self, run_id: str) -> None:
        """A run of this session is under way: it is stopped when this process is killed."""
        self._tell("began", run_id)

    def ended(self, run_id: str) -> None:
        """A run needs nobody any more."""
        self._tell("ended", run_id)

    def _tell(self, what: str, run_id: str) -> None:
        with contextlib.suppress(OSError):  # it has ended, and stops what it knows
            ask_desk(self._port, self._key, what, run_id)
