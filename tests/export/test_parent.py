"""Exports that go wrong, with a stand-in that prints and writes what llmexport does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from devicehub.clock import SystemClock
from devicehub.errors import HubError, InputError
from devicehub.export.errors import ExportFailed
from devicehub.export.parent import Exported, ExportJob, export
from devicehub.export.workplace import workplace

if TYPE_CHECKING:
    from devicehub.export.progress import Progress
    from devicehub.export.result import ChildResult

STAND_IN: Final = Path(__file__).with_name("stand_in")


class RefusedError(HubError):
    pass


class Desk:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.models, self.log = folder / "models", folder / "export.log"
        self.told: list[Progress] = []
        self._source = folder / "source"
        self._source.mkdir()
        self._patch = monkeypatch
        paths = [str(STAND_IN), str(Path(__file__).parents[2])]
        monkeypatch.setenv("PYTHONPATH", ":".join(paths))
        # Whoever runs the tests may have set these, and bars would look otherwise.
        monkeypatch.setenv("TQDM_ASCII", "1")
        monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    async def export(
        self, words: str = "", does: str = "", python: str = sys.executable, *, refuse: bool = False
    ) -> Exported[str]:
        self._patch.setenv("STAND_IN_AT", words)
        self._patch.setenv("STAND_IN_DOES", does)

        async def accept(folder: Path, result: ChildResult) -> str:
            if refuse:
                raise RefusedError
            names = ", ".join(sorted(os.listdir(folder)))  # noqa: PTH208 - pathlib's is for threads, says ruff
            return f"{names}: {result.error!r}"

        job = ExportJob(self._source, ("--export", "mnn"), self.models / "tiny", self.log, accept)
        return await export(job, on_stage=self.told.append, clock=SystemClock(), python=python)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


async def test_what_was_accepted_appears(desk: Desk) -> None:
    exported = await desk.export()
    assert exported.acceptance == "config.json, llm.mnn, llm.mnn.weight, llm_config.json, tokenizer.mtok: ''"
    assert [entry.name for entry in desk.models.iterdir()] == ["tiny"]
    assert exported.pip_calls == ()
    assert sum(exported.took_s.values()) >= exported.child_s > 0
    assert exported.result.options[-4:] == ["--path", "source", "--dst_path", "exported"]
    shares = [progress.share for progress in desk.told]
    assert shares == sorted(shares)


async def test_what_is_not_accepted_does_not(desk: Desk) -> None:
    with pytest.raises(RefusedError):
        await desk.export(refuse=True)
    assert list(desk.models.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ("load pretrained model", "load"),
        ("export onnx model to", "onnx"),
        ("convert onnx model to", "convert"),
        ("quant model weight to", "quantize"),
        ("export tokenizer to", "tokenizer"),
        ("export config to", "config"),
    ],
)
async def test_a_failure_names_its_stage_and_shows_the_tail(desk: Desk, words: str, stage: str) -> None:
    with pytest.raises(ExportFailed) as failed:
        await desk.export(words, "fail")
    assert (failed.value.stage, failed.value.reason) == (stage, "RuntimeError: shape '[64, -1]' is invalid")
    assert "RuntimeError: shape '[64, -1]' is invalid" in failed.value.tail
    assert "RuntimeError: shape '[64, -1]' is invalid" in str(failed.value)
    assert "RuntimeError: shape '[64, -1]' is invalid" in desk.log.read_text()
    assert list(desk.models.iterdir()) == []


async def test_an_error_outside_its_stages_is_the_reason(desk: Desk) -> None:
    with pytest.raises(ExportFailed, match="ValueError: no such model type") as failed:
        await desk.export("export onnx model to", "raise")
    assert failed.value.tail[-1] == "ValueError: no such model type"


async def test_pip_is_refused_and_told(desk: Desk) -> None:
    exported = await desk.export("load pretrained model", "pip")
    assert exported.pip_calls == ("pip install -U aliyun-log-python-sdk",)
    assert "pip: nothing is installed during an export" in desk.log.read_text()


@pytest.mark.parametrize("does", ["leave out", "no result"])
async def test_an_end_with_status_0_is_not_believed(desk: Desk, does: str) -> None:
    with pytest.raises(ExportFailed) as failed:
        await desk.export("convert onnx model to", does)
    expected = {
        "leave out": "llmexport came to its end without llm.mnn",
        "no result": "the exporter ended with status 0 and left no result",
    }
    assert failed.value.reason == expected[does]
    assert list(desk.models.iterdir()) == []


async def test_an_interpreter_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(ExportFailed, match="the child cannot be started: No such file or directory"):
        await desk.export(python="/nowhere/python")


async def test_an_interpreter_that_cannot_start_is_quoted(desk: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text(
        "#!/bin/sh\necho 'error while loading shared libraries: libpython3.11.so' >&2; exit 127\n"
    )
    broken.chmod(0o755)
    with pytest.raises(ExportFailed, match="status 127") as failed:
        await desk.export(python=str(broken))
    assert failed.value.tail == ("error while loading shared libraries: libpython3.11.so",)


async def test_a_log_that_cannot_be_written(desk: Desk) -> None:
    desk.log.mkdir()
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        await desk.export()
    assert list(desk.models.iterdir()) == []


async def test_one_that_is_refused_leaves_the_log_of_the_other_alone(desk: Desk) -> None:
    desk.log.write_text("what the first says")
    with workplace(desk.models / "tiny"), pytest.raises(InputError, match="another export is making it"):
        await desk.export()
    assert desk.log.read_text() == "what the first says"
