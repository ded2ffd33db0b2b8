import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.device.parts import find_part, mediatek_board, vendor_word


@pytest.mark.parametrize(
    ("text", "model", "full"),
    [
        ("Qualcomm Technologies, Inc SDM660", "SDM660", "SDM660"),
        ("msm8996pro-ab", "MSM8996", "MSM8996PRO-AB"),
        ("SM8350P", "SM8350", "SM8350P"),
        ("msm8953_64", "MSM8953", "MSM8953"),
        ("MT6855V_A/ATZA", "MT6855", "MT6855V_A/ATZA"),
        ("mt6771_64_something", "MT6771", "MT6771"),
        ("samsungexynos7884B", "Exynos 7884", "Exynos 7884"),
        ("universal_5433", "Exynos 5433", "Exynos 5433"),
        ("Hisilicon Kirin 970", "Kirin 970", "Kirin 970"),
        ("Tiger T310", "T310", "T310"),
        ("sp9832e_1h10", "SC9832E", "SC9832E"),
    ],
)
def test_part_numbers_as_phones_write_them(text: str, model: str, full: str) -> None:
    part = find_part(text)
    assert part is not None
    assert (part.model, part.full) == (model, full)


@pytest.mark.parametrize(
    "text",
    [
        "SM-G950U",
        "exynos5",
        "smdk4x12",
        "msmnile",
        "k500_lgt_511",
        "HMA-L29",
        "QC_Reference_Phone",
        "T5c",
        "",
    ],
)
def test_other_names_are_no_part_numbers(text: str) -> None:
    assert find_part(text) is None


def test_spreadtrum_and_qualcomm_share_a_prefix() -> None:
    vendors = [
        part.vendor for text in ("sc7180", "sc7731e", "sc8280xp", "sc9853i") if (part := find_part(text))
    ]
    assert vendors == ["qualcomm", "unisoc", "qualcomm", "unisoc"]


def test_bare_number_of_a_board_counts_only_for_mediatek() -> None:
    board = "aeon6737m_65_n"
    assert mediatek_board(board, derived=False) is None
    part = mediatek_board(board, derived=True)
    assert part is not None
    assert part.model == "MT6737"


@given(st.text(max_size=200))
def test_text_of_any_kind_raises_nothing(text: str) -> None:
    part = find_part(text)
    assert part is None or part.model
    assert vendor_word(text) != "unknown"
