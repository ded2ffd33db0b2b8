"""The words after `--on`: which phones are meant. Does no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import LOCAL
from devicehub.errors import NoPhoneReady, SelectionError
from devicehub.selector import Term, is_terms, parse_term

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from devicehub.device.model import Device


@dataclass(frozen=True)
class Traits:
    """What selectors ask of a device.

    Attributes:
        names: what it may be called by.
        values: by the keys of terms.
        is_host: it is this computer.
    """

    names: frozenset[str]
    values: Mapping[str, str | int | None]
    is_host: bool = False


_FIELDS: Final[dict[str, Callable[[Device], str | int | None]]] = {
    "serial": lambda device: device.serial,
    "product": lambda device: device.facts.product if device.facts else None,
    "manufacturer": lambda device: device.facts.manufacturer if device.facts else None,
    "vendor": lambda device: device.facts.soc.vendor if device.facts else None,
    "soc": lambda device: device.facts.soc.model if device.facts else None,
    "htp": lambda device: device.facts.soc.htp if device.facts else None,
    "android": lambda device: device.facts.android if device.facts else None,
    "sdk": lambda device: device.facts.sdk if device.facts else None,
    "virtual": lambda device: "true" if device.virtual else "false",
}

KEYS: Final = tuple(sorted(_FIELDS))
"""What terms can ask for."""

READY: Final = frozenset({DeviceState.READY})
CAN_WAIT: Final = READY | {DeviceState.BUSY}
"""A run may wait for these."""


def select(
    devices: Sequence[Device], selectors: Sequence[str], states: Collection[DeviceState] = READY
) -> list[Device]:
    """The devices in one of the states that any of the selectors means, in the order of `devices`.

    A selector is `all`, a serial, or terms joined by commas that must all hold
    (`vendor=qualcomm,android>=14`).
    Without selectors the one ready device is meant.

    Raises:
        NoPhoneReady: none is connected, none that is meant is ready, or one that is named is not.
        SelectionError: none is meant, more than one is ready and none was named, or a term is bad.
    """
    serials = [device.serial for device in devices]
    if not selectors:
        # A phone is meant; this computer is chosen by its name alone.
        devices = [device for device in devices if not device.is_host]
        ready = [device for device in devices if device.state in states]
        if len(ready) == 1:
            return ready
        if not ready:
            raise NoPhoneReady(_nobody(devices))
        raise SelectionError("several phones are ready; name one with --on", serials=serials)
    meant = find_meant(devices, selectors)
    if not meant:
        raise SelectionError(f"no phone matches --on {' '.join(selectors)}", serials=serials)
    ready = [device for device in meant if device.state in states]
    if not ready:
        raise NoPhoneReady(_nobody(meant))
    named = [device for device in meant if any(selector in _names(device) for selector in selectors)]
    missing = [device for device in named if device not in ready]
    if missing:
        raise NoPhoneReady(f"not every phone that --on names is ready: {_states(missing)}")
    return ready


def find_meant(devices: Sequence[Device], selectors: Sequence[str]) -> list[Device]:
    """The devices that any of the selectors means, whatever their state.

    Raises:
        SelectionError: a term is bad.
    """
    found = []
    for device in devices:
        traits = _traits(device)
        if any(means(selector, traits) for selector in selectors):
            found.append(device)
    return found


def refuse_host(device: Device) -> Device:
    """The device, where it is a phone.

    Raises:
        SelectionError: it is this computer.
    """
    if device.is_host:
        raise SelectionError("this is for phones; local is the hub's own computer, and takes runs alone")
    return device


def problem_of(device: Device) -> str | None:
    """Why no run can begin on a device, with a remedy if there is one; None where it works or is busy."""
    if device.state in (DeviceState.READY, DeviceState.BUSY):
        return None
    if device.state is DeviceState.ABSENT:
        return f"{device.serial} is not connected (plug it in)"
    if device.state is DeviceState.ORPHANED:
        return f"{device.serial} is out of reach, with run {device.run} under way"
    return _states([device])


def left_out(devices: Sequence[Device], selectors: Sequence[str], chosen: Sequence[Device]) -> str | None:
    """Which phones are meant as well and cannot be used now, with the reason; None where there are none."""
    meant = find_meant(devices, selectors)
    missing = [device for device in meant if device not in chosen]
    return _states(missing) if missing else None


def _nobody(devices: Sequence[Device]) -> str:
    if not devices:
        return "no phone is connected; plug one in with USB debugging on, or try `devicehub sim --connect`"
    return f"no phone is ready: {_states(devices)}"


def _states(devices: Sequence[Device]) -> str:
    return ", ".join(f"{device.serial} is {_state(device)}" for device in devices)


def _state(device: Device) -> str:
    if device.state is DeviceState.UNAUTHORIZED:
        return 'unauthorized (press "Allow USB debugging" on it)'
    if device.state is DeviceState.QUARANTINED:
        return f"quarantined ({device.quarantine}; `devicehub devices --release {device.serial}` lets it go)"
    if device.state is DeviceState.BUSY:
        return f"busy with run {device.run}"
    adb_state = device.transports[0].state if device.transports else ""
    if device.state is DeviceState.OFFLINE and adb_state != "offline":
        return f"offline ({adb_state})"
    return str(device.state)


def check_selector(selector: str, *, place: str = "--on") -> None:
    """Whether a selector can be understood, whatever phones there are.

    Raises:
        SelectionError: a term is bad; it begins with the place.
    """
    if selector != "all" and is_terms(selector):
        _terms(selector, place)


def means(selector: str, device: Traits) -> bool:
    """Whether a selector means a device.

    Raises:
        SelectionError: a term is bad, and no name of the device either.
    """
    if device.is_host:
        return selector == LOCAL
    if selector == "all":
        return True
    # Serials may hold commas and equal signs nowhere, but spaces and brackets: compare them whole and first.
    return selector in device.names or (
        is_terms(selector) and all(term.holds(device.values[term.key]) for term in _terms(selector))
    )


def _traits(device: Device) -> Traits:
    values = {key: read(device) for key, read in _FIELDS.items()}
    return Traits(_names(device), values, is_host=device.is_host)


def _names(device: Device) -> frozenset[str]:
    known_as = {line.serial for line in device.transports}
    if device.identity:
        known_as.add(device.identity.serialno)
    return frozenset(known_as)


def _terms(selector: str, place: str = "--on") -> list[Term]:
    terms = []
    for text in selector.split(","):
        term = parse_term(text, _FIELDS)
        if term is None:
            keys = ", ".join(KEYS)
            raise SelectionError(
                f"{place} {selector}: `{text}` is no term; write KEY=VALUE with one of {keys}"
            )
        terms.append(term)
    return terms
