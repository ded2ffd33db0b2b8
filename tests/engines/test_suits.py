from __future__ import annotations

from dataclasses import replace

import pytest

from devicehub.engines.features import EngineFeatures
from devicehub.engines.parts import left_out
from devicehub.engines.suits import EnginePhone, suits
from devicehub.findings import Finding, Severity

PHONE = EnginePhone(
    label="P1",
    abis=("arm64-v8a", "armeabi-v7a"),
    sdk=34,
    android="14",
    page_size=4096,
    vendor="qualcomm",
    htp="v75",
    cpu_features=frozenset({"fp", "asimd", "asimdhp", "asimddp", "i8mm"}),
    opencl=("/vendor/lib64/libOpenCL.so",),
)
ENGINE = {
    "abi": "arm64-v8a",
    "backends": ("cpu", "opencl", "vulkan", "qnn", "hexagon"),
    "page_align": 0x4000,
    "min_sdk": 21,
    "fp16": True,
    "dot": True,
    "i8mm": True,
    "qnn_files": ("libQnnHtp.so", "libQnnSystem.so"),
    "htp_stubs": ("v75",),
    "htp_skels": ("v75",),
    "hexagon_skels": ("v75",),
}
ALL = ("opencl", "vulkan", "qnn", "hexagon")


def engine(**features: object) -> EngineFeatures:
    return EngineFeatures(**{**ENGINE, **features})  # type: ignore[arg-type]


def only(found: list[Finding], slug: str, severity: Severity = Severity.ERROR) -> Finding:
    [finding] = found
    assert (finding.slug, finding.severity) == (slug, severity)
    return finding


def test_nothing_speaks_against_an_engine_that_suits() -> None:
    assert suits(engine(), PHONE, ALL) == []


def test_phone_of_which_nothing_is_known_refuses_nothing_but_the_abi() -> None:
    only(suits(engine(htp_stubs=(), htp_skels=(), hexagon_skels=()), EnginePhone(label="P1")), "abi_unfit")


def test_wrong_skel_names_the_right_files_and_where_they_are() -> None:
    finding = only(suits(engine(htp_stubs=("v79",), htp_skels=("v79",)), PHONE), "htp_skel_wrong")
    assert "has HTP v75" in finding.why
    assert "brings libQnnHtpV79Skel.so, libQnnHtpV79Stub.so" in finding.why
    assert finding.fix is not None
    assert "libQnnHtpV75Skel.so from lib/hexagon-v75/unsigned" in finding.fix
    assert "libQnnHtpV75Stub.so from lib/aarch64-android" in finding.fix


def test_right_skel_with_another_stub() -> None:
    finding = only(suits(engine(htp_stubs=("v79",)), PHONE), "htp_stub_wrong")
    assert finding.fix is not None
    assert "libQnnHtpV75Stub.so" in finding.fix
    assert "Skel" not in finding.fix


def test_right_skel_among_others_is_enough() -> None:
    assert suits(engine(htp_stubs=("v73", "v75"), htp_skels=("v73", "v75")), PHONE) == []


def test_htp_that_no_source_vouches_for_refuses_nothing() -> None:
    unknown = replace(PHONE, htp=None)
    only(suits(engine(htp_skels=("v79",)), unknown, ["qnn"]), "htp_unknown", Severity.NOTE)


def test_other_vendors_have_no_use_for_the_skels() -> None:
    mediatek = replace(PHONE, vendor="mediatek", htp=None)
    only(suits(engine(), mediatek), "htp_unused", Severity.NOTE)


@pytest.mark.parametrize("backend", ["qnn", "hexagon"])
def test_run_on_a_tensor_processor_that_is_not_there(backend: str) -> None:
    mediatek = replace(PHONE, vendor="mediatek", htp=None)
    found = suits(engine(htp_stubs=(), htp_skels=(), hexagon_skels=()), mediatek, [backend])
    only(found, "no_htp")


def test_engine_without_a_skel_for_a_run_on_the_npu() -> None:
    found = suits(engine(htp_stubs=(), htp_skels=()), PHONE, ["qnn"])
    assert "the engine brings no skel" in only(found, "htp_skel_wrong").why
    assert suits(engine(htp_stubs=(), htp_skels=()), PHONE) == []


