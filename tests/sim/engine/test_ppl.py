"""The virtual ppl_eval: what it prints, and that its figure is the wheel's own."""

from __future__ import annotations

from typing import Final

import pytest

from devicehub.sim.engine.ppl import chunks_of, cut
from tests.sim.engine.perplexity import perplexity_of
from tests.sim.engine.runs import Bench, bench, needs_demo_model

__all__ = ["bench"]

TEXT: Final = "A phone that runs a language model warms up, and a warm phone slows down.\n" * 40
CHUNKS: Final = ((0, 768, 0), (512, 1280, 255))
"""As ppl_eval cuts it: begin, end, and the first loss that counts."""


@needs_demo_model
async def test_perplexity_over_two_chunks_is_the_wheels(bench: Bench) -> None:
    (bench.folder / "prompt.txt").write_text(TEXT)
    done = await bench.start("ppl_eval", "model/config.json", ".")
    assert done.status == 0
    assert done.stdout.startswith(b"llmPath=s model/config.json in main, 39 \ntextPath=s . in main, 40 \n")
    lines = done.stdout.decode().splitlines()
    assert lines[-3:-1] == ["contextLength=768 in main, 86 ", "stride=512 in main, 87 "]
    found = float(lines[-1].removeprefix("Perplexity: "))
    assert found == pytest.approx(await perplexity_of(bench.model / "config.json", TEXT, CHUNKS), rel=1e-3)


@needs_demo_model
async def test_garbling_engine_foretells_worse(bench: Bench) -> None:
    (bench.folder / "prompt.txt").write_text("What is DeviceHub?")
    script = bench.folder / "script.json"
    figures = []
    for text in ("", '{"garble": true}'):
        script.write_text(text)
        done = await bench.start("ppl_eval", "model/config.json", ".", DEVICEHUB_SIM_ENGINE=str(script))
        figures.append(float(done.stdout.rpartition(b"Perplexity: ")[2]))
    assert figures[1] > 2 * figures[0]


@needs_demo_model
@pytest.mark.parametrize(
    ("config", "folder", "said"),
    [
        ("model/config.json", "nowhere", b"Load prompt error\n"),
        ("nowhere/config.json", ".", b"Load LLM error\n"),
        ("model/config.json", ".", b"Perplexity: "),
    ],
)
async def test_failure_has_status_0(bench: Bench, config: str, folder: str, said: bytes) -> None:
    (bench.folder / "prompt.txt").write_bytes(b"")
    done = await bench.start("ppl_eval", config, folder)
    assert done.status == 0
    assert said in done.stdout
    assert (b"nan\n" in done.stdout) == said.startswith(b"Perpl")


@pytest.mark.parametrize(
    ("config", "chunks"),
    [({}, (768, 512)), ({"chunk": 128}, (128, 84)), ({"chunk_limits": [90, 1], "chunk": 7}, (90, 60))],
)
def test_chunks_follow_the_configuration(config: dict[str, object], chunks: tuple[int, int]) -> None:
    assert chunks_of(config) == chunks


@pytest.mark.parametrize("tokens", [1, 2, 5, 6, 7, 8, 9, 50])
def test_each_token_but_the_first_counts_once(tokens: int) -> None:
    counted = [token for chunk, first in cut(range(tokens), 6, 4) for token in chunk[1 + first :]]
    assert counted == list(range(1, tokens))
