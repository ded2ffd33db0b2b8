"""What a phone does otherwise, by the profiles of products and makers that fit it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from devicehub.profiles.device_file import PRODUCT, DeviceFile, Quirks, Switch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devicehub.device.identify import Identification

_PARTS: Final = ("", "vendor.", "odm.", "product.", "system.")
_SAID: Final = {
    "product": PRODUCT,
    "manufacturer": tuple(f"ro.product.{part}{key}" for part in _PARTS for key in ("manufacturer", "brand")),
    "model": tuple(f"ro.product.{part}model" for part in _PARTS),
}


class DeviceBook(Protocol):
    """Where profiles of products and makers are looked up."""

    def all(self) -> Iterable[DeviceFile]:
        """All there are."""


class NoDevices:
    """None."""

    def all(self) -> Iterable[DeviceFile]:
        """All there are: none."""
        return ()


def fitting(props: Mapping[str, str], devices: DeviceBook) -> Sequence[DeviceFile]:
    """The profiles that fit a phone's properties, those of single products first."""
    said = {key: tuple(props[name] for name in names if props.get(name)) for key, names in _SAID.items()}
    found = [file for file in devices.all() if file.match.fits(said)]
    return sorted(found, key=lambda file: not (file.match.model or file.match.product))


def merged(files: Iterable[DeviceFile]) -> Quirks:
    """The quirks of several profiles; of a switch that several name, the first counts."""
    switches: dict[str, Switch] = {}
    for file in files:
        for switch in file.quirks.switches:
            switches.setdefault(switch.name, switch)
    return Quirks(switches=tuple(switches.values()))


def quirks_of(facts: Identification | None) -> Quirks:
    """What is known of a phone; nothing of one that is not identified."""
    return facts.quirks if facts is not None else Quirks()


def told_switches(facts: Identification | None, opens: str) -> tuple[Switch, ...]:
    """The maker's switches that open something on this phone."""
    return tuple(switch for switch in quirks_of(facts).switches if switch.opens == opens)
