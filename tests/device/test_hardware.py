from pathlib import Path
from typing import Final

import pytest

from devicehub.device.hardware import Hardware, big_cores, gpu_family, hardware_of, known_soc
from devicehub.device.soc import SocFacts, identify_soc
from devicehub.profiles.load import load_profiles, load_socs
from devicehub.profiles.match import SocTable
from devicehub.profiles.schema import Cluster, SocFile
from devicehub.settings import Home

SOCS: Final = load_socs(Home(Path("/nowhere")))
FILES: Final = load_profiles(SocFile, Home(Path("/nowhere")))


def of(model: str) -> Hardware:
    return hardware_of(identify_soc({"ro.soc.model": model}, None, socs=SOCS), SOCS)


@pytest.mark.parametrize(
    ("model", "big"),
    [
        ("SM8650-AB", 6),
        ("SM8550", 5),
        ("SM8750", 8),
        ("SM8250", 4),
        ("SM8735", 6),
        ("MT6989", 4),
        ("MT6855V/ATZA", 2),
        ("s5e9945", 6),
        ("GS201", 4),
    ],
)
def test_big_cores_of_a_chip(model: str, big: int) -> None:
    assert of(model).big_cores == big


def test_chip_of_little_cores_alone_takes_them_all() -> None:
    assert big_cores([Cluster(cores=4, core="Cortex-A53", max_khz=1_400_000)]) == 4
    assert big_cores([]) is None


@pytest.mark.parametrize(
    ("gpu", "family"),
    [
        ("Adreno 750", "adreno"),
        ("Immortalis-G720 MC12", "mali"),
        ("Mali-G57 MC2", "mali"),
        ("Xclipse 940", "xclipse"),
        ("PowerVR BXM-8-256", "powervr"),
        ("Maleoon 910", "other"),
        (None, None),
    ],
)
def test_family_of_a_gpu(gpu: str | None, family: str | None) -> None:
    assert gpu_family(gpu) == family


def test_speed_of_the_memory_counts_only_where_a_source_vouches_for_it() -> None:
    assert of("SM8650-AC").memory_gb_s == 76.8
    doubtful = [file for file in FILES.values() if file.model and "memory_gb_s" in file.unverified]
    assert doubtful
    assert [of(file.model or "").memory_gb_s for file in doubtful] == [None] * len(doubtful)


def test_hearsay_is_named() -> None:
    assert of("SM8850").hearsay == ("cores", "big_cores")
    assert of("SM8650").hearsay == ()


def test_unknown_chip_tells_nothing_but_its_gpu() -> None:
    assert of("SM9999") == Hardware()
    assert hardware_of(SocFacts(gpu="Adreno 740"), SOCS) == Hardware(gpu_family="adreno")


def test_pixel_whose_chip_has_no_part_number_is_found_by_its_name() -> None:
    soc = identify_soc({"ro.board.platform": "zuma"}, None, socs=SOCS)
    found = known_soc(soc, SOCS)
    assert (soc.model, found.id if found else None) == (None, "zuma")


def test_each_chip_is_found_by_its_own_part_number() -> None:
    table = SocTable(FILES)
    for id_, file in FILES.items():
        if file.model is not None:
            found = known_soc(SocFacts(vendor=file.vendor, model=file.model), table)
            assert found is not None
            assert found.id == id_
