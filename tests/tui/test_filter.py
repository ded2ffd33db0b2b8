import pytest

from devicehub_tui.filter import parse_filter
from tests.tui.scripted import device, figures

UNKNOWN = {
    "product": None,
    "soc": None,
    "soc_name": None,
    "vendor": None,
    "manufacturer": None,
    "android": None,
}
DIMENSITY = {"soc": "MT6989", "soc_name": "Dimensity 9300", "vendor": "mediatek"}
FLEET = [
    device("A1", product="Acme One", last=figures("r")),
    device("B2", product="Beta Two", android="8.1.0", battery=15, **DIMENSITY),
    device("C3", virtual=True, **UNKNOWN),
]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ["A1", "B2", "C3"]),
        ("all", ["A1", "B2", "C3"]),
        ("acme", ["A1"]),
        ("ACME one", ["A1"]),
        ("snapdragon", ["A1"]),
        ("soc=sm8650", ["A1"]),
        ("android>=9", ["A1"]),
        ("android<9", ["B2"]),
        ("vendor!=qualcomm", ["B2"]),
        ("vendor=mediatek,android<9", ["B2"]),
        ("vendor=mediatek android>9", []),
        ("beta soc=MT6989", ["B2"]),
        ("virtual=true", ["C3"]),
        ("virtual", ["C3"]),
        ("state=ready,battery<=20", ["B2"]),
        ("model=qwen2.5-1.5b", ["A1"]),
        ("qwen", ["A1"]),
        ("no such phone", []),
    ],
)
def test_what_a_text_lets_pass(text: str, shown: list[str]) -> None:
    wanted = parse_filter(text)
    assert wanted.problem is None
    assert [view.id for view in FLEET if wanted.lets_pass(view)] == shown


def test_a_term_that_is_not_finished_hides_nothing_and_says_what_is_missing() -> None:
    wanted = parse_filter("acme,android>=")
    assert [view.id for view in FLEET if wanted.lets_pass(view)] == ["A1"]
    assert wanted.problem == "`android>=` wants a value, as in android>=14"


def test_a_key_that_is_none_names_those_there_are() -> None:
    problem = parse_filter("colour=red").problem
    assert problem is not None
    assert problem.startswith("`colour` is no key; there are serial, product")


@pytest.mark.parametrize("text", ["=", "<>", "!=", "=14", "soc==", "android>" + "9" * 5000, "\0", "   ,,, "])
def test_no_text_raises(text: str) -> None:
    wanted = parse_filter(text)
    assert [wanted.lets_pass(view) for view in FLEET]
