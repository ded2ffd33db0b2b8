"""Plans are made of phones that can be told apart, and are not larger than a campaign may be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.api.campaigning import Campaigning, Draft
from devicehub.api.contract import CampaignText
from devicehub.campaign.file import MOST_CELLS, check_campaign
from devicehub.clock import SystemClock
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device, Identity
from devicehub.dispatch.asking import Catalogue
from devicehub.engines.catalog import EngineCatalog
from devicehub.errors import AdbRefused, AskError
from devicehub.models.catalog import ModelCatalog
from devicehub.runs.ask import RunAsk
from devicehub.settings import Home
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path


class _Phones:
    def __init__(self, *devices: Device) -> None:
        self._devices = devices

    async def settled(self) -> None:
        pass

    def devices(self) -> list[Device]:
        return list(self._devices)

    def transport(self, device: Device) -> Any:
        raise AdbRefused("not now", serial=device.serial, service="shell")


def _phone(serial: str, serialno: str) -> Device:
    identity = Identity(serialno, f"boot of {serial}")
    return Device(DeviceState.READY, (DeviceLine(serial, "device"),), identity)


def _drafted(folder: Path, *phones: Device, profiles: int = 1) -> tuple[Campaigning, Draft]:
    home = Home(folder / "home")
    models = ModelCatalog(home)
    models.add(make_model(folder / "tiny"))
    services: Any = SimpleNamespace(
        phones=_Phones(*phones),
        clock=SystemClock(),
        store=SimpleNamespace(run_lengths=lambda _serialno, _model: []),
        catalogue=Catalogue(home, models, EngineCatalog(home)),
    )
    names = ", ".join(f'"p{number}"' for number in range(profiles))
    text = f'phones = ["all"]\nmodels = ["tiny"]\nprofiles = [{names}]'
    file, problems = check_campaign(text, "c.toml")
    assert file is not None, problems
    asks = {"bench": RunAsk(model="?", workload="bench")}
    draft = Draft(CampaignText(text=text, place="c.toml"), file, asks=asks, launches={"bench": 1})
    return Campaigning(services), draft


async def test_of_phones_with_one_serial_number_one_is_taken_and_the_other_told(tmp_path: Path) -> None:
    campaigning, draft = _drafted(tmp_path, _phone("A", "0123"), _phone("B", "0123"), _phone("C", "C"))
    plan = await campaigning.plan(draft)
    assert [phone.serial for phone in plan.phones] == ["A", "C"]
    assert plan.notes[0] == "left out: B has the serial number of another phone"


async def test_campaign_of_too_many_cells_is_refused_before_it_is_planned(tmp_path: Path) -> None:
    campaigning, draft = _drafted(tmp_path, _phone("A", "A"), profiles=MOST_CELLS + 1)
    with pytest.raises(AskError, match=f"has {MOST_CELLS + 1} cells, and {MOST_CELLS} are the most"):
        await campaigning.plan(draft)
