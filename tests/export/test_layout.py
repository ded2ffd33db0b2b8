from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devicehub.export.layout import Layout, Part, lay_out, part_of
from devicehub.export.tensors import Tensor
from tests.export.checkpoints import qwen3_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping


def laid_out(shapes: Mapping[str, tuple[int, ...]], hidden: int = 256) -> Layout:
    tensors = [Tensor(name, "BF16", shape, Path("w"), 0, 0) for name, shape in shapes.items()]
    return lay_out(tensors, hidden=hidden)


def test_norms_and_embeddings_are_no_linear_layers() -> None:
    layout = laid_out(qwen3_shapes(tied=False))
    assert {linear.name.split(".")[-2] for linear in layout.linears} == {
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    }
    assert layout.embedding is not None
    assert layout.output is not None
    assert (layout.embedding.name, layout.output.name) == ("model.embed_tokens.weight", "lm_head.weight")
    assert layout.layers == 2
    assert not layout.experts


def test_inputs_are_the_last_axis_and_bias_is_seen() -> None:
    shapes = {"model.layers.0.mlp.down_proj.weight": (64, 512), "model.layers.0.mlp.down_proj.bias": (64,)}
    [linear] = laid_out(shapes, hidden=64).linears
    assert (linear.outputs, linear.inputs, linear.bias, linear.weights) == (64, 512, True, 64 * 512)


def test_experts_one_by_one_and_fused() -> None:
    one_by_one = {f"model.layers.0.mlp.experts.{n}.up_proj.weight": (96, 256) for n in range(3)}
    layout = laid_out(one_by_one)
    assert layout.experts
    assert [linear.inputs for linear in layout.linears] == [256] * 3
    # Both orders are in use: experts x inputs x outputs, and experts x outputs x inputs.
    fused = {
        "model.layers.0.mlp.experts.gate_up_proj": (2, 256, 192),
        "model.layers.0.mlp.experts.down_proj": (2, 96, 256),
        "model.layers.1.mlp.experts.gate_up_proj": (2, 192, 256),
        "model.layers.1.mlp.experts.down_proj": (2, 256, 96),
    }
    layout = laid_out(fused)
    assert layout.experts
    assert [(linear.outputs, linear.inputs) for linear in layout.linears] == [
        *[(192, 256)] * 2, *[(256, 96)] * 2, *[(192, 256)] * 2, *[(256, 96)] * 2,
    ]  # fmt: skip


def test_parts_by_their_names() -> None:
    assert part_of("model.visual.blocks.0.attn.qkv.weight") is Part.VISUAL
    assert part_of("vision_tower.encoder.layers.0.fc1.weight") is Part.VISUAL
    assert part_of("thinker.audio_tower.layers.0.fc1.weight") is Part.AUDIO
    assert part_of("talker.model.layers.0.mlp.up_proj.weight") is Part.OTHER
    assert part_of("multi_modal_projector.linear.weight") is Part.OTHER
    assert part_of("model.layers.0.mlp.up_proj.weight") is Part.TEXT
    # A word within a longer one says nothing.
    assert part_of("model.layers.0.supervision_head.weight") is Part.TEXT


def test_encoders_layers_are_not_the_language_models() -> None:
    layout = laid_out(
        {
            "model.language_model.layers.0.mlp.up_proj.weight": (512, 256),
            "model.visual.blocks.0.mlp.linear_fc1.weight": (64, 32),
            "model.visual.blocks.1.mlp.linear_fc1.weight": (64, 32),
        }
    )
    assert [linear.name for linear in layout.linears] == ["model.language_model.layers.0.mlp.up_proj.weight"]
    assert layout.layers == 1
    assert layout.elements[Part.VISUAL] == 2 * 64 * 32


def test_tensors_without_values_are_passed_over() -> None:
    layout = laid_out({"model.embed_tokens.weight": (0, 256), "model.layers.0.mlp.up_proj.weight": (512, 0)})
    assert layout.embedding is None
    assert layout.linears == ()
