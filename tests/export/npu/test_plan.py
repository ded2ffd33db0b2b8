from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.errors import InputError
from devicehub.export.machine import Machine
from devicehub.export.npu.steps import Kit, plan_steps
from devicehub.export.npu.target import find_target
from devicehub.export.npu.toolkit import check_host
from devicehub.profiles.load import load_socs
from devicehub.profiles.match import SocTable
from devicehub.profiles.schema import SocFile
from tests.export.npu.kit import HOME, Desk, make_desk

if TYPE_CHECKING:
    from pathlib import Path

GENERATOR = "transformers/llm/export/npu/generate_llm_qnn.py"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk(tmp_path)
    monkeypatch.setenv("PATH", desk.environment()["PATH"])
    return desk


@pytest.mark.parametrize(
    ("name", "htp", "soc_id"),
    [("SM8650", "v75", 57), ("sm8550", "v73", 43), ("SM8750", "v79", 69), ("SM8350P", "v68", 30)],
)
def test_what_the_graphs_are_made_for_comes_from_the_socs_profile(name: str, htp: str, soc_id: int) -> None:
    target = find_target(name, load_socs(HOME))
    assert (target.htp, target.soc_id) == (htp, soc_id)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("MT6989", "no longer hold the backend for MediaTek's NPU.*CPU or by OpenCL"),
        ("s5e9945", "Qualcomm's HTP alone"),
        ("SDM845", "has no HTP that is known of"),
        ("SM7450", "lacks qnn_soc_id; copy profiles/socs/sm7450.toml"),
        ("SM9999", "no SoC of that name.*SM8650"),
    ],
)
def test_a_soc_without_what_it_takes_is_refused_with_the_way_out(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        find_target(name, load_socs(HOME))


def test_a_name_for_unlike_socs_is_refused_and_one_for_like_ones_taken() -> None:
    def soc(model: str, htp: str, number: int) -> SocFile:
        return SocFile(
            vendor="qualcomm",
            model=model,
            platforms=("kailua",),
            htp=htp,
            qnn_soc_id=number,
            unverified=("htp",),
        )

    like = SocTable({"a": soc("A", "v73", 43), "b": soc("B", "v73", 43)})
    assert find_target("kailua", like).warnings == ("htp of A is general knowledge, seen in no source",)
    with pytest.raises(InputError, match="give one of A, B"):
        find_target("kailua", SocTable({"a": soc("A", "v73", 43), "b": soc("B", "v75", 57)}))


def test_the_plan_names_the_generation_and_the_libraries_that_a_phone_needs(desk: Desk) -> None:
    plan = desk.plan()
    assert plan.target.htp == "v75"
    assert plan.versions == {"MNN checkout": "3.6.1", "QNN SDK": "2.37.0.250724175447"}
    assert "HTP v75 (SM8650)" in plan.notes[0]
    assert all(f"libQnn{name}" in plan.notes[1] for name in ("Htp.so", "HtpV75Stub", "System", "HtpV75Skel"))


async def test_what_a_dry_run_prints_makes_the_model_when_it_is_pasted(desk: Desk) -> None:
    plan = desk.plan()
    assert not desk.work.exists()
    done = await procs.run(
        ["sh", "-e"], timeout_s=60, stdin="\n".join(plan.commands()).encode(), env=desk.environment()
    )
    assert (done.status, done.stdout.decode().splitlines()[-1]) == (0, "End")
    assert (desk.work / "ready/qnn/graphllm0.bin").is_file()
    assert (desk.work / "ready/config.json").read_text() == (desk.work / "ready/config_qnn.json").read_text()
    assert "weights are within" in (desk.work / "ready/llm.mnn.weight").read_text()
    # What is linked in the folders of the other steps was not written through.
    assert (desk.work / "model/llm.mnn.weight").stat().st_size == 4096


def test_too_little_room_is_warned_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any("are free" in warning for warning in desk.plan().warnings)
    tight = Machine(free_ram_bytes=10**12, free_disk_bytes=1000, versions={})
    monkeypatch.setattr("devicehub.export.npu.plan.this_machine", lambda _out: tight)
    [warning] = [warning for warning in desk.plan().warnings if "are free" in warning]
    assert "1.0 kB are free" in warning


def test_options_of_the_user_reach_mnns_exporter(desk: Desk) -> None:
    [command] = [str(one) for one in desk.plan("quant_bit=4", "quant_block=64").steps[0].commands[-1:]]
    assert "--quant_bit=4 --quant_block=64" in command
    assert "--generate_for_npu" in command


@pytest.mark.parametrize("words", [("generate_for_npu=false",), ("sym=false",), ("act_bit=8",)])
def test_options_that_the_npu_cannot_do_without_are_kept(desk: Desk, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"recipe npu-qnn: .*NPU"):
        desk.plan(*words)


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("qairt/bin/x86_64-linux-clang/qnn-context-binary-generator", "lacks bin/.*qnn-context-binary-gen"),
        ("qairt/lib/hexagon-v75/unsigned/libQnnHtpV75Skel.so", "release of the SDK that supports HTP v75"),
        (f"MNN/{GENERATOR}", "give a checkout of MNN"),
        ("MNN/source/backend/qnn/npu_convert.py", "give a checkout of MNN"),
        ("MNN/build/MNNConvert", "lacks MNNConvert; build it for this host: cd .*-DMNN_QNN_CONVERT_MODE=ON"),
        ("MNN/build/compilefornpu", "lacks compilefornpu"),
        ("bin/clang++", r"this host: has no clang\+\+"),
    ],
)
def test_what_is_missing_is_named_before_anything_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, gone: str, says: str
) -> None:
    monkeypatch.setattr(
        "devicehub.export.npu.plan.check_host",
        lambda: check_host(lambda name: shutil.which(name, path=f"{desk.programs}:/usr/bin:/bin")),
    )
    if (system := shutil.which("clang++", path="/usr/bin:/bin")) and gone.endswith("clang++"):
        pytest.skip(f"this host has {system}")
    (desk.mnn.parent / gone).unlink()
    with pytest.raises(InputError, match=says):
        desk.plan()
    assert not desk.work.exists()


