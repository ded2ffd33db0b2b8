"""What is known of SoCs: complete, and no more certain than where it was seen."""

import csv
import re
from pathlib import Path
from typing import Final

import pytest

from devicehub.device.soc import identify_soc
from devicehub.profiles.load import load_profiles
from devicehub.profiles.match import SocTable
from devicehub.profiles.schema import SocFile
from devicehub.settings import Home
from tests.shared_data import SHARED_DATA, needs_shared_data

FILES: Final = load_profiles(SocFile, Home(Path("/nowhere")))

SNAPDRAGON: Final = {
    "SM8150": "855+", "SM8250": "870", "SM8350": "888+", "SM8450": "8 Gen 1", "SM8475": "8+ Gen 1",
    "SM8550": "8 Gen 2", "SM8650": "8 Gen 3", "SM8635": "8s Gen 3", "SM8735": "8s Gen 4", "SM8750": "8 Elite",
    "SM8845": "8 Gen 5", "SM8850": "8 Elite Gen 5", "SM7450": "7 Gen 1", "SM7475": "7+ Gen 2",
    "SM7435": "7s Gen 2", "SM7550": "7 Gen 3", "SM7675": "7+ Gen 3", "SM7635": "7s Gen 3",
    "SM7750": "7 Gen 4", "SM7250": "765G", "SM7225": "750G", "SM7325": "778G", "SM7350": "780G",
    "SM6350": "690", "SM6375": "695",
    "SM6450": "6 Gen 1", "SM6475": "6 Gen 3", "SM6650": "6 Gen 4", "SM4350": "480", "SM4375": "4 Gen 1",
    "SM4450": "4 Gen 2", "SM4635": "4s Gen 2",
}  # fmt: skip
DIMENSITY: Final = {
    "MT6833": "700", "MT6853": "720", "MT6873": "800", "MT6877": "1080", "MT6889": "1000+", "MT6891": "1100",
    "MT6893": "1200", "MT6835": "6100+", "MT6855": "7020", "MT6878": "7300", "MT6879": "1050",
    "MT6886": "7200", "MT6895": "8100", "MT6896": "8200", "MT6897": "8300", "MT6899": "8400",
    "MT6983": "9000+", "MT6985": "9200+", "MT6989": "9300+", "MT6991": "9400+", "MT6993": "9500",
}  # fmt: skip
OTHERS: Final = {
    "Exynos 990": "990", "Exynos 1080": "1080", "Exynos 2100": "2100", "s5e8825": "1280", "s5e8535": "1330",
    "s5e8835": "1380", "s5e8845": "1480", "s5e8855": "1580", "s5e9925": "2200", "s5e9945": "2400",
    "s5e9955": "2500", "GS101": "Tensor", "GS201": "G2", "zuma": "G3", "zumapro": "G4", "laguna": "G5",
    "Kirin 980": "980", "Kirin 990": "990", "Kirin 9000": "9000", "Kirin 9000S": "9000S", "T606": "T606",
    "T612": "T612", "T616": "T616", "T618": "T618", "T700": "T700", "T760": "T760", "T820": "T820",
}  # fmt: skip


@pytest.mark.parametrize(("part", "name"), [*SNAPDRAGON.items(), *DIMENSITY.items(), *OTHERS.items()])
def test_each_usual_chip_is_known_by_its_part_number(part: str, name: str) -> None:
    facts = FILES[part.lower().replace(" ", "-")]
    assert any(known == name or known.endswith(f" {name}") for known in facts.names)
    assert facts.gpu or part in ("Kirin 9000S",)


def test_clusters_hold_as_many_cores_as_a_phone_has() -> None:
    counts = {id_: sum(cluster.cores for cluster in facts.clusters) for id_, facts in FILES.items()}
    assert {id_: count for id_, count in counts.items() if count not in (0, 8, 9, 10)} == {}


def test_no_two_chips_claim_one_kernel_id() -> None:
    claimed = [number for facts in FILES.values() for number in facts.kernel_soc_ids]
    assert sorted(claimed) == sorted(set(claimed))


def test_no_model_rests_on_a_kernel_id_of_hearsay_that_the_firmware_denies() -> None:
    table = SocTable(FILES)
    hearsay = [
        (facts.model, number)
        for facts in FILES.values()
        if "kernel_soc_ids" in facts.unverified
        for number in facts.kernel_soc_ids
    ]
    assert hearsay
    for model, number in hearsay:
        props = {"ro.board.platform": "mt6771", "ro.vendor.qti.soc_id": str(number)}
        assert identify_soc(props, None, socs=table).model != model


def test_htp_is_told_only_where_a_source_vouches_for_it() -> None:
    table = SocTable(FILES)
    told = {
        id_: identify_soc({"ro.soc.model": facts.model or ""}, None, socs=table).htp
        for id_, facts in FILES.items()
    }
    doubtful = [id_ for id_, facts in FILES.items() if facts.htp and "htp" in facts.unverified]
    assert doubtful
    assert [told[id_] for id_ in doubtful] == [None] * len(doubtful)
    assert told["sm8650"] == "v75"


def _rows() -> list[list[str]]:
    if SHARED_DATA is None:
        return []
    with (SHARED_DATA / "soc_table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def _facts(row: list[str]) -> list[SocFile]:
    parts = row[0].split("/") if row[0] != "(none)" else [row[1].replace("kirin", "kirin-")]
    return [FILES[part.lower()] for part in parts]


@needs_shared_data
@pytest.mark.parametrize("row", _rows(), ids=lambda row: str(row[0]))
def test_table_of_others_agrees(row: list[str]) -> None:
    _, platform, name, vendor, clusters, gpu, npu, qnn_id, _ = row
    for facts in _facts(row):
        assert facts.vendor == vendor.lower()
        word = re.match(r"[a-z0-9]+", platform)
        assert word is None or any(word[0] in known for known in (*facts.platforms, "mt6895"))
        first = re.findall(r"\d+", name)[:1]
        assert not first or any(first[0] in known for known in facts.names) or facts.model == "MT6896"
        cores = [
            int(count) for count in re.findall(r"(?<![\w.])(\d+)(?=[@x])", re.sub(r"\(.*?\)", "", clusters))
        ]
        if cores and facts.clusters:
            assert sum(cluster.cores for cluster in facts.clusters) == sum(cores)
        exact = {int(khz) for khz in re.findall(r"@(\d{7})(?!\d)", clusters)}
        if exact and "[K]" not in clusters:
            assert {cluster.max_khz for cluster in facts.clusters} == exact
        digits = re.search(r"\d{3,}", gpu)
        assert digits is None or facts.gpu is None or digits[0] in facts.gpu
        htp = re.search(r"HTP (v\d\d)", npu)
        if htp and "[K]" in npu:
            assert facts.htp is None or "htp" in facts.unverified
        elif htp and "?" not in npu:
            assert facts.htp == htp[1] or "QCM6490" in npu
            assert "htp" in facts.sources or "QCM6490" in npu
        elif "?" in npu or "no HTP" in npu:
            assert facts.htp is None
        if qnn_id.isdigit() and "?" not in npu:
            assert (facts.qnn_soc_id, "qnn_soc_id" in facts.sources) == (int(qnn_id), True)
        elif qnn_id.isdigit():
            assert facts.qnn_soc_id is None or "qnn_soc_id" in facts.unverified
