"""Estimates against exports that were made: llmexport 0.0.5, bytes of their folders."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devicehub.export.estimate import estimate, matrix_bytes
from devicehub.export.layout import lay_out
from devicehub.export.source import Source, read_source
from devicehub.export.tensors import Tensor
from tests.export.checkpoints import make_checkpoint, qwen3_shapes

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.flags import Options


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Source]:
    """Of the shapes that were exported: a Qwen3 of widths 192 and 384, tied and not."""
    folder = tmp_path_factory.mktemp("estimate")
    return {
        tied: read_source(
            make_checkpoint(
                folder / str(tied),
                hidden=192,
                intermediate=384,
                head_dim=48,
                vocab=512,
                tied=tied,
                dtype="F32",
            )
        )
        for tied in (True, False)
    }


@pytest.mark.parametrize(
    ("tied", "options", "made"),
    [
        (False, {"quant_block": 96}, 778_643),
        (False, {"quant_block": 192}, 746_892),
        (False, {"quant_block": 48}, 842_144),
        (False, {"quant_block": 128}, 801_169),
        (False, {"quant_bit": 8, "quant_block": 128}, 1_185_703),
        (False, {"quant_block": 128, "sym": True}, 758_133),
        (False, {"quant_bit": 16, "quant_block": 128}, 1_857_557),
        (False, {"lm_quant_bit": 8, "lm_quant_block": 128}, 859_786),
        (True, {"quant_block": 96}, 582_133),
        (True, {"quant_block": 48}, 645_635),
        (True, {"quant_bit": 8, "quant_block": 128, "sym": True}, 946_158),
    ],
)
def test_bytes_of_an_export(sources: dict[bool, Source], tied: bool, options: Options, made: int) -> None:
    assert estimate(sources[tied], options).bytes == pytest.approx(made, rel=0.02)


@pytest.mark.parametrize(
    ("options", "bits"),
    [
        ({}, 5.0),  # 4, and 64 bits of scale and offset for each 64 weights
        ({"sym": True}, 4.5),
        ({"quant_bit": 8}, 9.0),
        ({"quant_bit": 16}, 16.0),
        ({"quant_block": 32}, 6.0),
    ],
)
def test_bits_per_weight_count_the_scales(sources: dict[bool, Source], options: Options, bits: float) -> None:
    assert estimate(sources[True], options).bits_per_weight == pytest.approx(bits)


def test_a_quantised_embedding_of_its_own_is_counted(sources: dict[bool, Source]) -> None:
    tied, own = estimate(sources[True], {}), estimate(sources[True], {"seperate_embed": True})
    assert own.bytes - tied.bytes == 512 * 192 * 2
    quarter = estimate(sources[True], {"seperate_embed": True, "embed_bit": 4})
    assert quarter.bytes - tied.bytes == matrix_bytes(512, 192, 4, 64, symmetric=False)


LARGE = {"hidden": 640, "intermediate": 2560, "layers": 12, "vocab": 32000, "head_dim": 160}
WIDE = {"hidden": 1024, "intermediate": 3072, "layers": 2, "vocab": 4096, "head_dim": 512}


@pytest.mark.parametrize(
    ("widths", "options", "seen_mb"),
    [
        (LARGE, {"hqq": True}, 1158),
        (WIDE, {"hqq": True}, 611),
        (WIDE, {"awq": True}, 2354),
        (WIDE, {"smooth": True}, 860),
    ],
)
def test_memory_of_exports_that_were_made(
    tmp_path: Path, widths: dict[str, int], options: Options, seen_mb: int
) -> None:
    """Random Qwen3s in bf16; the most that the exporter's process held, in decimal megabytes."""
    shapes = qwen3_shapes(tied=True, **widths)
    tensors = {
        name: Tensor(name, "BF16", shape, tmp_path, 0, 2 * math.prod(shape)) for name, shape in shapes.items()
    }
    source = replace(
        read_source(make_checkpoint(tmp_path / "small")),
        hidden=widths["hidden"],
        vocab=widths["vocab"],
        tensors=tensors,
        layout=lay_out(tensors.values(), hidden=widths["hidden"]),
    )
    assert estimate(source, options).ram_bytes / 1e6 == pytest.approx(seen_mb, rel=0.2)
