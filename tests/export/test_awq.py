"""AWQ in llmexport 0.0.5 works only when mended: it keeps keys between forwards and reads no text file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devicehub.clock import SystemClock
from devicehub.export.awq import CalibrationError, mend
from devicehub.export.errors import ExportFailed
from devicehub.export.parent import ExportJob, export
from devicehub.export.stages import Stage
from tests.export.sources import PYTHON, needs_exporter

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.progress import Progress
    from devicehub.export.result import ChildResult


class Attention:
    def __init__(self) -> None:
        self.past_key_value: object = None

    def modules(self) -> list[object]:
        return [self, object()]


class Words:
    def encode(self, line: str) -> list[str]:
        return line.split()


def mended() -> Any:
    class Quantizer:
        """Has what `mend` changes, with llmexport's signatures."""

        def _module_forward(self, x: int, module: Attention, module_kwargs: dict[str, int]) -> int:
            assert module.past_key_value is None
            module.past_key_value = x
            return x + module_kwargs["more"]

        @staticmethod
        def get_calib_dataset(data: Any, **options: Any) -> Any:
            return data, options["max_seq_len"], options.get("split")

    mend(Quantizer)
    return Quantizer()


def test_each_forward_begins_without_keys() -> None:
    quantizer, attention = mended(), Attention()
    assert [quantizer._module_forward(n, attention, {"more": 1}) for n in (1, 2)] == [2, 3]
    assert attention.past_key_value is None


def test_a_file_is_handed_over_as_lines_without_those_that_are_too_long(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("one two\n\n  three  \n" + "long " * 513 + "\nfour five six\n", encoding="utf-8")
    lines, tokens, split = mended().get_calib_dataset(str(file), tokenizer=Words(), split="test")
    assert lines == ["one two", "three", "four five six"]
    assert (tokens, split) == (6, "test")


def test_more_text_than_is_taken_fills_one_batch(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("word " * 100 + "\n" + ("other " * 100 + "\n") * 50, encoding="utf-8")
    lines, tokens, _ = mended().get_calib_dataset(str(file), tokenizer=Words(), n_samples=7)
    assert (len(lines), tokens) == (7, 512)


def test_a_file_without_a_fitting_line_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("long " * 513, encoding="utf-8")
    with pytest.raises(CalibrationError, match="no line has between 1 and 512 tokens"):
        mended().get_calib_dataset(str(file), tokenizer=Words())


def test_the_name_of_a_data_set_stays_one() -> None:
    assert mended().get_calib_dataset("wikitext", tokenizer=Words(), split="test") == (
        "wikitext",
        512,
        "test",
    )


async def no_check(_folder: Path, _result: ChildResult) -> None:
    pass


@needs_exporter
@pytest.mark.slow
async def test_the_real_exporter_calibrates_from_a_file(tiny_source: Path, tmp_path: Path) -> None:
    text, out, log = tmp_path / "text.txt", tmp_path / "models" / "awq", tmp_path / "awq.log"
    text.write_text("".join(f"phone {n} of the lab is warm\n" for n in range(40)), encoding="utf-8")
    told: list[Progress] = []
    options = ("--export", "mnn", "--awq", "--calib_data", str(text))
    job = ExportJob(tiny_source, options, out, log, no_check)
    await export(job, on_stage=told.append, clock=SystemClock(), python=PYTHON)
    assert (out / "llm.mnn.weight").stat().st_size > 500_000
    assert "AWQ: 40 of 40 lines, " in log.read_text(encoding="utf-8")
    assert max(progress.stage_share or 0 for progress in told if progress.stage is Stage.CALIBRATE) > 0.4


@needs_exporter
@pytest.mark.slow
async def test_the_real_exporter_without_a_usable_line_says_so(tiny_source: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("warm " * 600, encoding="utf-8")
    options = ("--export", "mnn", "--awq", "--calib_data", str(text))
    job = ExportJob(tiny_source, options, tmp_path / "awq", tmp_path / "awq.log", no_check)
    with pytest.raises(ExportFailed, match="no line has between 1 and 512 tokens") as failed:
        await export(job, on_stage=lambda _: None, clock=SystemClock(), python=PYTHON)
    assert failed.value.stage == Stage.CALIBRATE
