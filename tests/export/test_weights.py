"""What llmexport says about its layers, held against their shapes."""

from __future__ import annotations

from dataclasses import replace

from devicehub.export.logits_question import fidelity
from devicehub.export.weights import Linear, read_linears, tie_problem

OP = {
    "type": "Convolution",
    "name": "/lm/lm_head/Linear",
    "main": {
        "common": {"outputCount": 256, "inputCount": 256},
        "quanParameter": {"type": 1, "aMaxOrBits": 4, "aMin": 1, "readType": 1024, "shapeInt32": False},
        "external": [2048, 32790, 8192, 0, 0],
    },
}
LINEAR = Linear("/lm/lm_head/Linear", 256, 256, 4, False, 1024, 2048, 32790, 8192, False)


def test_layer_of_four_bits_in_blocks_of_64() -> None:
    assert read_linears({"oplists": [OP]}) == [LINEAR]
    assert (LINEAR.problem(), LINEAR.block) == ("", 64)


def test_newer_exporters_write_scales_of_16_bits_and_say_so() -> None:
    main = {
        "common": {"outputCount": 256, "inputCount": 256},
        "quanParameter": {"type": 1, "aMaxOrBits": 8, "aMin": 0, "readType": 0, "scaleStorage": "FP16"},
        "external": [2048, 65798, 512, 0, 0],
    }
    [linear] = read_linears({"oplists": [{**OP, "main": main}]})
    assert (linear.problem(), linear.block) == ("", 256)


def test_block_larger_than_the_row() -> None:
    assert "less than the block" in replace(LINEAR, groups_told=0, scale_bytes=2048).problem()


def test_tie_records_the_block_that_was_asked_for() -> None:
    tie = [2048 + 22, 2048 + 32790, 8192, 4, 64]
    assert tie_problem([LINEAR], tie) == ""
    assert "blocks of 128" in tie_problem([LINEAR], [*tie[:4], 128])


def test_nonsense_is_passed_over() -> None:
    assert read_linears({"oplists": [None, {"type": "Convolution"}, {**OP, "main": []}]}) == []
    assert read_linears([]) == []


def test_one_wrong_position_among_right_ones() -> None:
    assert "0.5000" in fidelity([0.999] * 31 + [0.5]).problem(4)
    assert fidelity([0.97] * 32).problem(4) == ""
    assert fidelity([0.97] * 32).problem(8)
