from pathlib import Path
from typing import Final

import pytest

from devicehub.android.cpuinfo import parse_cpuinfo
from devicehub.device.soc import SocFacts, identify_soc
from devicehub.profiles.load import load_socs
from devicehub.profiles.match import SocTable
from devicehub.profiles.schema import SocFile
from devicehub.settings import Home

SOCS: Final = load_socs(Home(Path("/nowhere")))


def soc(text: str, cpuinfo: str | None = None) -> SocFacts:
    """Identify from lines as in build.prop, where `platform` stands for ro.board.platform and so on."""
    short = {
        "platform": "ro.board.platform",
        "hardware": "ro.hardware",
        "board": "ro.product.board",
        "soc": "ro.soc.model",
        "maker": "ro.soc.manufacturer",
        "chip": "ro.chipname",
        "modem": "gsm.version.baseband",
    }
    pairs = (item.split("=", 1) for item in text.split(";") if item)
    props = {short.get(name, name): value for name, value in pairs}
    return identify_soc(props, parse_cpuinfo(cpuinfo.encode()) if cpuinfo else None, socs=SOCS)


QUALCOMM = [
    ("platform=pineapple;soc=SM8635;maker=QTI", "SM8635"),
    ("platform=pineapple", None),
    ("platform=sun", None),
    ("platform=sun;soc=SM8735", "SM8735"),
    ("platform=sun;ro.vendor.qti.soc_id=618", "SM8750"),
    ("platform=kona;hardware=qcom", "SM8250"),
    ("platform=taro", None),
    ("platform=taro;ro.vendor.qti.soc_id=530", "SM8475"),
    ("platform=taro;ro.vendor.qti.soc_id=", None),
    ("platform=taro;ro.vendor.qti.soc_name=cape", "SM8475"),
    ("platform=lito;hardware=qcom", None),
    ("platform=lito;hardware=redfin;modem=g7250-00161-210810-B-7628957,g7250-00161", "SM7250"),
    ("platform=sdm710;hardware=sargo;modem=g670-00011-200201-B-6183945", "SDM670"),
    ("platform=sdm710;modem=MPSS.AT.4.0", "SDM710"),
    ("platform=sm6150;board=sm6150", None),
    ("platform=sm6150;chip=SM7150", "SM7150"),
    ("platform=msm8953", "MSM8953"),
    ("platform=msm8952", None),
    ("platform=msm8952;board=MSM8976", "MSM8976"),
    ("platform=msm8960;board=MSM8960;ro.baseband=msm", "MSM8960"),
    ("platform=msm8960;hardware=mako;ro.baseband=mdm", "APQ8064"),
    ("platform=msm8960", None),
    ("platform=lahaina;ro.boot.platform_name=SM8350", "SM8350"),
    ("soc=SM8650-AB", "SM8650-AB"),
    ("soc=CQ8750S;platform=sun", "CQ8750S"),
    ("platform=sm9999", "SM9999"),
    ("platform=sc7180", "SC7180"),
    ("platform=msm7x27a", None),
    ("platform=volcano;maker=QTI", None),
    ("platform=volcano;hardware=qcom", None),
]
MEDIATEK = [
    ("platform=mt6735m;ro.mediatek.platform=MT6735;hardware=mt6735", "MT6735"),
    ("platform=mt6737t;ro.mediatek.platform=MT6735;hardware=mt6735", "MT6737"),
    ("soc=MT6833V/NZA;platform=mt6833", "MT6833V/NZA"),
    ("platform=common;ro.vendor.mediatek.platform=MT6897", "MT6897"),
    ("platform=common;ro.vendor.vivo.product.platform=MTK6991", "MT6991"),
    ("platform=common;board=k6991v1_64", "MT6991"),
    ("board=full_oppo6755_15311;ro.mediatek.chip_ver=S01", "MT6755"),
    ("platform=common;ro.vendor.mediatek.version.branch=alps", None),
    ("platform=mt6768;board=sun", "MT6768"),
    ("soc=Dimensity 9000;maker=Mediatek;platform=mt6983", "MT6983"),
]
SAMSUNG = [
    ("soc=s5e9945;maker=Samsung;platform=erd9945", "s5e9945"),
    ("platform=erd9945", "s5e9945"),
    ("platform=exynos5;hardware=samsungexynos7870;board=universal7870", "Exynos 7870"),
    ("platform=universal3830;hardware=exynos850", "Exynos 850"),
    ("platform=exynos5;ro.arch=exynos9810", "Exynos 9810"),
    ("platform=exynos5;hardware=manta", "Exynos 5250"),
    ("platform=exynos5", None),
    ("platform=exynos4;hardware=smdk4x12", None),
    ("platform=s5pc110;hardware=herring", None),
]
HISILICON = [
    ("platform=kirin980;ro.board.chiptype=kirin980_cs", "Kirin 980"),
    ("platform=hi3660", "Kirin 960"),
    ("platform=hi3650", None),
    ("platform=hi6250;hardware=hi6250", None),
    ("platform=hi6250;hardware=kirin659", "Kirin 659"),
    ("platform=hi6210sft", "Kirin 620"),
    ("soc=Kirin9000S", "Kirin 9000S"),
    ("platform=k3v2oem1", None),
]
GOOGLE = [
    ("platform=gs101;hardware=oriole", "GS101"),
    ("soc=GS201;maker=Google;platform=gs201", "GS201"),
    ("platform=zuma;hardware=shiba", None),
    ("soc=Tensor G4;maker=Google;platform=zumapro", None),
    ("platform=laguna", None),
]
UNISOC = [
    ("platform=ums9230;hardware=ums9230_hulk", None),
    ("platform=ums9230;soc=T612", "T612"),
    ("platform=ums9230;soc=UNISOC T606", "T606"),
    ("platform=sp9853i;hardware=k500_lgt_511", "SC9853I"),
    ("platform=sp9863a;hardware=s9863a1h10", "SC9863A"),
    ("hardware=s9863a1h10", "SC9863A"),
    ("platform=sp7731gea", "SC7731"),
    ("platform=sc8830", "SC8830"),
    ("platform=sc8830;board=SC7727S", "SC7727S"),
    ("platform=sc8830;board=sp9830i_1h10", "SC9830"),
    ("platform=scx35", None),
    ("platform=ums9999", "UMS9999"),
]
INTEL = [
    ("platform=moorefield;hardware=mofd_v1", None),
    ("platform=clovertrail", None),
    ("platform=sofia3gr", None),
]
UNKNOWN = [
    ("platform=song;hardware=song;board=", None),
    ("platform=rk3399;hardware=rk30board", None),
    ("soc=RK3588;maker=Rockchip", "RK3588"),
    ("platform=gxl;hardware=amlogic", None),
    ("platform=ceres;hardware=sun50iw10p1", None),
    ("platform=tegra132;hardware=flounder", None),
    ("hardware=ranchu", None),
    ("soc=unknown;maker=unknown", None),
    ("", None),
]


