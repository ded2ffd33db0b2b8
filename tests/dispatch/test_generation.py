"""A model that is compiled for one generation of the NPU runs on phones with that one alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.device.identify import identify
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device
from devicehub.dispatch.generation import check_generation
from devicehub.errors import InputError
from devicehub.models.catalog import Model, ModelCatalog
from devicehub.models.fixture import NoFixture
from devicehub.models.make_fixture import make_fixture
from devicehub.models.origin import read_origin
from devicehub.models.provenance import PROVENANCE, AcceptanceFacts, Provenance, SourceFacts
from devicehub.profiles.load import load_socs
from devicehub.settings import Home
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path


def compiled(folder: Path, htp: str | None) -> Model:
    root = make_model(folder / "m")
    made = Provenance(
        devicehub="0.1.0",
        source=SourceFacts(name="tiny", folder="/tiny", sha256="0" * 64, files=()),
        recipe="npu-qnn",
        options={},
        argv=(),
        versions={},
        seconds=1,
        peak_bytes=1,
        exported_s=0,
        acceptance=AcceptanceFacts(cosine_mean=None, cosine_lowest=None, positions=0, skipped="a test"),
        htp=htp,
    )
    (root / PROVENANCE).write_bytes(msgspec.json.encode(made))
    return ModelCatalog(Home(folder / "home")).add(root)


def phone(soc: str, tmp_path: Path) -> Device:
    facts = identify({"ro.soc.manufacturer": "QTI", "ro.soc.model": soc}, socs=load_socs(Home(tmp_path)))
    return Device(DeviceState.READY, (DeviceLine("S1", "device"),), facts=facts)


def test_it_runs_where_the_generation_is_the_same(tmp_path: Path) -> None:
    check_generation(compiled(tmp_path, "v75"), phone("SM8650", tmp_path))


@pytest.mark.parametrize(
    ("soc", "says"),
    [
        ("SM8550", "S1 has HTP v73; export one .*npu-qnn --on S1"),
        ("SDM845", "S1 has none that is known of; take"),
    ],
)
def test_elsewhere_it_is_refused_with_the_way_out(tmp_path: Path, soc: str, says: str) -> None:
    with pytest.raises(
        InputError, match=rf"compiled for Qualcomm's HTP v75, and {says}.* model for the CPU$"
    ):
        check_generation(compiled(tmp_path, "v75"), phone(soc, tmp_path))


def test_a_model_for_any_processor_runs_everywhere(tmp_path: Path) -> None:
    check_generation(compiled(tmp_path, None), phone("SDM845", tmp_path))


async def test_this_host_is_not_asked_what_it_answers(tmp_path: Path) -> None:
    made = await make_fixture(compiled(tmp_path, "v75"), tmp_path, child=("false",))
    assert made == NoFixture(reason="its graphs run on Qualcomm's HTP v75 alone, which this host has not")


def test_its_origin_names_the_generation(tmp_path: Path) -> None:
    model = compiled(tmp_path, "v75")
    (model.root / "export_args.json").write_text('{"quant_bit": 8, "quant_block": 0}')
    assert read_origin(model.root).quant == "8 bit, per channel, HTP v75"
