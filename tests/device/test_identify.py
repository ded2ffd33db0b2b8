import csv
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.cpuinfo import parse_cpuinfo
from devicehub.android.getprop import parse_getprop
from devicehub.device.identify import identify
from devicehub.profiles.load import load_socs
from devicehub.settings import Home
from tests.shared_data import SHARED_DATA, needs_shared_data

SOCS: Final = load_socs(Home(Path("/nowhere")))


PHONE = """\
[ro.product.marketname]: [POCO F6]
[ro.product.model]: [24069PC21I]
[ro.product.manufacturer]: [Xiaomi]
[ro.build.version.release]: [15]
[ro.build.version.sdk]: [35]
[ro.product.cpu.abilist]: [arm64-v8a, armeabi-v7a]
"""


def test_phone_with_a_market_name() -> None:
    found = identify(parse_getprop(PHONE.encode()), socs=SOCS)
    assert (found.product, found.manufacturer, found.android, found.sdk, found.abis) == (
        "POCO F6",
        "Xiaomi",
        "15",
        35,
        ("arm64-v8a", "armeabi-v7a"),
    )


def test_vendor_image_does_not_tell_the_android_release() -> None:
    props = {
        "ro.product.vendor.model": "ASUSAI2501",
        "ro.vendor.build.version.release": "14",
        "ro.vendor.build.version.sdk": "34",
        "ro.vendor.product.cpu.abilist": "arm64-v8a",
    }
    found = identify(props, socs=SOCS)
    assert (found.product, found.android, found.sdk, found.abis) == ("ASUSAI2501", None, None, ("arm64-v8a",))


def test_phone_of_android_4_lists_two_abis() -> None:
    props = {
        "ro.product.cpu.abi": "armeabi-v7a",
        "ro.product.cpu.abi2": "armeabi",
        "ro.build.version.sdk": "x",
    }
    found = identify(props, socs=SOCS)
    assert (found.abis, found.sdk) == (("armeabi-v7a", "armeabi"), None)


NAMES = st.sampled_from(
    [
        "ro.soc.model",
        "ro.board.platform",
        "ro.hardware",
        "ro.product.board",
        "ro.vendor.qti.soc_id",
        "ro.chipname",
    ]
)
VALUES = st.one_of(st.text(max_size=30), st.from_regex(r"(sm|mt|hi|msm|sp|T|ums)\d{3,4}\w?", fullmatch=True))


@given(st.dictionaries(NAMES, VALUES), st.binary(max_size=80))
def test_values_of_any_kind_raise_nothing(props: dict[str, str], cpuinfo: bytes) -> None:
    found = identify(props, parse_cpuinfo(cpuinfo), socs=SOCS)
    assert found.soc.model != ""


def _truth() -> list[dict[str, str]]:
    if SHARED_DATA is None:
        return []
    with (SHARED_DATA / "getprop" / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@needs_shared_data
@pytest.mark.parametrize("row", _truth(), ids=lambda row: str(row["file"]))
def test_real_dumps(row: dict[str, str]) -> None:
    assert SHARED_DATA is not None
    found = identify(parse_getprop((SHARED_DATA / "getprop" / row["file"]).read_bytes()), socs=SOCS)
    vendor = {"spreadtrum": "unisoc", "pinecone": "unknown"}.get(row["vendor"].lower(), row["vendor"].lower())
    assert found.soc.vendor == vendor or not row["vendor"]
    wanted = re.search(r"\d{3,}", row["soc_model"])
    if found.soc.model is not None and wanted is not None:
        assert re.findall(r"\d{3,}", found.soc.model)[:1] == [wanted[0]]
    assert found.soc.htp in (None, row["htp_arch"])
