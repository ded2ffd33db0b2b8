import json
from pathlib import Path

import pytest

from devicehub.cli.main import main

DUMP = "[ro.product.model]: [AC2003]\n[ro.board.platform]: [kona]\n"


def run(*argv: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["identify", *map(str, argv)])
    code = caught.value.code
    return code if isinstance(code, int) else 0


def test_json_of_a_saved_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = tmp_path / "dump"
    dump.write_bytes(DUMP.encode("utf-16"))
    assert run("--getprop", dump, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "product": "AC2003",
        "manufacturer": None,
        "android": None,
        "sdk": None,
        "abis": [],
        "soc": {
            "vendor": "qualcomm",
            "model": "SM8250",
            "name": "Snapdragon 865 / Snapdragon 865+ / Snapdragon 870",
            "gpu": "Adreno 650",
            "htp": None,
        },
    }


def test_table_and_cpuinfo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump, cpuinfo = tmp_path / "dump", tmp_path / "cpuinfo"
    dump.write_text("ro.board.platform = mt6771\n", encoding="utf-8")
    cpuinfo.write_text("Hardware\t: MT6771V/C\n", encoding="utf-8")
    assert run("--getprop", dump, "--cpuinfo", cpuinfo) == 0
    assert "MT6771V/C" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (bytes(range(256)) * 40, "no Android properties"),
        (b"CC = gcc\n", "no Android properties"),
        ("folder", "is a folder"),
    ],
    ids=["missing", "empty", "binary", "makefile", "folder"],
)
@pytest.mark.parametrize("option", ["--getprop", "--cpuinfo"])
def test_unusable_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | str | None, words: str, option: str
) -> None:
    path, good = tmp_path / "given", tmp_path / "good"
    good.write_text(DUMP, encoding="utf-8")
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    others = () if option == "--getprop" else ("--getprop", good)
    assert run(*others, option, path) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert str(path) in said.err
    assert words in said.err or (option == "--cpuinfo" and "is not a /proc/cpuinfo" in said.err)


@pytest.mark.parametrize("argv", [(), ("S1", "--getprop", "x"), ("S1", "--cpuinfo", "x")])
def test_neither_or_both_sources_is_a_usage_error(argv: tuple[str, ...]) -> None:
    assert run(*argv) == 2


def test_table_marks_hearsay_and_names_the_makers_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    dump = tmp_path / "dump"
    dump.write_text(
        "ro.product.manufacturer=Xiaomi\nro.board.platform=taro\nro.soc.model=SM8475\n", encoding="utf-8"
    )
    assert run("--getprop", dump) == 0
    said = capsys.readouterr().out
    rows = [line.split(maxsplit=1) for line in said.splitlines() if not line.startswith(" ")]
    told = {row[0]: row[1] for row in rows if len(row) == 2}
    assert told["gpu"] == "Adreno 730 (unverified)"
    assert told["htp"] == "v69"
    assert told["cores"] == "8, 4 of them big"
    assert told["memory"] == "51.2 GB/s at most (unverified)"
    assert told["sources"] == "devicehub profiles show sm8475"
    assert "switch on `Install via USB`" in said
    assert all(len(line) <= 80 for line in said.splitlines())
