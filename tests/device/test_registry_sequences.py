"""Whatever adb lists and whoever answers, in any order: the registry raises never and loses no transport."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from devicehub.adb.wire import DeviceLine
from devicehub.device.identify import identify
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Identity
from devicehub.device.registry import Registry
from devicehub.profiles.match import SocTable

FACTS = identify({"ro.product.model": "Sample One"}, socs=SocTable({}))

SERIALS = st.sampled_from(["S1", "S2", "10.0.0.7:5555", "(no serial number)"])
STATES = st.sampled_from(
    ["device", "offline", "unauthorized", "recovery", "no permissions (?)", "", "new word"]
)
LINES = st.builds(DeviceLine, serial=SERIALS, state=STATES, transport_id=st.none() | st.integers(1, 4))
IDENTITIES = st.builds(Identity, st.sampled_from(["S1", "S2"]), st.sampled_from(["boot-1", "boot-2"]))


class Sequences(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry()
        self.listed: list[DeviceLine] | None = None

    @rule(lines=st.lists(LINES, max_size=4, unique_by=lambda line: (line.serial, line.transport_id)))
    def adb_lists(self, lines: list[DeviceLine]) -> None:
        to_identify = self.registry.see(lines)
        assert all(line in lines and line.state == "device" for line in to_identify)
        self.listed = lines

    @rule(line=LINES, identity=IDENTITIES)
    def somebody_answers(self, line: DeviceLine, identity: Identity) -> None:
        """Also on a transport that has gone since it was asked."""
        device = self.registry.identified(line, identity, FACTS)
        assert device.identity == identity
        self.listed = None

    @invariant()
    def every_listed_transport_leads_to_one_device(self) -> None:
        devices = self.registry.devices()
        if self.listed is None:
            return
        shown = [line for device in devices for line in device.transports]
        assert sorted(shown, key=repr) == sorted(self.listed, key=repr)
        for device in devices:
            usable = any(line.state == "device" for line in device.transports)
            assert usable == (device.state in (DeviceState.READY, DeviceState.IDENTIFYING))
            assert bool(device.transports) == (device.state is not DeviceState.ABSENT)

    @invariant()
    def every_phone_is_known_once(self) -> None:
        known = [device.identity for device in self.registry.devices() if device.identity]
        assert len(known) == len(set(known))


TestSequences = Sequences.TestCase
TestSequences.settings = settings(max_examples=60, stateful_step_count=20)
