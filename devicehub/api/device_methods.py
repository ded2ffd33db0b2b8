"""The methods about phones, and about the hub itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.api import contract
from devicehub.api.screen import show_way
from devicehub.device.select import refuse_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.api.model import DeviceView, SampleView, SettingView, ShotView, StatusView, WayView
    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services


class DeviceMethods:
    """Handlers of `devices.*`, `shell.*`, `hub.*` and `ping`."""

    def __init__(self, services: Services) -> None:
        self._hub = services

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            contract.PING.name: self.ping,
            contract.STATUS.name: self.status,
            contract.STOP.name: self.stop,
            contract.SETTINGS.name: self.settings,
            contract.DEVICES.name: self.list_all,
            contract.SAMPLES_NOW.name: self.samples,
            contract.RELEASE.name: self.release,
            contract.PAIR.name: self.pair,
            contract.CONNECT.name: self.connect,
            contract.DISCONNECT.name: self.disconnect,
            contract.WAY.name: self.way,
            contract.SHOT.name: self.shot,
            contract.SHELL_OPEN.name: self.open_shell,
            contract.SHELL_INPUT.name: self.shell_input,
            contract.SHELL_CLOSE.name: self.close_shell,
        }

    async def ping(self, _params: contract.Params, _caller: Caller) -> float:
        """The hub's time."""
        return self._hub.clock.wall_s()

    async def status(self, _params: contract.Params, _caller: Caller) -> StatusView:
        """What the hub is and has to do."""
        return self._hub.status()

    async def stop(self, _params: contract.Params, _caller: Caller) -> StatusView:
        """End the hub once this is answered; what it had to do then."""
        status = self._hub.status()
        self._hub.stop()
        return status

    async def settings(self, _params: contract.Params, _caller: Caller) -> list[SettingView]:
        """The hub's settings."""
        return self._hub.settings()

    async def list_all(self, _params: contract.Params, _caller: Caller) -> list[DeviceView]:
        """All phones, once those that adb lists were asked who they are."""
        await self._hub.phones.settled()
        return self._hub.device_views()

    async def samples(self, _params: contract.Params, _caller: Caller) -> list[SampleView]:
        """The newest reading of each phone."""
        return self._hub.samples()

    async def release(self, params: contract.DeviceNamed, _caller: Caller) -> str:
        """Let a phone out of quarantine."""
        return self._hub.release(params.device)

    async def pair(self, params: contract.Pair, _caller: Caller) -> str:
        """Pair with a phone over the network."""
        return await self._hub.phones.pair(params.address, params.code)

    async def connect(self, params: contract.Named, _caller: Caller) -> str:
        """Connect a phone over the network."""
        return await self._hub.phones.connect(params.name)

    async def disconnect(self, params: contract.Named, _caller: Caller) -> str:
        """Let a phone on the network go."""
        return await self._hub.phones.disconnect(params.name)

    async def way(self, params: contract.DeviceNamed, caller: Caller) -> WayView:
        """How programs on the hub's host reach a phone."""
        phones = self._hub.phones
        device = refuse_host(phones.find(params.device))
        return show_way(device, phones.devices(), self._hub.adb, local=caller.local)

    async def shot(self, params: contract.DeviceNamed, _caller: Caller) -> ShotView:
        """A picture of the phone's screen."""
        device = refuse_host(self._hub.phones.find(params.device))
        return await self._hub.shots.take(device.serial, self._hub.phones.transport(device))

    async def open_shell(self, params: contract.ShellOpen, caller: Caller) -> str:
        """Start a command on a phone."""
        await self._hub.phones.settled()
        device = refuse_host(self._hub.phones.find(params.device))
        return await self._hub.sessions.open(self._hub.phones.transport(device), params, caller)

    async def shell_input(self, params: contract.ShellInput, caller: Caller) -> contract.Nothing:
        """Give a session input."""
        return await self._hub.sessions.input(params, caller)

    async def close_shell(self, params: contract.SessionNamed, caller: Caller) -> contract.Nothing:
        """End a session."""
        return await self._hub.sessions.close(params, caller)