@pytest.mark.parametrize(
    ("vendor", "text", "model"),
    [
        (vendor, *case)
        for vendor, cases in (
            ("qualcomm", QUALCOMM),
            ("mediatek", MEDIATEK),
            ("samsung", SAMSUNG),
            ("hisilicon", HISILICON),
            ("google", GOOGLE),
            ("unisoc", UNISOC),
            ("intel", INTEL),
            ("unknown", UNKNOWN),
        )
        for case in cases
    ],
)
def test_properties_tell_vendor_and_part_number(vendor: str, text: str, model: str | None) -> None:
    found = soc(text)
    assert (found.vendor, found.model) == (vendor, model)


@pytest.mark.parametrize(
    ("text", "cpuinfo", "vendor", "model"),
    [
        ("platform=msm8952", "Hardware\t: Qualcomm Technologies, Inc MSM8956", "qualcomm", "MSM8956"),
        ("platform=msm8974", "Hardware\t: Qualcomm MSM8974PRO-AC", "qualcomm", "MSM8974PRO-AC"),
        ("platform=mt6771", "Hardware\t: MT6771V/C", "mediatek", "MT6771V/C"),
        ("platform=exynos5", "Hardware\t: SAMSUNG Exynos7580", "samsung", "Exynos 7580"),
        ("platform=ums512", "Hardware\t: Unisoc T618", "unisoc", "T618"),
        ("", "model name\t: Intel(R) Atom(TM) CPU Z2560  @ 1.60GHz", "intel", "Atom Z2560"),
        ("", "model name\t: Intel(R) Atom(TM) x5-Z8350  CPU @ 1.44GHz", "intel", "Atom x5-Z8350"),
        ("", "CPU implementer\t: 0x51", "qualcomm", None),
        ("", "Hardware\t: hi6620oem", "hisilicon", "Kirin 910"),
        ("", "Hardware\t: Manta", "samsung", "Exynos 5250"),
        ("", "Hardware\t: BCM2709", "unknown", None),
        ("soc=SM8350", "Hardware\t: Qualcomm Technologies, Inc SM8250", "qualcomm", "SM8350"),
    ],
)
def test_cpuinfo_decides_where_properties_do_not(text: str, cpuinfo: str, vendor: str, model: str) -> None:
    found = soc(text, cpuinfo)
    assert (found.vendor, found.model) == (vendor, model)


def test_x86_phone_of_another_vendor_is_not_intels() -> None:
    assert soc("platform=sp9853i;ro.product.cpu.abi=x86_64").vendor == "unisoc"


def test_shared_platform_still_tells_what_its_chips_have_in_common() -> None:
    found = soc("platform=kalama")
    assert (found.model, found.gpu, found.htp) == (None, "Adreno 740", "v73")


def test_number_that_is_also_a_shared_platform_names_its_own_chip() -> None:
    found = soc("platform=msm8953", "Hardware\t: Qualcomm Technologies, Inc MSM8953")
    assert (found.model, found.gpu) == ("MSM8953", "Adreno 506")
    assert soc("soc=SM8350P").htp == "v68"


def test_htp_of_hearsay_is_null() -> None:
    found = soc("soc=SM7475")
    assert (found.name, found.htp) == ("Snapdragon 7+ Gen 2", None)


def test_several_market_names_are_all_given() -> None:
    assert soc("platform=mt6989").name == "Dimensity 9300 / Dimensity 9300+ / Dimensity 9400e"


def test_unverified_kernel_id_loses_against_the_platform() -> None:
    table = SocTable(
        {
            "sm1111": SocFile(vendor="qualcomm", model="SM1111", platforms=("fir",)),
            "sm2222": SocFile(
                vendor="qualcomm", model="SM2222", kernel_soc_ids=(7,), unverified=("kernel_soc_ids",)
            ),
        }
    )
    props = {"ro.board.platform": "fir", "ro.vendor.qti.soc_id": "7"}
    assert identify_soc(props, None, socs=table).model == "SM1111"
