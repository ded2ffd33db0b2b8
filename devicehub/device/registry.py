"""Which phones there are: adb's list on one side, identities on the other. Does no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devicehub.device.lifecycle import DeviceEvent, DeviceState, event_for, next_state
from devicehub.device.model import Device, Identity, is_tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.adb.wire import DeviceLine
    from devicehub.android.battery import Battery
    from devicehub.device.identify import Identification

_Key = tuple[str, int | None]
"""A transport: adb gives every new connection a new transport_id; servers before 2018 give none."""


class Registry:
    """All phones seen, each once, however many transports lead to it."""

    def __init__(self) -> None:
        self._devices: dict[Identity, Device] = {}
        self._owner: dict[_Key, Identity] = {}
        self._strangers: dict[_Key, Device] = {}

    def devices(self) -> list[Device]:
        """All devices, the identified ones first, each group by serial."""
        known = sorted(self._devices.values(), key=lambda device: device.serial)
        return known + sorted(self._strangers.values(), key=lambda device: device.serial)

    def see(self, lines: Sequence[DeviceLine]) -> list[DeviceLine]:
        """Take adb's newest list; returns the transports to ask who is there.

        Those behind which nobody has been identified yet, and those that were silent for a while.
        """
        now = {_key(line): line for line in lines}
        self._strangers = {key: device for key, device in self._strangers.items() if key in now}
        to_identify = []
        for identity in list(self._devices):
            silent = {_key(line) for line in self._devices[identity].transports if not _is_usable(line)}
            self._update(identity, now)
            answering = filter(_is_usable, self._devices[identity].transports)
            to_identify += [line for line in answering if _key(line) in silent]
        for key, line in now.items():
            if key in self._owner:
                continue
            before = self._strangers.get(key, Device(DeviceState.ABSENT)).state
            state = next_state(before, event_for(line.state))
            self._strangers[key] = Device(state, (line,))
            if state is DeviceState.IDENTIFYING:
                to_identify.append(line)
        return to_identify

    def identified(
        self,
        line: DeviceLine,
        identity: Identity,
        facts: Identification,
        *,
        virtual: bool = False,
        battery: Battery | None = None,
    ) -> Device:
        """Record who answers on a transport: a new phone, a known one on another way, or one that returns."""
        key = _key(line)
        self._strangers.pop(key, None)
        known = self._known(identity, key)
        device = self._devices.pop(known) if known else Device(DeviceState.IDENTIFYING)
        state = next_state(device.state, DeviceEvent.SEEN)
        state = next_state(state, DeviceEvent.IDENTIFIED)
        others = {each for each in device.transports if _key(each) != key}
        transports = sorted({*others, line}, key=lambda each: (is_tcp(each), each.serial))
        device = replace(
            device,
            state=state,
            transports=tuple(transports),
            identity=identity,
            facts=facts,
            virtual=virtual,
            battery=battery or device.battery,
        )
        self._devices[identity] = device
        self._owner[key] = identity
        return device

    def _known(self, identity: Identity, key: _Key) -> Identity | None:
        if identity in self._devices:
            return identity
        # After a reboot the boot_id is new. For adb the connection may have been merely silent meanwhile ...
        owner = self._owner.get(key)
        if owner in self._devices and owner.serialno == identity.serialno and self._is_only_way(owner, key):
            return owner
        # ... or the one absent phone of this serialno has come back.
        absent = [
            known
            for known, device in self._devices.items()
            if known.serialno == identity.serialno and device.state is DeviceState.ABSENT
        ]
        return absent[0] if len(absent) == 1 else None

    def _is_only_way(self, identity: Identity, key: _Key) -> bool:
        return all(_key(line) == key for line in self._devices[identity].transports)

    def _update(self, identity: Identity, now: dict[_Key, DeviceLine]) -> None:
        """Let a known phone's transports come, go and change their state."""
        device = self._devices[identity]
        keys = [key for key, owner in self._owner.items() if owner == identity]
        for key in keys:
            if key not in now:
                del self._owner[key]
        lines = [now[key] for key in keys if key in now]
        lines.sort(key=lambda line: (not _is_usable(line), is_tcp(line), line.serial))
        event = event_for(lines[0].state) if lines else DeviceEvent.VANISHED
        state = next_state(device.state, event)
        if state is DeviceState.IDENTIFYING:
            # The same transport works again (it was silent): the phone cannot have become another one.
            state = next_state(state, DeviceEvent.IDENTIFIED)
        self._devices[identity] = replace(device, transports=tuple(lines), state=state)


def _key(line: DeviceLine) -> _Key:
    return line.serial, line.transport_id


def _is_usable(line: DeviceLine) -> bool:
    return event_for(line.state) is DeviceEvent.SEEN
