from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from devicehub.device.identify import identify
from devicehub.device.quirks import merged, quirks_of, told_switches
from devicehub.errors import ConfigError
from devicehub.profiles.device_file import DeviceFile, Match, Quirks, Switch
from devicehub.profiles.load import check_file, load_devices, load_socs
from devicehub.settings import Home

NOWHERE: Final = Home(Path("/nowhere"))
SOCS: Final = load_socs(NOWHERE)
DEVICES: Final = load_devices(NOWHERE)


class Book:
    def __init__(self, *files: DeviceFile) -> None:
        self._files = files

    def all(self) -> Iterable[DeviceFile]:
        return self._files


@pytest.mark.parametrize(
    ("props", "names"),
    [
        ({"ro.product.manufacturer": "Xiaomi"}, {"USB debugging (Security settings)", "Install via USB"}),
        ({"ro.product.brand": "POCO"}, {"USB debugging (Security settings)", "Install via USB"}),
        ({"ro.product.manufacturer": "OnePlus "}, {"Disable permission monitoring"}),
        ({"ro.product.vendor.manufacturer": "realme"}, {"Disable permission monitoring"}),
        ({"ro.product.manufacturer": "HUAWEI"}, {"Allow ADB debugging options in 'Charge only' mode"}),
        ({"ro.product.manufacturer": "samsung"}, {"Auto Blocker"}),
        ({"ro.product.manufacturer": "Google"}, set()),
        ({}, set()),
    ],
)
def test_makers_switches_are_known_from_what_a_phone_says(props: dict[str, str], names: set[str]) -> None:
    facts = identify(props, socs=SOCS, devices=DEVICES)
    assert {switch.name for switch in quirks_of(facts).switches} == names


def test_switches_are_told_by_what_they_open() -> None:
    facts = identify({"ro.product.manufacturer": "Xiaomi"}, socs=SOCS, devices=DEVICES)
    [install] = told_switches(facts, "install")
    assert install.remedy.startswith("switch on `Install via USB` in the developer options (wants")
    assert told_switches(None, "install") == ()


def test_product_tells_the_chip_that_its_images_leave_open() -> None:
    props = {
        "ro.product.vendor.manufacturer": "asus",
        "ro.product.vendor.model": "ASUSAI2501",
        "ro.board.platform": "sun",
    }
    assert identify(props, socs=SOCS).soc.model is None
    found = identify(props, socs=SOCS, devices=DEVICES).soc
    assert (found.model, found.htp) == ("SM8750", "v79")


@pytest.mark.parametrize(
    ("said", "model"),
    [
        ({"ro.soc.model": "SM8735"}, "SM8735"),
        ({"ro.board.platform": "pineapple"}, None),
        ({"ro.board.platform": "kona"}, "SM8250"),
        ({}, "SM8750"),
    ],
)
def test_what_the_phone_says_of_its_chip_counts_more(said: dict[str, str], model: str | None) -> None:
    file = DeviceFile(summary="One.", match=Match(model=("One",)), soc="sm8750", sources={"soc": "seen"})
    found = identify({"ro.product.model": "one", **said}, socs=SOCS, devices=Book(file))
    assert found.soc.model == model


def test_all_that_is_given_must_fit_and_a_star_stands_for_any_rest() -> None:
    match = Match(manufacturer=("acme",), model=("SM-S92*", "One"))
    assert match.fits({"manufacturer": ("ACME",), "model": ("sm-s928b",)})
    assert match.fits({"manufacturer": ("x", "acme"), "model": ("one",)})
    assert not match.fits({"manufacturer": ("acme",), "model": ("One Plus",)})
    assert not match.fits({"model": ("One",)})
    assert not Match().fits({"model": ("One",)})


def test_of_one_switch_in_two_files_that_of_the_product_counts() -> None:
    maker, product = Switch(name="A", opens="install"), Switch(name="A", opens="install", set="off")
    files = [
        DeviceFile(summary="P.", match=Match(model=("m",)), quirks=Quirks(switches=(product,))),
        DeviceFile(summary="M.", match=Match(manufacturer=("m",)), quirks=Quirks(switches=(maker,))),
    ]
    assert merged(files).switches == (product,)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('summary = "A."\n[match]\n', "match", "fits no phone"),
        (
            'summary = "A."\nsoc = "sm8750"\n[match]\nmanufacturer = ["a"]\n[sources]\nsoc = "s"\n',
            "soc",
            "one maker",
        ),
        ('summary = "A."\nsoc = "sm8750"\n[match]\nmodel = ["a"]\n', "sources.soc", "without a source"),
        ('summary = "A."\n[match]\nmodel = ["a"]\n[sources]\nsoc = "x"\n', "sources.soc", "not a fact"),
        ('summary = "A."\n[match]\nmodel = ["a*b"]\n', "match.model[0]", "regex"),
        ('summary = "A."\n[match]\nmodel = ["a"]\n[quirks]\nlies = true\n', "quirks.lies", "unknown key"),
    ],
)
def test_each_mistake_in_a_file_is_named(tmp_path: Path, text: str, key: str, words: str) -> None:
    path = tmp_path / "devices" / "a.toml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    problems = check_file(path, DeviceFile)[1]
    assert [problem.key for problem in problems] == [key]
    assert words in problems[0].problem


def test_wrong_file_stops_a_command_but_not_a_hub(tmp_path: Path) -> None:
    folder = tmp_path / "profiles" / "devices"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text("summary = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        load_devices(Home(tmp_path)).all()
    told: list[str] = []
    book = load_devices(Home(tmp_path), told.append)
    assert len(book.all()) == len(DEVICES.all())
    assert len(told) == 1
    book.all()
    assert len(told) == 1
