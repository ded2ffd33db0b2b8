"""Perplexity and speed of a model on this host, by the wheel in a child process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from devicehub.demo_model import demo_model_dir
from devicehub.errors import InputError
from devicehub.export.measuring import measure_figures

KNOWN: Final = (
    "I am only a small demo model and do not know that. Ask me what DeviceHub is, what it measures."
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo_model_dir(), tmp_path / "model"))


async def test_a_text_like_those_it_learned_has_a_lower_perplexity_than_noise(folder: Path) -> None:
    known = await measure_figures(folder, cosine=0.99, text=KNOWN)
    noise = await measure_figures(folder, cosine=None, text="qz 7#x vvk )( jjw 0p ~~ lk")
    assert known.problem == noise.problem == ""
    assert known.perplexity is not None
    assert noise.perplexity is not None
    assert 1 < known.perplexity < noise.perplexity
    assert known.decode_tok_s is not None
    assert known.decode_tok_s > 0
    assert (known.cosine, noise.cosine) == (0.99, None)
    assert known.size == sum(
        (folder / name).stat().st_size
        for name in ("config.json", "llm_config.json", "llm.mnn", "llm.mnn.weight", "tokenizer.mtok")
    )


async def test_without_a_text_there_is_no_perplexity(folder: Path) -> None:
    figures = await measure_figures(folder, cosine=None, text=None)
    assert figures.perplexity is None
    assert figures.decode_tok_s is not None


async def test_weights_that_are_cut_are_told_before_the_engine_has_to(folder: Path) -> None:
    weights = folder / "llm.mnn.weight"
    with weights.open("r+b") as file:
        file.truncate(weights.stat().st_size // 2)
    with pytest.raises(InputError, match="is truncated"):
        await measure_figures(folder, cosine=None, text=KNOWN)


async def test_a_child_that_dies_is_told_with_its_last_words(folder: Path) -> None:
    child = ("-c", "import sys; sys.stderr.write('out of luck\\n'); sys.exit(7)")
    figures = await measure_figures(folder, cosine=0.9, text=None, child=child)
    assert figures.problem == "the engine ended with status 7: out of luck"
    assert (figures.cosine, figures.decode_tok_s) == (0.9, None)


async def test_bits_per_weight_come_from_the_exporters_own_description(folder: Path) -> None:
    quantised = {"type": 1, "aMaxOrBits": 4, "aMin": 1, "readType": 16}
    op = {
        "type": "Convolution",
        "name": "/lm/lm_head/Linear",
        "main": {
            "common": {"outputCount": 16, "inputCount": 64},
            "quanParameter": quantised,
            "external": [0, 16 * 64 // 2, 16 * 8, 0, 0],
        },
    }
    (folder / "llm.mnn.json").write_text(json.dumps({"oplists": [op]}))
    figures = await measure_figures(folder, cosine=None, text=None, child=("-c", "print('{}')"))
    assert figures.bits_per_weight == 5.0
