from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devicehub.clock import SystemClock
from devicehub.errors import InputError
from devicehub.export.npu.errors import NpuStepFailed
from devicehub.export.npu.runner import NpuMade, run_npu
from devicehub.models.check import check_model
from tests.export.npu.kit import Desk, make_desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.export.npu.progress import NpuProgress
    from devicehub.export.result import ChildResult


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk(tmp_path)
    monkeypatch.setenv("PATH", desk.environment()["PATH"])
    return desk


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def make(
    desk: Desk, *, tell: Callable[[NpuProgress], None] = lambda _progress: None
) -> NpuMade[list[str]]:
    async def judge(model: Path, _result: ChildResult) -> list[str]:
        return names_in(model)

    async def describe(ready: Path, result: ChildResult, acceptance: list[str]) -> None:
        (ready / ".made").write_text(json.dumps([result.versions["QNN SDK"], acceptance[0]]))

    return await run_npu(
        desk.plan(), desk.log, judge=judge, describe=describe, on_progress=tell, clock=SystemClock()
    )


async def test_the_model_appears_with_its_graphs_and_runs_by_its_own_config(desk: Desk) -> None:
    stages: list[str] = []
    made = await make(desk, tell=lambda progress: stages.append(progress.stage))
    assert list(dict.fromkeys(stages)) == [
        *("export", "accept", "graphs-1", "graphs-2", "graphs-3", "graphs-4", "bind", "publish")
    ]
    assert (made.graphs, made.reused) == (("qnn/graphllm0.bin",), ())
    assert json.loads((desk.out / "qnn/graphllm0.bin").read_text()) == {"soc_id": 57, "dsp_arch": "v75"}
    checked = check_model(desk.out)
    assert (checked.config["llm_model"], checked.config["chunk_limits"]) == ("qnn/llm.mnn", [128, 1])
    assert checked.config == json.loads((desk.out / "config_qnn.json").read_text())
    assert set(checked.files) >= {"qnn/llm.mnn", "qnn/graphllm0.bin", "embeddings_bf16.bin"}
    assert "weights are within qnn/" in (desk.out / "llm.mnn.weight").read_text()
    assert not (desk.out / "llm.mnn").exists()
    assert json.loads((desk.out / ".made").read_text()) == ["2.37.0.250724175447", "config.json"]
    assert [entry.name for entry in desk.out.parent.iterdir()] == ["tiny-npu"]


async def test_the_model_before_it_is_compiled_is_what_is_judged(desk: Desk) -> None:
    made = await make(desk)
    assert {"llm.mnn", "llm.mnn.weight", "llm.mnn.json"} <= set(made.acceptance)
    assert "qnn" not in made.acceptance
    assert made.result.peak_bytes > 1_000_000
    assert made.result.options[:2] == ["--export", "mnn"]


@pytest.mark.parametrize(
    ("at", "does", "step", "says"),
    [
        ("export", "raise", "export", "llmexport.py: RuntimeError: export failed"),
        ("io", "raise", "graphs", "generate_llm_qnn.py: RuntimeError: io failed"),
        ("compile", "complain", "graphs", "clang++: error: unable to execute command"),
        ("move", "leave", "graphs", "it ended without a word of its end"),
    ],
)
async def test_a_step_that_fails_is_named_with_its_reason_and_done_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, at: str, does: str, step: str, says: str
) -> None:
    monkeypatch.setenv("STAND_IN_AT", at)
    monkeypatch.setenv("STAND_IN_DOES", does)
    with pytest.raises(NpuStepFailed) as caught:
        await make(desk)
    assert caught.value.stage == step
    assert says in str(caught.value)
    assert "the same command goes on from there" in str(caught.value)
    assert not desk.out.exists()
    monkeypatch.delenv("STAND_IN_AT")
    made = await make(desk)
    assert made.reused == (() if step == "export" else ("export",))


async def test_a_tool_that_is_retried_and_fails_is_told_by_its_own_script(desk: Desk) -> None:
    tool = desk.sdk / "bin/x86_64-linux-clang/qnn-context-binary-generator"
    tool.write_text("#!/bin/sh\necho 'QNN error: no such soc'\nexit 1\n")
    with pytest.raises(NpuStepFailed, match=r"QNN error: no such soc .*npu_convert.py failed") as caught:
        await make(desk)
    assert "QNN error: no such soc" in caught.value.tail
    assert not any(line.startswith(("Traceback", " ")) for line in caught.value.tail)
    assert "Traceback" in desk.log.read_text()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("STAND_IN_CHUNKS", "[64, 1]", r"chunk_limits is \[64, 1\], not \[128, 1\]"),
        ("STAND_IN_NAMES", "nothing", "names no compiled graph"),
        ("STAND_IN_NAMES", "qnn/graphllm7.bin", r"graphllm7\.bin: is missing"),
    ],
)
async def test_what_the_script_made_is_checked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=says):
        await make(desk)
    assert not desk.out.exists()
    monkeypatch.delenv(name)
    assert (await make(desk)).reused == ("export",)


async def test_a_graph_that_is_empty_is_refused(desk: Desk) -> None:
    tool = desk.sdk / "bin/x86_64-linux-clang/qnn-context-binary-generator"
    tool.write_text(tool.read_text().replace("cat ", "true "))
    with pytest.raises(InputError, match=r"graphllm0\.bin: is empty"):
        await make(desk)


async def test_a_script_of_mnns_that_changed_does_its_step_anew(desk: Desk) -> None:
    def tell(progress: NpuProgress) -> None:
        if progress.stage == "publish":
            raise InputError(desk.out, "stopped by the test")

    with pytest.raises(InputError, match="stopped"):
        await make(desk, tell=tell)
    script = desk.mnn / "transformers/llm/export/npu/generate_llm_qnn.py"
    script.write_text(f"{script.read_text()}\n")
    # The same graphs came of it, so what was made of them holds.
    assert (await make(desk)).reused == ("export", "bind")
    assert desk.out.is_dir()


async def test_a_source_that_changed_begins_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_AT", "separate")
    monkeypatch.setenv("STAND_IN_DOES", "raise")
    with pytest.raises(NpuStepFailed):
        await make(desk)
    monkeypatch.delenv("STAND_IN_AT")
    (desk.source / "tokenizer.json").write_text('{"version": 2}')
    assert (await make(desk)).reused == ()


async def test_a_name_that_is_taken_is_refused_and_nothing_is_left(desk: Desk) -> None:
    desk.out.mkdir(parents=True)
    with pytest.raises(InputError, match="is there already"):
        await make(desk)
    assert [entry.name for entry in desk.out.parent.iterdir()] == ["tiny-npu"]
