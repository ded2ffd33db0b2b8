"""Pruning a checkpoint: what appears, and what does not when it goes wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from devicehub.errors import HubError, InputError, ProgramError
from devicehub.export.machine import Machine
from devicehub.export.prune.parent import PruneJob, Step, check_prunable, own_text, prune
from devicehub.export.prune.pattern import find_pattern
from devicehub.export.prune.report import REPORT, PruneReport
from devicehub.export.source import read_source
from devicehub.manifest import list_files
from tests.export.checkpoints import make_checkpoint
from tests.processes import words_of

if TYPE_CHECKING:
    from pathlib import Path

ROOMY = Machine(10**12, 10**12, {})
needs_llmcompressor = pytest.mark.skipif(
    importlib.util.find_spec("llmcompressor") is None,
    reason="llmcompressor missing: pip install -e '.[export]'",
)


def job(
    folder: Path, method: str = "magnitude", pattern: str = "2:4", source: Path | None = None
) -> PruneJob:
    found = read_source(source or make_checkpoint(folder / "Tiny-1M"))
    lines = ("A first line to look at.", "And a second one.")
    return PruneJob(found, method, find_pattern(pattern, None), lines, folder / "out" / "pruned")


async def pruned(asked: PruneJob, *, has_torch: bool = False, python: str = sys.executable) -> PruneReport:
    return await prune(asked, ROOMY, has_torch=has_torch, on_step=lambda _step: None, python=python)


async def test_every_group_of_every_linear_layer_conforms_and_nothing_else_changes(tmp_path: Path) -> None:
    asked = job(tmp_path)
    report = await pruned(asked)
    assert {layer.conforming for layer in report.layers} == {1.0}
    assert {layer.name for layer in report.layers} == {linear.name for linear in asked.source.linears}
    out = read_source(asked.out)
    assert out.zeros.share == pytest.approx(0.5, abs=0.01)
    for name, tensor in asked.source.tensors.items():
        before = tensor.file.read_bytes()[tensor.offset :][: tensor.size]
        there = out.tensors[name]
        after = there.file.read_bytes()[there.offset :][: there.size]
        assert (before != after) == any(name == linear.name for linear in asked.source.linears), name
    assert msgspec.json.decode((asked.out / REPORT).read_bytes(), type=PruneReport) == report
    assert (report.perplexity_before, report.unmeasured) == (None, "perplexity takes the extra `export`")


async def test_steps_are_told_in_their_order(tmp_path: Path) -> None:
    steps: list[Step] = []
    await prune(job(tmp_path), ROOMY, has_torch=False, on_step=steps.append)
    titles = list(dict.fromkeys((step.number, step.of, step.title) for step in steps))
    assert titles == [(1, 2, "copy the checkpoint"), (2, 2, "prune by magnitude")]
    assert any(step.share == 1 for step in steps if step.number == 1)


async def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    asked = job(tmp_path)
    asked.out.mkdir(parents=True)
    with pytest.raises(InputError, match="is there already"):
        await pruned(asked)
    assert list(asked.out.iterdir()) == []


async def test_a_child_that_fails_leaves_nothing(tmp_path: Path) -> None:
    asked = job(tmp_path)
    with pytest.raises(ProgramError, match="status 1"):
        await pruned(asked, python="/bin/false")
    assert list(asked.out.parent.iterdir()) == []


async def test_cancelled_in_any_step_it_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    asked = job(tmp_path)
    for number in (1, 2):
        reached = asyncio.Event()

        def look(step: Step, number: int = number, reached: asyncio.Event = reached) -> None:
            if step.number == number:
                reached.set()

        task = asyncio.ensure_future(prune(asked, ROOMY, has_torch=False, on_step=look))
        await reached.wait()
        task.cancel()
        await asyncio.wait({task})
        assert list(asked.out.parent.iterdir()) == []
        words = [words_of(process) for process in psutil.Process(os.getpid()).children(recursive=True)]
        assert not any("devicehub.export.prune.child" in argv for argv in words)
    await pruned(asked)
    assert (asked.out / REPORT).is_file()


@pytest.mark.parametrize(
    ("method", "machine", "sentence"),
    [
        ("magnitude", Machine(10**12, 10, {}), "its copy takes"),
        ("wanda", Machine(10, 10**12, {}), "--method magnitude"),
    ],
)
def test_what_this_host_cannot_do_is_refused(
    tmp_path: Path, method: str, machine: Machine, sentence: str
) -> None:
    asked = job(tmp_path)
    with pytest.raises(InputError, match=sentence):
        check_prunable(asked.source, asked.pattern, method, machine)


def test_rows_that_groups_do_not_divide_are_refused(tmp_path: Path) -> None:
    asked = job(tmp_path, source=make_checkpoint(tmp_path / "odd", intermediate=510))
    with pytest.raises(InputError, match="take --pattern unstructured"):
        check_prunable(asked.source, asked.pattern, "magnitude", ROOMY)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    asked = job(tmp_path, source=make_checkpoint(tmp_path / "whole", dtype="I32"))
    with pytest.raises(InputError, match="not F32, F16 or BF16"):
        check_prunable(asked.source, asked.pattern, "magnitude", ROOMY)


def test_there_is_a_text_for_whoever_gives_none() -> None:
    assert len(own_text()) > 20


@needs_llmcompressor
@pytest.mark.parametrize("method", ["wanda", "sparsegpt"])
async def test_by_a_text_every_group_conforms_and_the_result_is_a_checkpoint(
    tmp_path: Path, tiny_source: Path, method: str
) -> None:
    asked = job(tmp_path, method, source=tiny_source)
    report = await pruned(asked, has_torch=True)
    assert {(layer.zeros, layer.conforming) for layer in report.layers} == {(0.5, 1.0)}
    assert report.perplexity_before is not None
    assert report.perplexity_after is not None
    assert report.perplexity_after != report.perplexity_before
    assert read_source(asked.out).zeros.share == pytest.approx(0.5, abs=0.01)
    assert list_files(asked.out) == list_files(tiny_source)


async def test_a_method_whose_library_is_not_there_is_told(tmp_path: Path) -> None:
    if importlib.util.find_spec("llmcompressor") is not None:
        asked = job(tmp_path, "wanda")  # its tokenizer is none
    else:
        asked = job(tmp_path, "sparsegpt")
    with pytest.raises(HubError, match="pruning by"):
        await pruned(asked)
    assert list(asked.out.parent.iterdir()) == []
