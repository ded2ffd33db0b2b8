"""When this computer is meant: by its name alone, and by nobody elsewhere."""

from __future__ import annotations

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.api.auth import capabilities, needed
from devicehub.api.contract import METHODS, CampaignText, Capability, Selected
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import LOCAL, Device, Identity
from devicehub.device.select import find_meant, refuse_host, select
from devicehub.errors import NoPhoneReady, SelectionError
from devicehub.runs.ask import CompareAsk, RunAsk


def device(serial: str) -> Device:
    return Device(DeviceState.READY, (DeviceLine(serial, "device"),), Identity(serial, f"boot of {serial}"))


HOST, PHONE = device(LOCAL), device("P1")


def test_without_a_selector_the_one_phone_is_meant() -> None:
    assert select([HOST, PHONE], []) == [PHONE]
    with pytest.raises(NoPhoneReady, match="no phone is connected"):
        select([HOST], [])


@pytest.mark.parametrize("selector", ["all", "virtual=false", "serial=local"])
def test_no_selector_but_its_name_means_it(selector: str) -> None:
    assert HOST not in find_meant([HOST, PHONE], [selector])
    assert select([HOST, PHONE], [LOCAL]) == [HOST]
    assert select([HOST, PHONE], [LOCAL, "all"]) == [HOST, PHONE]


def test_what_is_for_phones_is_refused() -> None:
    assert refuse_host(PHONE) == PHONE
    with pytest.raises(SelectionError, match="is for phones"):
        refuse_host(HOST)


def test_clients_elsewhere_cannot_name_it() -> None:
    remote = set(capabilities(local=False))
    run, compare, again = (METHODS[f"runs.{name}"] for name in ("start", "start_comparison", "again"))
    here = RunAsk(model="m", selectors=("P1", LOCAL))
    assert Capability.HOST in needed(run, here)
    assert needed(run, RunAsk(model="m", selectors=("P1", "all"))) <= remote
    plain = RunAsk(model="m")
    assert Capability.HOST in needed(compare, CompareAsk(run=here, by="engine", a="x", b="y"))
    assert Capability.HOST in needed(compare, CompareAsk(run=plain, by="phone", a="P1", b=LOCAL))
    assert needed(compare, CompareAsk(run=plain, by="phone", a="P1", b="P2")) <= remote
    assert Capability.HOST in needed(again, Selected(selectors=[LOCAL]))
    assert needed(again, Selected()) <= remote


@pytest.mark.parametrize("method", ["campaigns.start", "campaigns.plan"])
def test_clients_elsewhere_cannot_name_it_in_a_file(method: str) -> None:
    remote = set(capabilities(local=False))

    def asks(text: str, *selectors: str) -> bool:
        params = CampaignText(text=text, place="c.toml", selectors=list(selectors))
        return Capability.HOST in needed(METHODS[method], params)

    assert asks('phones = ["all"]', LOCAL)
    assert asks(f'phones = ["all", "{LOCAL}"]')
    assert asks('phones = ["\\u006cocal"]')
    for text in ('phones = ["all"]', 'phones = "local"', "phones = [", 'phones = [["local"]]', ""):
        assert needed(METHODS[method], CampaignText(text=text, place="c.toml")) <= remote
