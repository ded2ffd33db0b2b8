"""Real ELF files, made by compilers: each defect has an engine that has it, and a good engine has none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.engines.bundle import Inspection, inspected
from devicehub.engines.host import host_abi
from devicehub.findings import Finding, Severity
from tests.engines.zig import Zig, needs_zig, skel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_zig

VERSION = "\\0003.6.1"
BUILD = "v2.37.0.250724175447_124859"
OTHER_BUILD = "v2.28.2.241116104011_103376"


@pytest.fixture
def good(zig: Zig, tmp_path: Path) -> Path:
    """An engine as build_64.sh makes it with MNN_BUILD_LLM and OpenCL, in one library."""
    folder = tmp_path / "engine"
    folder.mkdir()
    library = zig.library(
        "libMNN.so",
        texts=[VERSION, "libOpenCL.so", "vision_slice_start_id"],
        instructions=["fp16", "dot", "i8mm"],
    )
    (folder / "libMNN.so").write_bytes(library)
    for name in ("llm_demo", "llm_bench"):
        (folder / name).write_bytes(zig.program())
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def with_qnn(zig: Zig, good: Path) -> Path:
    """The same with QNN for HTP v75, of one SDK."""
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", texts=[VERSION, "libQnnHtp.so"]))
    for name in ("libQnnHtp.so", "libQnnSystem.so", "libQnnHtpV75Stub.so"):
        (good / name).write_bytes(zig.library(name, texts=[BUILD]))
    (good / "libQnnHtpV75Skel.so").write_bytes(skel(0x75, text=BUILD.encode()))
    return good


def judge(folder: Path) -> Inspection:
    with inspected(folder) as inspection:
        return inspection


def only(folder: Path, slug: str, severity: Severity = Severity.ERROR) -> Finding:
    """The one finding of that slug; nothing worse is there."""
    found = judge(folder).findings
    assert [finding.slug for finding in found if finding.slug == slug] == [slug], found
    assert found[0].severity is severity, found
    [finding] = [finding for finding in found if finding.slug == slug]
    return finding


def test_good_engine_has_nothing_against_it(good: Path) -> None:
    inspection = judge(good)
    assert inspection.findings == ()
    assert inspection.bundle is not None
    features = inspection.features
    assert (features.abi, features.libc, features.version) == ("arm64-v8a", "bionic", "3.6.1")
    assert features.backends == ("cpu", "opencl")
    assert (features.omni, features.logcat, features.page_align) == (True, False, 0x4000)
    assert (features.min_sdk, features.ndk) == (21, "r27c")
    assert (features.fp16, features.dot, features.i8mm) == (True, True, True)


def test_good_engine_for_the_npu_has_nothing_against_it(with_qnn: Path) -> None:
    inspection = judge(with_qnn)
    assert inspection.findings == ()
    features = inspection.features
    assert features.backends == ("cpu", "qnn")
    assert (features.htp_stubs, features.htp_skels) == (("v75",), ("v75",))
    assert {build for _name, build in features.qnn_builds} == {BUILD[1:]}


def test_missing_library_is_named(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", needed=["libMNN_Express.so", "libc.so"]))
    assert "needs libMNN_Express.so, which is neither here nor on phones" in only(good, "missing_library").why


def test_missing_library_of_a_library_is_found_too(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", needed=["libdeep.so", "libc.so"]))
    (good / "libdeep.so").write_bytes(zig.library("libdeep.so", needed=["libdeeper.so", "libc.so"]))
    assert only(good, "missing_library").place.endswith("libdeep.so")


def test_missing_shared_runtime_of_cxx_says_where_it_is(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", needed=["libc++_shared.so", "libc.so"]))
    finding = only(good, "cxx_shared_missing")
    assert finding.fix is not None
    assert "the NDK has it" in finding.fix
    assert "-DANDROID_STL=c++_static" in finding.fix


def test_libraries_of_another_abi_are_mixed(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", target="arm-linux-androideabi"))
    assert only(good, "mixed_abis").why == "is built for armeabi-v7a, llm_demo for arm64-v8a"


@pytest.mark.parametrize(
    ("target", "loader"),
    [
        ("aarch64-linux-musl", "/lib/ld-musl-aarch64.so.1"),
        ("aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1"),
        ("riscv64-linux-musl", "/lib/ld-musl-riscv64.so.1"),
    ],
)
def test_build_for_a_board_is_refused(zig: Zig, good: Path, target: str, loader: str) -> None:
    program = zig.program(target=target, loader=loader, sdk=None)
    (good / "llm_demo").write_bytes(program)
    finding = next(found for found in judge(good).findings if found.place.endswith("llm_demo"))
    assert finding.slug == "desktop_build"
    assert f"its loader is {loader}" in finding.why


@pytest.mark.skipif(host_abi() is None, reason="no engine is for this computer")
async def test_program_of_this_computers_compiler_takes_no_libraries_of_phones(good: Path) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc")
    (good / "main.c").write_text("int main(void) { return 0; }\n")
    await procs.run([gcc, "-o", str(good / "llm_demo"), str(good / "main.c")], timeout_s=60)
    assert [finding.slug for finding in judge(good).findings] == ["mixed_abis", "mixed_abis"]
    for name in ("llm_bench", "libMNN.so"):
        (good / name).unlink()
    assert (judge(good).findings, judge(good).features.abi) == ((), host_abi())


def test_library_of_glibc_is_refused(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", needed=["libc.so.6"]))
    assert only(good, "desktop_build").why == "is built for desktop Linux, not for Android"


def test_machine_of_no_phone_is_named(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", target="powerpc64le-linux-musl", needed=()))
    assert only(good, "unknown_machine").why == "is built for EM_PPC64, which no phone has"


def test_pages_of_4_kib_are_told_with_the_files(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", texts=[VERSION], align=0x1000))
    finding = only(good, "small_pages", Severity.NOTE)
    assert "libMNN.so: aligned to 4096 bytes" in finding.why
    assert judge(good).features.small_pages == ("libMNN.so",)


def test_missing_executable_bit_is_told_and_no_obstacle(good: Path) -> None:
    (good / "llm_demo").chmod(0o644)
    finding = only(good, "not_executable", Severity.NOTE)
    assert finding.place.endswith("llm_demo")
    assert judge(good).bundle is not None


def test_static_program_runs_on_the_cpu_alone(zig: Zig, tmp_path: Path) -> None:
    (tmp_path / "llm_demo").write_bytes(zig.static_program(texts=[VERSION, "libOpenCL.so"]))
    (tmp_path / "llm_demo").chmod(0o755)
    only(tmp_path, "static_build", Severity.NOTE)
    features = judge(tmp_path).features
    assert (features.libc, features.backends, features.version) == ("static", ("cpu",), "3.6.1")
    assert features.page_align == 0x10000


def test_engine_without_llm_bench_says_what_it_cannot(good: Path) -> None:
    (good / "llm_bench").unlink()
    only(good, "no_bench", Severity.NOTE)


def test_logcat_build_is_told(zig: Zig, good: Path) -> None:
    program = zig.program(calls=["__android_log_print"], needed=("libMNN.so", "liblog.so", "libc.so"))
    (good / "llm_demo").write_bytes(program)
    (good / "llm_demo").chmod(0o755)
    only(good, "logcat_build", Severity.NOTE)
    assert judge(good).features.logcat is True


def test_build_without_omni_is_told(zig: Zig, good: Path) -> None:
    text = "Omni video requires LLM_SUPPORT_VISION"
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", texts=[VERSION, text]))
    only(good, "no_omni", Severity.NOTE)
    assert judge(good).features.omni is False


def test_release_archive_has_no_programs_and_a_way_out(good: Path) -> None:
    for name in ("llm_demo", "llm_bench"):
        (good / name).unlink()
    finding = only(good, "no_programs")
    assert finding.fix is not None
    assert "android-static" in finding.fix
    assert "devicehub app install" in finding.fix


def test_folder_without_an_engine(tmp_path: Path) -> None:
    only(tmp_path, "empty_folder")
    (tmp_path / "notes.txt").write_text("")
    only(tmp_path, "no_program")


def test_folder_in_the_programs_place(good: Path) -> None:
    (good / "llm_demo").unlink()
    (good / "llm_demo").mkdir()
    assert only(good, "not_a_program").why == "is a folder, not the program"


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"", "not_a_program"),
        (b"MZ", "not_a_program"),
        (b"\x7fELF", "damaged_elf"),
        (b"version https://git-lfs.github.com/spec/v1\n", "lfs_pointer"),
    ],
)
def test_program_that_is_none(good: Path, content: bytes, slug: str) -> None:
    (good / "llm_demo").write_bytes(content)
    only(good, slug)


def test_damaged_library_is_told_beside_the_other_defects(zig: Zig, good: Path) -> None:
    library = (good / "libMNN.so").read_bytes()
    (good / "libMNN.so").write_bytes(library[: len(library) // 3])
    (good / "libextra.so").write_bytes(zig.library("libextra.so", needed=["libnowhere.so"]))
    assert [finding.slug for finding in judge(good).findings] == ["damaged_elf"]


def test_program_one_folder_deeper_is_pointed_at(good: Path) -> None:
    assert only(good.parent, "program_deeper").fix == f"add {good} instead"


def test_script_is_no_engine_for_phones(tmp_path: Path, zig: Zig) -> None:
    (tmp_path / "llm_demo").write_text("#!/bin/sh\n")
    only(tmp_path, "script_engine")
    (tmp_path / "libMNN.so").write_bytes(zig.library("libMNN.so"))
    only(tmp_path, "mixed_kinds")


def test_settings_that_contradict_the_files(good: Path) -> None:
    (good / "engine.toml").write_text('abi = "x86_64"\n')
    assert only(good, "abi_contradicts").why == "says abi x86_64, the files are arm64-v8a"


def test_qnn_libraries_of_two_sdks_refuse_each_other(with_qnn: Path) -> None:
    (with_qnn / "libQnnHtpV75Skel.so").write_bytes(skel(0x75, text=OTHER_BUILD.encode()))
    finding = only(with_qnn, "qnn_sdk_mixed")
    assert finding.place.endswith("libQnnHtpV75Skel.so")
    assert "2.28.2.241116104011_103376" in finding.why
    assert "2.37.0.250724175447_124859" in finding.why


def test_renamed_skel_is_found_out(with_qnn: Path) -> None:
    (with_qnn / "libQnnHtpV75Skel.so").write_bytes(skel(0x79, text=BUILD.encode()))
    finding = only(with_qnn, "htp_misnamed", Severity.WARNING)
    assert finding.why == "is compiled for HTP v79, its name says v75"


def test_stub_and_skel_exchanged(zig: Zig, with_qnn: Path) -> None:
    (with_qnn / "libQnnHtpV75Skel.so").write_bytes(zig.library("libQnnHtpV75Skel.so", texts=[BUILD]))
    finding = only(with_qnn, "htp_wrong_side")
    assert finding.fix is not None
    assert "lib/hexagon-v75/unsigned" in finding.fix


@pytest.mark.parametrize(
    ("gone", "place"),
    [
        ("libQnnHtpV75Skel.so", "lib/hexagon-v75/unsigned"),
        ("libQnnHtpV75Stub.so", "lib/aarch64-android"),
        ("libQnnSystem.so", "lib/aarch64-android"),
    ],
)
def test_qnn_that_lacks_a_part(with_qnn: Path, gone: str, place: str) -> None:
    (with_qnn / gone).unlink()
    assert f"not {gone} ({place})" in only(with_qnn, "qnn_incomplete", Severity.WARNING).why


def test_qnn_without_any_of_its_libraries_runs_on_the_cpu(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", texts=[VERSION, "libQnnHtp.so"]))
    only(good, "qnn_libraries_absent", Severity.NOTE)


def test_backend_that_was_built_apart_counts_where_the_program_is_linked_with_it(
    zig: Zig, good: Path
) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", texts=[VERSION]))
    (good / "libMNN_CL.so").write_bytes(zig.library("libMNN_CL.so", texts=["libOpenCL.so"]))
    assert only(good, "backend_not_linked", Severity.WARNING).place.endswith("libMNN_CL.so")
    assert judge(good).features.backends == ("cpu",)
    (good / "llm_demo").write_bytes(zig.program(needed=["libllm.so", "libc.so"]))
    (good / "libllm.so").write_bytes(zig.library("libllm.so", needed=["libMNN_CL.so", "libMNN.so"]))
    assert judge(good).findings == ()
    assert judge(good).features.backends == ("cpu", "opencl")


def test_hexagon_that_lacks_its_skel(zig: Zig, good: Path) -> None:
    (good / "libMNN.so").write_bytes(zig.library("libMNN.so", texts=[VERSION, "libMNN_htpops.so"]))
    only(good, "hexagon_libraries_absent", Severity.NOTE)
    (good / "libMNN_htpops.so").write_bytes(zig.library("libMNN_htpops.so"))
    assert "libMNN_htpops_skelV<arch>.so" in only(good, "hexagon_incomplete", Severity.WARNING).why
    (good / "libMNN_htpops_skel.so").write_bytes(skel(0x79))
    assert judge(good).findings == ()
    assert judge(good).features.hexagon_skels == ("v79",)
