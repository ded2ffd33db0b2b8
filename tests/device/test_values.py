from __future__ import annotations

import pytest

from devicehub.device.hardware import Hardware
from devicehub.device.identify import Identification
from devicehub.device.soc import SocFacts
from devicehub.device.values import phone_values
from devicehub.profiles.phone_values import PhoneValues


def known(ram_kib: int | None) -> Identification:
    soc = SocFacts(vendor="qualcomm", model="SM8650", htp="v75")
    hardware = Hardware(cores=8, big_cores=6, gpu_family="adreno")
    return Identification("One", "Maker", "14", 34, ("arm64-v8a",), soc, hardware=hardware, ram_kib=ram_kib)


@pytest.mark.parametrize(
    ("ram_kib", "sold"),
    [(7_300_000, 8), (11_500_000, 12), (3_700_000, 4), (15_600_000, 16), (40_000_000, 39), (None, None)],
)
def test_memory_counts_as_it_is_sold(ram_kib: int | None, sold: int | None) -> None:
    assert phone_values(known(ram_kib)).ram == sold


def test_what_is_known_reaches_the_profile() -> None:
    values = phone_values(known(None))
    assert (values.vendor, values.gpu, values.htp, values.cores, values.big_cores) == (
        "qualcomm", "adreno", "v75", 8, 6,
    )  # fmt: skip
    assert phone_values(None) == PhoneValues()
