from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.adb.wire import DeviceLine
from devicehub.cli.run_view import carry_all, finish
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device
from devicehub.dispatch.request import RunRequest
from devicehub.engines.catalog import Engine
from devicehub.errors import HubError, NoSpace, PhoneLocked
from devicehub.hub import Hub
from devicehub.manifest import Manifest
from devicehub.models.catalog import Model
from devicehub.profiles.load import RunProfile
from devicehub.settings import Home
from tests.manual_clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.dispatch.carrier import Outcome
    from devicehub.dispatch.request import RunListener

FULL = NoSpace(serial="S1", path="/data", needed=9, free=1)
TAKEN = PhoneLocked(serial="S2", holder="r1")


class TwoPhones(Hub):
    """S1 is full; S2 goes on after that, and then turns out to be taken."""

    def __init__(self, folder: Path) -> None:
        super().__init__(AdbClient(ServerAddress()), Home(folder), ManualClock())
        self._full = asyncio.Event()

    async def run(self, request: RunRequest, device: Device, listener: RunListener | None = None) -> Outcome:
        assert listener is not None
        listener.on_transfer("model", 4)(1)
        if device.serial == "S1":
            self._full.set()
            raise FULL
        await self._full.wait()
        await asyncio.wait([asyncio.ensure_future(self._full.wait())])
        raise TAKEN


def request(folder: Path) -> RunRequest:
    empty = Manifest(())
    engine = Engine("e-1", "e", "virtual", folder, empty, (), None, None, None, "")
    model = Model("m-1", "m", folder, empty, ())
    profile = RunProfile("default", "", {}, folder)
    return RunRequest("r", model, engine=engine, profile=profile, prompts=b"Hi\n")


async def test_a_phone_that_cannot_run_leaves_the_others_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [
        (request(tmp_path), Device(DeviceState.READY, (DeviceLine(serial, "device"),)))
        for serial in ("S1", "S2")
    ]
    outcomes = await carry_all(TwoPhones(tmp_path), pairs, as_json=False)
    assert outcomes == [FULL, TAKEN]
    capsys.readouterr()
    with pytest.raises(HubError) as caught:
        finish(outcomes, as_json=False)
    assert caught.value is FULL
    assert capsys.readouterr().err == f"devicehub: {TAKEN}\n"
