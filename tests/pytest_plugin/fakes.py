"""A hub that lists the phones that a test makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from devicehub.api.model import DeviceView
from devicehub.errors import HubUnreachable
from devicehub.testing import keeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.testing.hub import TestHub

INI: Final = """[pytest]
addopts = --strict-markers -p no:cacheprovider -p no:asyncio -p no:textual-snapshot
filterwarnings = error
"""
"""The last of those removes a folder at its end that the outer session has as well."""


def view(name: str, *, vendor: str = "qualcomm", android: str = "14", **more: Any) -> DeviceView:
    known: dict[str, Any] = {
        "id": name, "serial": name, "serialno": name, "transport_id": 1, "state": "ready", "boot_id": name,
        "adb_state": "device", "product": "p", "manufacturer": "m", "soc": "SM8650", "vendor": vendor,
        "soc_name": f"a {vendor}", "android": android, "sdk": 34, "battery": 80, "temp_c": 30.0, "run": None,
        "quarantine": None, "virtual": False, "transports": [name],
    }  # fmt: skip
    return DeviceView(**(known | more))


class FakeHub:
    """What the session's hub lists, and how often it was asked."""

    def __init__(self) -> None:
        self.devices: Sequence[DeviceView] | None = [
            view("SNAP1"),
            view("DIM1", vendor="mediatek", android="15"),
        ]
        self.asked = 0

    def list_devices(self, _hub: TestHub) -> Sequence[DeviceView]:
        self.asked += 1
        if self.devices is None:
            raise HubUnreachable("no hub runs")
        return self.devices


@pytest.fixture
def lean(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Options for a session in a process of its own: with this plugin and pytest-xdist, and no others."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return ("-p", "xdist", "-p", "devicehub.pytest_plugin", "-W", "error", "--strict-markers")


@pytest.fixture
def phones(monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester) -> FakeHub:
    """Two phones, SNAP1 and DIM1; `devices = None` is a hub that cannot be reached."""
    fake = FakeHub()
    monkeypatch.setattr(keeper, "list_devices", fake.list_devices)
    pytester.makeini(INI)
    return fake
