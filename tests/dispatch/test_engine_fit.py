from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.device.identify import Identification
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device
from devicehub.device.soc import SocFacts
from devicehub.device.state import PhoneState
from devicehub.dispatch.engine_fit import check_engine, engine_phone, parts_left_out, wanted_backends
from devicehub.dispatch.request import RunRequest
from devicehub.engines.catalog import Engine
from devicehub.engines.features import EngineFeatures
from devicehub.errors import InputError
from devicehub.manifest import FileEntry, Manifest
from devicehub.models.catalog import ModelCatalog
from devicehub.settings import Home
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path


def soc_of(htp: str | None) -> SocFacts:
    return SocFacts(vendor="qualcomm", model="SM8650", name=None, gpu=None, htp=htp)


SOC = soc_of("v75")
FACTS = Identification(product="One", manufacturer=None, android="14", sdk=34, abis=("arm64-v8a",), soc=SOC)
FEATURES = EngineFeatures(
    abi="arm64-v8a", backends=("cpu", "opencl"), page_align=4096, small_pages=("llm_demo",)
)


def device(soc: SocFacts = SOC) -> Device:
    return Device(
        state=DeviceState.READY,
        transports=(DeviceLine(serial="P1", state="device"),),
        facts=replace(FACTS, soc=soc),
    )


def engine(features: EngineFeatures = FEATURES, *files: str) -> Engine:
    manifest = Manifest(tuple(FileEntry(name, 1, "0" * 64, 0o755) for name in files))
    return Engine(
        id="e-1", name="e", root=None, manifest=manifest, executables=("llm_demo",),  # type: ignore[arg-type]
        features=features, origin="",
    )  # fmt: skip


@pytest.fixture
def request_of(tmp_path: Path) -> RunRequest:
    model = ModelCatalog(Home(tmp_path / "home")).add(make_model(tmp_path / "tiny"))
    return RunRequest(run_id="r1", model=model, engine=engine())


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"backend_type": "opencl"}, {"opencl"}),
        ({"backend_type": "cpu", "mllm": {"backend_type": "opencl"}}, {"opencl"}),
        ({"backend_type": "auto"}, set()),
        ({"backend_type": 3}, set()),
        ({"backend_type": ["opencl"]}, set()),
        ({}, set()),
    ],
)
def test_backends_that_a_configuration_asks_for(
    request_of: RunRequest, config: dict[str, Any], wanted: set[str]
) -> None:
    assert wanted_backends(request_of, config) == wanted


def test_backend_that_the_engine_lacks_refuses_the_run(request_of: RunRequest) -> None:
    lacking = replace(request_of, engine=engine(EngineFeatures(abi="arm64-v8a", backends=("cpu",))))
    assert check_engine(lacking, {"backend_type": "cpu"}, device()) == []
    with pytest.raises(InputError, match=r"P1: is to run backend opencl, and the engine has cpu alone"):
        check_engine(lacking, {"backend_type": "opencl"}, device())


def test_pages_are_asked_of_the_phone_itself(request_of: RunRequest) -> None:
    assert check_engine(request_of, {}, device(), PhoneState(page_size=4096)) == []
    with pytest.raises(InputError, match="has pages of 16384 bytes, and llm_demo are aligned to 4096"):
        check_engine(request_of, {}, device(), PhoneState(page_size=16384))


def test_warning_becomes_a_caution_of_the_run(request_of: RunRequest) -> None:
    [caution] = check_engine(request_of, {"backend_type": "opencl"}, device(), PhoneState(opencl=()))
    assert caution.slug == "opencl_unseen"
    assert caution.sentence.startswith("P1 shows no OpenCL library to its shell")
    assert "devicehub doctor" in caution.remedy


def test_app_brings_its_own_engine(request_of: RunRequest) -> None:
    assert check_engine(replace(request_of, engine=None), {"backend_type": "opencl"}, device()) == []


def test_phone_that_was_not_identified_is_known_by_its_label_alone() -> None:
    phone = engine_phone(replace(device(), facts=None))
    assert (phone.label, phone.abis, phone.htp, phone.vendor) == ("P1", (), None, "unknown")


def test_files_of_another_htp_are_left_out() -> None:
    one = engine(FEATURES, "llm_demo", "libQnnHtpV75Skel.so", "libQnnHtpV79Skel.so")
    assert parts_left_out(one, device()) == {"libQnnHtpV79Skel.so": "for HTP v79, the phone has v75"}
    assert parts_left_out(one, device(soc_of(None))) == {}