@pytest.mark.parametrize(("value", "refused"), [("OFF", True), ("ON", False), ("1", False)])
def test_a_build_without_the_converter_for_qnn_is_refused(desk: Desk, value: str, refused: bool) -> None:
    cache = f"MNN_QNN:BOOL=ON\nMNN_QNN_CONVERT_MODE:BOOL={value}\n"
    (desk.mnn / "build/CMakeCache.txt").write_text(cache)
    if refused:
        with pytest.raises(InputError, match=r"was built without MNN_QNN_CONVERT_MODE; build it .*cmake"):
            desk.plan()
    else:
        desk.plan()


def test_what_was_not_given_is_asked_for(desk: Desk) -> None:
    with pytest.raises(InputError, match=r"recipe npu-qnn: .*; give --soc NAME \(or --on SELECTOR\)$"):
        desk.plan(soc=None)


def test_a_path_that_a_shell_takes_apart_is_refused(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without quotes"):
        desk.plan(out=tmp_path / "my models" / "tiny")
    moved = desk.sdk.rename(tmp_path / "qairt $HOME")
    with pytest.raises(InputError, match="without quotes"):
        desk.plan(qnn_sdk=moved)


@pytest.mark.parametrize(
    ("model_type", "words"),
    [("qwen3", ()), ("qwen3_vl", ("Qwen", "VL")), ("qwen3_5", ("Qwen3.5",)), ("llama", ())],
)
def test_families_that_mnns_script_tells_by_the_path_are_in_it(
    desk: Desk, model_type: str, words: tuple[str, ...]
) -> None:
    kit: Kit = desk.plan().kit
    [graphs] = [step for step in plan_steps(desk.source, model_type, (), kit) if step.name == "graphs"]
    argv = graphs.commands[-1].argv
    given = argv[argv.index("--model") + 1]
    assert all(word in given for word in words)
    assert words or given == "graphs"
    assert argv[argv.index("--soc_id") + 1 : argv.index("--soc_id") + 4] == ("57", "--dsp_arch", "v75")
