"""No run, engine or model is refused on a fact about a chip that no source vouches for."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from devicehub.device.hardware import hardware_of
from devicehub.device.soc import identify_soc
from devicehub.engines.features import EngineFeatures
from devicehub.engines.suits import EnginePhone, suits
from devicehub.findings import Severity
from devicehub.profiles.load import load_profiles
from devicehub.profiles.match import SocTable
from devicehub.profiles.schema import SocFile
from devicehub.settings import Home

CODE: Final = Path(__file__).parents[2] / "devicehub"
FILES: Final = load_profiles(SocFile, Home(Path("/nowhere")))
LOOK_UPS: Final = ("profiles/load.py", "profiles/match.py")
# They read facts of profiles themselves: identification, what is told of hearsay, the exporter's target.
READERS: Final = {
    "cli/identify.py",
    "device/hardware.py",
    "device/soc.py",
    "export/npu/target.py",
    *LOOK_UPS,
}
DECIDING: Final = {"htp", "qnn_soc_id", "memory_gb_s", "kernel_soc_ids"}


def _reads(tree: ast.AST) -> Iterator[str]:
    """Facts that are read off `.facts` of a profile."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in DECIDING:
            yield from [node.attr] if ast.unparse(node.value).endswith("soc.facts") else []
            yield from [node.attr] if ast.unparse(node.value).endswith("known.facts") else []


def test_facts_that_decide_are_read_where_hearsay_is_told_apart() -> None:
    readers = {
        path.relative_to(CODE).as_posix()
        for path in CODE.rglob("*.py")
        if any(_reads(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert readers
    assert readers <= READERS


@pytest.mark.parametrize("path", sorted(READERS - {*LOOK_UPS}))
def test_each_of_them_asks_whether_a_source_vouches(path: str) -> None:
    assert ".verified(" in (CODE / path).read_text(encoding="utf-8")


def _hearsay(file: SocFile) -> SocFile:
    """The same chip, of which no source tells anything."""
    facts = [key for key in SocFile.__struct_fields__ if key in {*file.sources, *file.unverified}]
    return msgspec.structs.replace(file, unverified=tuple(facts), sources={})


@pytest.mark.parametrize("model", ["SM8650", "SM8750", "SM8850"])
def test_wrong_skel_is_refused_by_a_sourced_htp_alone(model: str) -> None:
    engine = EngineFeatures(abi="arm64-v8a", backends=("cpu", "qnn"), htp_stubs=("v69",), htp_skels=("v69",))
    for files, refused in (
        (FILES, True),
        ({id_: _hearsay(file) for id_, file in FILES.items()}, False),
    ):
        table = SocTable(files)
        soc = identify_soc({"ro.soc.model": model}, None, socs=table)
        assert (soc.htp is not None) is refused
        phone = EnginePhone(label="s", vendor=soc.vendor, htp=soc.htp, abis=("arm64-v8a",))
        errors = [found.slug for found in suits(engine, phone, ["qnn"]) if found.severity is Severity.ERROR]
        assert ("htp_skel_wrong" in errors) is refused


def test_figures_are_judged_by_sourced_speeds_alone() -> None:
    for files in (FILES, {id_: _hearsay(file) for id_, file in FILES.items()}):
        table = SocTable(files)
        soc = identify_soc({"ro.soc.model": "SM8650"}, None, socs=table)
        assert (hardware_of(soc, table).memory_gb_s is None) is (files is not FILES)
