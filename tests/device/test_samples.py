"""Property dumps written for this test, each with one thing that real ones are odd in."""

from pathlib import Path
from typing import Final

import pytest

from devicehub.android.getprop import is_property_dump, parse_getprop
from devicehub.device.identify import identify
from devicehub.profiles.load import load_devices, load_socs
from devicehub.settings import Home

FOLDER: Final = Path(__file__).parents[1] / "data" / "getprop"
NOWHERE: Final = Home(Path("/nowhere"))
SOCS: Final = load_socs(NOWHERE)
DEVICES: Final = load_devices(NOWHERE)
# What they hold: vendor, part number, a name, HTP, product.
SAMPLES: Final = {
    "grade-in-words.getprop": ("qualcomm", "SM8650-AC", "Snapdragon 8 Gen 3", "v75", "SM-S928B"),
    "iot-part.getprop": ("qualcomm", "QCS8550", "QCS8550", "v73", "Dev Board"),
    "two-chips-one-platform.build.prop": ("qualcomm", None, None, None, "25053PC47G"),
    "product-decides.build.prop": ("qualcomm", "SM8750", "Snapdragon 8 Elite", "v79", "ASUSAI2501"),
    "kernel-id-of-a-sibling.getprop": ("qualcomm", "SM7325", "Snapdragon 778G", None, "RMX3360"),
    "powershell.getprop": ("qualcomm", "SM8350", "Snapdragon 888", "v68", "LE2123"),
    "mark-and-spaces.build.prop": ("qualcomm", "SM8250", "Snapdragon 865", None, "One"),
    "mediatek-package.getprop": ("mediatek", "MT6897Z_TC/ZA", "Dimensity 8300", None, "POCO X6 Pro"),
    "common-then-family.build.prop": ("mediatek", "MT6985", "Dimensity 9200", None, "mssi"),
    "tablet.getprop": ("mediatek", "MT8183", None, None, "KFTRWI"),
    "generation-as-hardware.getprop": ("samsung", "s5e9945", "Exynos 2400", None, "SM-S921B"),
    "older-part-in-new-form.getprop": ("samsung", "s5e9840", "Exynos 2100", None, "SM-G991B"),
    "sold-as.getprop": ("google", None, "Tensor G4", None, "Pixel 9 Pro"),
    "name-with-a-space.build.prop": ("google", None, "Tensor G4", None, "Pixel 9"),
    "unheard-of-name.getprop": ("google", None, None, None, "One"),
    "harmony.getprop": ("hisilicon", "Kirin 9000S", "Kirin 9000S", None, "HUAWEI Mate 60 Pro"),
    "vendor-image-only.build.prop": ("unisoc", "T606", "Unisoc T606", None, "TECNO KL4"),
}


def test_each_sample_is_named_here() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_told_for_what_it_is(name: str) -> None:
    props = parse_getprop((FOLDER / name).read_bytes())
    assert is_property_dump(props)
    found = identify(props, socs=SOCS, devices=DEVICES)
    sold_as = found.soc.name.split(" / ")[0] if found.soc.name else None
    told = (found.soc.vendor, found.soc.model, sold_as, found.soc.htp, found.product)
    assert told == SAMPLES[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_line_ends_and_encodings_change_nothing(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig").replace(
        "\r\n", "\n"
    )
    wanted = identify(parse_getprop(data), socs=SOCS, devices=DEVICES)
    for variant in (text.encode(), text.replace("\n", "\r\n").encode(), text.encode("utf-16")):
        assert identify(parse_getprop(variant), socs=SOCS, devices=DEVICES) == wanted
