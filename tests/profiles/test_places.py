from pathlib import Path

import pytest

from devicehub.profiles.load import check_file
from devicehub.profiles.places import line_of
from devicehub.profiles.schema import SocFile

TEXT = '''vendor = "x"
note = """
model = "not this"
"""
model = "y"  # a remark
match.product = ["a"]

[sources]
"gpu" = "s"

[[clusters]]
cores = 4

[[clusters]]  # big
cores = 0
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("vendor", 1),
        ("model", 5),
        ("match.product[0]", 6),
        ("sources", 8),
        ("sources.gpu", 9),
        ("sources.htp", 8),
        ("clusters", 11),
        ("clusters[0].cores", 12),
        ("clusters[1].cores", 15),
        ("clusters[1].core", 14),
        ("clusters[7]", 11),
        ("names", None),
    ],
)
def test_key_is_found_or_what_holds_it(key: str, line: int | None) -> None:
    assert line_of(TEXT, key) == line


def said(tmp_path: Path, data: bytes) -> list[str]:
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    return [str(problem).removeprefix(str(path)) for problem in check_file(path, SocFile)[1]]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("memory_gb_s = nan\n", [":2 [memory_gb_s]: expected `float` > 0.0"]),
        ("memory_gb_s = inf\n", [":2 [memory_gb_s]: expected `float` <= 2000.0"]),
        ("qnn_soc_id = 99999999999999999999999\n", [":2 [qnn_soc_id]: expected `int` <= 100000"]),
        ("kernel_soc_ids = [1e400]\n", [":2 [kernel_soc_ids[0]]: expected `int`, got `float`"]),
        ("kernel_soc_ids = [-1]\n", [":2 [kernel_soc_ids[0]]: expected `int` >= 0"]),
        (
            'model = 3\nnames = "x"\n[[clusters]]\ncores = "8"\ncoer = 1\n',
            [
                ":2 [model]: expected `str | null`, got `int`",
                ":3 [names]: expected `array`, got `str`",
                ":5 [clusters[0].cores]: expected `int`, got `str`",
                ":6 [clusters[0].coer]: unknown key (did you mean core?)",
            ],
        ),
    ],
)
def test_each_problem_is_one_line_with_its_place(tmp_path: Path, text: str, problems: list[str]) -> None:
    assert said(tmp_path, b'vendor = "intel"\n' + text.encode()) == problems


def test_files_that_are_no_profiles_have_one_problem(tmp_path: Path) -> None:
    assert said(tmp_path, b'vendor = "intel"\n' + b"# x\n" * 3_000_000) == [
        ": is too big for a profile: take what is no setting out"
    ]
    assert said(tmp_path, b"\x00\x01\xff") == [":1: is not UTF-8; save it as UTF-8"]
    assert said(tmp_path, b"a = " + b"[" * 100_000) == [": TOML: nested too deeply"]


def test_a_key_of_any_name_is_looked_for_in_what_holds_it() -> None:
    assert line_of("a = 1\n[from_phone]\nb = 2\n", "from_phone[...]") == 2
    assert line_of("a = 1\n", "]odd[") is None
