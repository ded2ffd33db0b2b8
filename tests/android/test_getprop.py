import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.getprop import is_property_dump, parse_getprop

DUMP = """\
[ro.board.platform]: [taro]
[persist.sys.boot.reason.history]: [reboot,ota,1648812150
shutdown,userrequested,1648641718]
[vendor.wlan.sar]: [level 1 [2G4,29][5G,26]]
[ro.empty]: []
[ro.product.model]: [A B]
"""
PROPS = {
    "ro.board.platform": "taro",
    "persist.sys.boot.reason.history": "reboot,ota,1648812150\nshutdown,userrequested,1648641718",
    "vendor.wlan.sar": "level 1 [2G4,29][5G,26]",
    "ro.empty": "",
    "ro.product.model": "A B",
}


def test_value_over_lines_and_with_brackets() -> None:
    assert parse_getprop(DUMP.encode()) == PROPS


@pytest.mark.parametrize(
    "data",
    [
        DUMP.encode("utf-16"),
        DUMP.replace("\n", "\r\n").encode("utf-16"),
        codecs.BOM_UTF16_BE + DUMP.encode("utf-16-be"),
        DUMP.encode("utf-16-le"),
        DUMP.encode("utf-16-be"),
        DUMP.replace("\n", "\r\n").encode("utf-8-sig"),
        DUMP.replace("\n", "\r\n").encode(),
        DUMP.rstrip("\n").encode(),
    ],
    ids=[
        "utf16",
        "utf16-crlf",
        "utf16be",
        "utf16le-no-mark",
        "utf16be-no-mark",
        "utf8-mark",
        "crlf",
        "no-eol",
    ],
)
def test_encodings_of_other_shells(data: bytes) -> None:
    assert parse_getprop(data) == PROPS


def test_old_adb_doubles_carriage_returns() -> None:
    assert parse_getprop(DUMP.replace("\n", "\r\r\n").encode())["ro.product.model"] == "A B"


@pytest.mark.parametrize("gap", ["", " ", "\t"])
def test_two_properties_on_one_line(gap: str) -> None:
    text = f"[ro.a]: [1]{gap}[ro.b]: [2]\n[ro.c]: [3]\n"
    assert parse_getprop(text.encode()) == {"ro.a": "1", "ro.b": "2", "ro.c": "3"}


def test_noise_of_adb_and_a_prompt_around_it() -> None:
    text = (
        "* daemon not running; starting now at tcp:5037\n* daemon started successfully\n"
        "adb server version (41) doesn't match this client (39); killing...\n"
        "$ adb shell getprop\n" + DUMP + "$ \n"
    )
    assert parse_getprop(text.encode()) == PROPS


def test_value_that_the_end_cuts_is_left_out() -> None:
    assert parse_getprop(b"[ro.hardware]: [qcom]\n[ro.board.platform]: [msm89") == {"ro.hardware": "qcom"}


def test_bracket_missing_in_the_middle_costs_one_property() -> None:
    text = b"[ro.hardware]: [qcom\n[ro.board.platform]: [taro]\n"
    assert parse_getprop(text) == {"ro.board.platform": "taro"}


def test_build_prop_with_spaces_comments_and_imports() -> None:
    text = (
        "\n# begin build properties\n# ro.comment=1\nimport /vendor/${ro.boot.sku}/build.prop = x\n"
        "ro.board.platform = sun\n  ro.product.model=ROG=Phone 9  \nro.empty=\nro.soc.model: SM8750\n"
    )
    assert parse_getprop(text.encode()) == {
        "ro.board.platform": "sun",
        "ro.product.model": "ROG=Phone 9",
        "ro.empty": "",
        "ro.soc.model": "SM8750",
    }


@pytest.mark.parametrize(
    "values", [("common", "mt6991"), ("mt6991", "common"), ("mt6991", ""), ("mt6768", "mt6991")]
)
def test_later_block_wins_if_it_says_something(values: tuple[str, str]) -> None:
    text = "".join(f"ro.board.platform={value}\n" for value in values)
    assert parse_getprop(text.encode()) == {"ro.board.platform": "mt6991"}


@pytest.mark.parametrize(
    ("data", "is_dump"),
    [
        (DUMP.encode(), True),
        (b"ro.board.platform=taro", True),
        (b"", False),
        (b"CC = gcc\nall:\n\tmake x\n", False),
        (b"[section]\nkey = value\n", False),
        (bytes(range(256)) * 64, False),
    ],
)
def test_what_passes_for_a_dump(data: bytes, is_dump: bool) -> None:
    assert is_property_dump(parse_getprop(data)) is is_dump


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_raise_nothing(data: bytes) -> None:
    props = parse_getprop(data)
    assert all(isinstance(value, str) for value in props.values())


@given(st.integers(0, len(DUMP)), st.sampled_from(["utf-8", "utf-16", "utf-16-be"]))
def test_cut_anywhere_no_value_is_shortened(cut: int, encoding: str) -> None:
    data = DUMP.encode(encoding)
    props = parse_getprop(data[: min(cut * 2, len(data))])
    whole = {name: value for name, value in props.items() if PROPS.get(name) != value}
    # A bracket inside the value may look like its end when the rest is gone.
    assert set(whole) <= {"vendor.wlan.sar"}


@given(
    st.dictionaries(
        st.from_regex(r"ro\.[a-z]{1,8}(\.[a-z]{1,8})?", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="[]"), max_size=40),
        max_size=8,
    )
)
def test_what_getprop_prints_is_read_back(props: dict[str, str]) -> None:
    text = "".join(f"[{name}]: [{value}]\n" for name, value in props.items())
    assert parse_getprop(text.encode()) == props
