"""The words after `--on`: which phones are meant. Does no I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.device.lifecycle import DeviceState
from devicehub.errors import NoPhoneReady, SelectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.device.model import Device

_TERM: Final = re.compile(r"(?P<key>[a-z_]+)\s*(?P<operator>>=|<=|!=|=|>|<)\s*(?P<value>[^<>=!].*)")

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


def select(devices: Sequence[Device], selectors: Sequence[str]) -> list[Device]:
    """The ready devices that any of the selectors means, in the order of `devices`.

    A selector is `all`, a serial, or terms joined by commas that must all hold
    (`vendor=qualcomm,android>=14`).
    Without selectors the one ready device is meant.

    Raises:
        NoPhoneReady: none is connected, none that is meant is ready, or one that is named is not.
        SelectionError: none is meant, more than one is ready and none was named, or a term is bad.
    """
    serials = [device.serial for device in devices]
    if not selectors:
        ready = [device for device in devices if device.state is DeviceState.READY]
        if len(ready) == 1:
            return ready
        if not ready:
            raise NoPhoneReady(_nobody(devices))
        raise SelectionError("several phones are ready; name one with --on", serials=serials)
    meant = [device for device in devices if any(_means(selector, device) for selector in selectors)]
    if not meant:
        raise SelectionError(f"no phone matches --on {' '.join(selectors)}", serials=serials)
    ready = [device for device in meant if device.state is DeviceState.READY]
    if not ready:
        raise NoPhoneReady(_nobody(meant))
    named = [device for device in meant if any(_is_name(selector, device) for selector in selectors)]
    missing = [device for device in named if device not in ready]
    if missing:
        raise NoPhoneReady(f"not every phone that --on names is ready: {_states(missing)}")
    return ready


def left_out(devices: Sequence[Device], selectors: Sequence[str], chosen: Sequence[Device]) -> str | None:
    """Which phones are meant as well and cannot be used now, with the reason; None where there are none."""
    meant = [device for device in devices if any(_means(selector, device) for selector in selectors)]
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


def _means(selector: str, device: Device) -> bool:
    if selector == "all":
        return True
    # Serials may hold commas and equal signs nowhere, but spaces and brackets: compare them whole and first.
    return _is_name(selector, device) or (
        _is_terms(selector) and all(_holds(term, device) for term in _terms(selector))
    )


def _is_name(selector: str, device: Device) -> bool:
    known_as = {line.serial for line in device.transports}
    if device.identity:
        known_as.add(device.identity.serialno)
    return selector in known_as


def _is_terms(selector: str) -> bool:
    return any(operator in selector for operator in "=<>")


def _terms(selector: str) -> list[re.Match[str]]:
    terms = []
    for text in selector.split(","):
        term = _TERM.fullmatch(text.strip())
        if term is None or term["key"] not in _FIELDS:
            keys = ", ".join(sorted(_FIELDS))
            raise SelectionError(f"--on {selector}: `{text}` is no term; write KEY=VALUE with one of {keys}")
        terms.append(term)
    return terms


def _holds(term: re.Match[str], device: Device) -> bool:
    found = _FIELDS[term["key"]](device)
    if found is None:
        return False
    left, right = _comparable(str(found)), _comparable(term["value"].strip())
    match term["operator"]:
        case "=":
            return left == right
        case "!=":
            return left != right
        case ">=":
            return left >= right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left < right


def _comparable(value: str) -> tuple[tuple[int, int | str], ...]:
    """`8.1.0` orders by number and before 14; words order by letter, in lower case, after numbers."""
    parts = re.split(r"[.\s]+", value.lower())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)
