"""What a run profile may ask of a phone, from what is known of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.profiles.phone_values import PhoneValues

if TYPE_CHECKING:
    from devicehub.device.identify import Identification

_KIB_PER_GIB: Final = 1 << 20
_SOLD_GIB: Final = (1, 2, 3, 4, 6, 8, 10, 12, 16, 18, 24)
"""What phones are sold with."""


def phone_values(facts: Identification | None) -> PhoneValues:
    """The values of a phone; none where nothing is known of it."""
    if facts is None:
        return PhoneValues()
    hardware = facts.hardware
    return PhoneValues(
        vendor=facts.soc.vendor,
        soc=facts.soc.model,
        gpu=hardware.gpu_family,
        htp=facts.soc.htp,
        android=facts.android,
        ram=_as_sold(facts.ram_kib),
        cores=hardware.cores,
        big_cores=hardware.big_cores,
    )


def _as_sold(ram_kib: int | None) -> int | None:
    """GiB upwards: the kernel keeps some of it, up to a sixth, from what it counts."""
    if ram_kib is None:
        return None
    upwards = -(-ram_kib // _KIB_PER_GIB)
    return next((sold for sold in _SOLD_GIB if sold >= upwards), upwards)