def test_mnns_own_library_for_another_dsp() -> None:
    finding = only(suits(engine(hexagon_skels=("v79",)), PHONE), "hexagon_skel_wrong")
    assert "it needs libMNN_htpops_skelV75.so" in finding.why


@pytest.mark.parametrize("backend", ALL)
def test_backend_that_the_engine_lacks(backend: str) -> None:
    finding = only(suits(engine(backends=("cpu",)), PHONE, [backend]), "backend_missing")
    assert f"is to run backend {backend}" in finding.why


def test_scripts_of_virtual_phones_are_asked_for_no_backend() -> None:
    virtual = replace(PHONE, virtual=True)
    assert suits(EngineFeatures(abi="virtual"), virtual, ALL) == []
    only(suits(EngineFeatures(abi="virtual"), PHONE, ALL), "abi_unfit")


def test_virtual_phone_that_executes_no_programs_for_arm64() -> None:
    why = "qemu-aarch64-static is not installed"
    found = suits(engine(), replace(PHONE, virtual=True, no_arm64=why))
    assert why in only(found, "no_emulator").why
    assert suits(engine(), replace(PHONE, no_arm64=why)) == []


def test_opencl_library_that_the_shell_does_not_see_is_a_warning() -> None:
    found = suits(engine(), replace(PHONE, opencl=()), ["opencl"])
    only(found, "opencl_unseen", Severity.WARNING)
    assert suits(engine(), replace(PHONE, opencl=None), ["opencl"]) == []


def test_pages_of_16_kib_refuse_files_aligned_to_less() -> None:
    small = engine(page_align=0x1000, small_pages=("libMNN.so", "llm_demo"))
    finding = only(suits(small, replace(PHONE, page_size=0x4000)), "page_size")
    assert "libMNN.so, llm_demo are aligned to 4096" in finding.why
    assert suits(small, PHONE) == []
    assert suits(engine(), replace(PHONE, page_size=0x4000)) == []


def test_android_older_than_the_engine_was_linked_for() -> None:
    finding = only(suits(engine(min_sdk=35), PHONE), "android_too_old")
    assert finding.fix == "build with -DANDROID_NATIVE_API_LEVEL=android-34"


def test_instructions_that_lie_idle_are_a_note() -> None:
    found = suits(engine(i8mm=False, dot=None), PHONE)
    assert "has the instructions i8mm," in only(found, "instructions_unused", Severity.NOTE).why


FILES = (
    "llm_demo", "llm_bench", "libMNN.so", "MNNConvert", "benchmark.out", "run_test.out", "libQnnHtp.so",
    "libQnnHtpV75Stub.so", "libQnnHtpV75Skel.so", "libQnnHtpV79Stub.so", "libQnnHtpV79Skel.so",
    "libMNN_htpops.so", "libMNN_htpops_skel.so", "libMNN_htpops_skelV79.so", "ppl_eval",
)  # fmt: skip


def test_what_a_phone_has_no_use_for_stays() -> None:
    assert left_out(FILES, PHONE).keys() == {
        "MNNConvert", "benchmark.out", "run_test.out", "libQnnHtpV79Stub.so", "libQnnHtpV79Skel.so",
        "libMNN_htpops_skelV79.so",
    }  # fmt: skip


def test_phone_of_an_unknown_chip_is_given_all_skels() -> None:
    kept = left_out(FILES, replace(PHONE, htp=None, vendor="unknown"))
    assert kept.keys() == {"MNNConvert", "benchmark.out", "run_test.out"}


def test_other_vendors_are_given_nothing_for_the_dsp() -> None:
    kept = left_out(FILES, replace(PHONE, htp=None, vendor="mediatek"))
    assert not {name for name in FILES if "Qnn" in name or "htpops" in name} - kept.keys()
    assert "libMNN.so" not in kept


def test_program_that_a_run_names_is_pushed_whatever_it_is() -> None:
    assert "benchmark.out" not in left_out(FILES, PHONE, asked=["benchmark.out"])
