"""What files under profiles/devices/ may hold: what single products, or all of one maker, do otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Pattern = Annotated[str, msgspec.Meta(pattern=r"^[^*]+\*?$")]
"""A value as the phone prints it, compared without case; a `*` at its end stands for any rest."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

PRODUCT: Final = (
    "ro.product.name",
    "ro.product.device",
    "ro.product.vendor.name",
    "ro.product.vendor.device",
)
_KEYS: Final = ("product", "manufacturer", "model")


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which phones: all that is given must fit, by one of its values.

    Attributes:
        product: the maker's code name, as in `ro.product.name` or `ro.product.device`.
        manufacturer: or brand; one maker sells under several.
        model: the maker's model number, as in `ro.product.model`.
    """

    product: tuple[Pattern, ...] = ()
    manufacturer: tuple[Pattern, ...] = ()
    model: tuple[Pattern, ...] = ()

    def fits(self, said: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether a phone that says these values, by key, is meant."""
        wanted = [(key, getattr(self, key)) for key in _KEYS if getattr(self, key)]
        return bool(wanted) and all(
            any(_fits(pattern, value) for pattern in patterns for value in said.get(key, ()))
            for key, patterns in wanted
        )


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A switch of the maker's own that stands in the way as the phone comes.

    Attributes:
        name: as the phone's settings call it.
        set: how it has to stand.
        opens: what works then: `install` apps over adb, `settings` and input from adb's shell, `debugging`
            while no data transfer is chosen.
        where: the menu that has it.
        asks: what the phone wants before.
    """

    name: Text
    set: Literal["on", "off"] = "on"
    opens: Literal["install", "settings", "debugging"]
    where: Text = "the developer options"
    asks: Text | None = None

    @property
    def remedy(self) -> str:
        """How to set it, without an end."""
        first = f" ({self.asks})" if self.asks else ""
        return f"switch {self.set} `{self.name}` in {self.where}{first}"


class Quirks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a phone does otherwise than Android.

    Attributes:
        switches: its maker's own.
    """

    switches: tuple[Switch, ...] = ()


class DeviceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One product, or all of one maker: `devices/xiaomi.toml`.

    Attributes:
        soc: the part number of its SoC, for phones that print none.
        sources: key: where its value was seen.
    """

    summary: Text
    match: Match
    soc: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")] | None = None
    quirks: Quirks = Quirks()
    sources: dict[str, Text] = {}

    def problems(self, file_id: str) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        del file_id
        if not any(getattr(self.match, key) for key in _KEYS):
            yield "match", f"fits no phone: give one of {', '.join(_KEYS)}"
        held = {"soc": self.soc, "switches": self.quirks.switches}
        for key, value in held.items():
            if value and key not in self.sources:
                yield f"sources.{key}", "is missing: a quirk without a source is not used"
        for key in self.sources:
            if not held.get(key):
                yield f"sources.{key}", "is not a fact that this file holds"
        if self.soc is not None and not (self.match.model or self.match.product):
            yield "soc", "needs a model or a product in [match]: one maker builds in many"


def _fits(pattern: str, value: str) -> bool:
    wanted, said = pattern.lower(), value.strip().lower()
    return said.startswith(wanted[:-1]) if wanted.endswith("*") else said == wanted
