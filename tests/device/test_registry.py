from devicehub.adb.wire import DeviceLine
from devicehub.android.battery import Battery
from devicehub.device.identify import identify
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Identity
from devicehub.device.registry import Registry
from devicehub.profiles.match import SocTable

FACTS = identify({"ro.product.model": "Sample One", "ro.build.version.release": "14"}, socs=SocTable({}))
ONE = Identity("S1", "boot-1")


def line(serial: str, transport_id: int, state: str = "device") -> DeviceLine:
    return DeviceLine(serial=serial, state=state, transport_id=transport_id)


def test_a_new_phone_is_identified_once_and_then_ready() -> None:
    registry = Registry()
    usb = line("S1", 1)
    assert registry.see([usb]) == [usb]
    assert registry.see([usb]) == [usb]  # it did not answer: try again
    registry.identified(usb, ONE, FACTS, battery=Battery(level_percent=50))
    assert registry.see([usb]) == []
    (device,) = registry.devices()
    assert (device.state, device.serial, device.battery.level_percent) == (DeviceState.READY, "S1", 50)


def test_one_phone_on_two_transports_is_one_device_and_usb_comes_first() -> None:
    registry = Registry()
    tcp, usb = line("192.168.0.7:5555", 1), line("S1", 2)
    registry.see([tcp, usb])
    registry.identified(tcp, ONE, FACTS)
    registry.identified(usb, ONE, FACTS)
    (device,) = registry.devices()
    assert [each.serial for each in device.transports] == ["S1", "192.168.0.7:5555"]


def test_two_phones_with_one_serial_are_two_devices() -> None:
    registry = Registry()
    first, second = line("0123456789ABCDEF", 1), line("0123456789ABCDEF", 2)
    registry.see([first, second])
    registry.identified(first, Identity("0123456789ABCDEF", "boot-1"), FACTS)
    registry.identified(second, Identity("0123456789ABCDEF", "boot-2"), FACTS)
    assert [device.transport_id for device in registry.devices()] == [1, 2]


def test_the_other_transport_carries_on_when_one_goes() -> None:
    registry = Registry()
    tcp, usb = line("adb-S1-x._adb-tls-connect._tcp", 1), line("S1", 2)
    registry.see([tcp, usb])
    registry.identified(usb, ONE, FACTS)
    registry.identified(tcp, ONE, FACTS)
    registry.see([tcp])
    (device,) = registry.devices()
    assert (device.state, device.transport_id) == (DeviceState.READY, 1)


def test_a_phone_that_goes_is_absent_and_a_reboot_brings_the_same_device_back() -> None:
    registry = Registry()
    registry.see([line("S1", 1)])
    registry.identified(line("S1", 1), ONE, FACTS)
    registry.see([])
    assert [device.state for device in registry.devices()] == [DeviceState.ABSENT]
    assert registry.see([line("S1", 2)]) == [line("S1", 2)]
    registry.identified(line("S1", 2), Identity("S1", "boot-2"), FACTS)
    (device,) = registry.devices()
    assert (device.state, device.identity) == (DeviceState.READY, Identity("S1", "boot-2"))


def test_a_transport_that_was_silent_is_ready_at_once_and_asked_again() -> None:
    registry = Registry()
    registry.see([line("S1", 1)])
    registry.identified(line("S1", 1), ONE, FACTS)
    registry.see([line("S1", 1, "offline")])
    assert [device.state for device in registry.devices()] == [DeviceState.OFFLINE]
    assert registry.see([line("S1", 1)]) == [line("S1", 1)]
    assert [device.state for device in registry.devices()] == [DeviceState.READY]
    registry.identified(line("S1", 1), ONE, FACTS)
    assert registry.see([line("S1", 1)]) == []


def test_a_reboot_behind_a_transport_that_was_silent_is_the_same_device() -> None:
    registry = Registry()
    registry.see([line("10.0.0.7:5555", 1)])
    registry.identified(line("10.0.0.7:5555", 1), ONE, FACTS)
    registry.see([line("10.0.0.7:5555", 1, "offline")])
    [back] = registry.see([line("10.0.0.7:5555", 1)])
    registry.identified(back, Identity("S1", "boot-2"), FACTS)
    registry.see([back])
    (device,) = registry.devices()
    assert (device.identity, device.state, device.transports) == (
        Identity("S1", "boot-2"),
        DeviceState.READY,
        (back,),
    )


def test_an_unauthorized_phone_is_shown_and_identified_once_allowed() -> None:
    registry = Registry()
    assert registry.see([line("S1", 1, "unauthorized")]) == []
    assert [device.state for device in registry.devices()] == [DeviceState.UNAUTHORIZED]
    assert registry.see([line("S1", 1)]) == [line("S1", 1)]


def test_a_stranger_that_goes_leaves_no_trace() -> None:
    registry = Registry()
    registry.see([line("S1", 1, "no permissions (missing udev rules?)")])
    registry.see([])
    assert registry.devices() == []
