"""What llmexport 0.0.5 prints, captured from an export of a tiny Qwen3 (yaspin 3.5, tqdm 4.70)."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.export.output import Begun, Counted, Ended, Event, Output, Said
from devicehub.export.stages import Stage

CAPTURED: Final = (
    "\r\r\r⠋ load pretrained model \r                         \r"
    "\rLoading weights:   0%|          | 0/24 [00:00<?, ?it/s]"
    "\rLoading weights: 100%|██████████| 24/24 [00:00<00:00, 24480.37it/s]\n"
    "\r                         \r✅ Done load pretrained model \x1b[33;4msource"
    "\x1b[0m                                  \n\x1b[0m"
    "\r\r\r⠋ export onnx model to \r                        \r"
    "\r⠙ export onnx model to \r                        \r"
    "✅ Done export onnx model to \x1b[33;4mexported/onnx/llm.onnx\x1b[0m                   \n\x1b[0m"
    "\r\r\r⠋ quant model weight to \r                         \r"
    "\rQuant weights:   0%|          | 0/234 [00:00<?, ?it/s]"
    "\rQuant weights:  32%|███▏      | 75/234 [00:01<00:02, 58.20it/s]"
    "\rQuant weights: 100%|██████████| 234/234 [00:04<00:00, 50.59it/s]\n"
).encode()


def read(*pieces: bytes) -> list[Event]:
    output = Output()
    events = [event for piece in pieces for event in output.receive(piece)]
    return events + list(output.close())


def test_a_tiny_qwen3() -> None:
    events = read(CAPTURED)
    assert [event for event in events if not isinstance(event, Said | Counted)] == [
        Begun(Stage.LOAD),
        Ended(Stage.LOAD),
        Begun(Stage.ONNX),
        Begun(Stage.ONNX),
        Ended(Stage.ONNX),
        Begun(Stage.QUANTIZE),
    ]
    assert [event.text for event in events if isinstance(event, Said)] == [
        "Loading weights: 100%|██████████| 24/24 [00:00<00:00, 24480.37it/s]",
        "✅ Done load pretrained model source",
        "✅ Done export onnx model to exported/onnx/llm.onnx",
        "Quant weights: 100%|██████████| 234/234 [00:04<00:00, 50.59it/s]",
    ]
    counted = [event for event in events if isinstance(event, Counted)]
    assert [(event.stage, event.done, event.total) for event in counted] == [
        (Stage.LOAD, 0, 24),
        (Stage.LOAD, 24, 24),
        (Stage.QUANTIZE, 0, 234),
        (Stage.QUANTIZE, 75, 234),
        (Stage.QUANTIZE, 234, 234),
    ]


def test_cut_at_every_byte_it_reads_the_same() -> None:
    whole = read(CAPTURED)
    assert read(*(CAPTURED[n : n + 1] for n in range(len(CAPTURED)))) == whole
    for n in range(len(CAPTURED)):
        assert read(CAPTURED[:n], CAPTURED[n:]) == whole


def test_a_bar_counts_before_its_line_ends() -> None:
    assert list(Output().receive(b"\rAWQ:  25%|##5       | 1/4 [02:10<06:30, 130.00s/it]")) == [
        Counted(Stage.CALIBRATE, "AWQ", 1, 4, 0.25)
    ]


def test_a_spinner_that_stands_still_has_begun() -> None:
    # The converter keeps the interpreter's lock: the thread that draws comes to its first frame only.
    assert list(Output().receive("\r\r\r⠋ convert onnx model to ".encode())) == [Begun(Stage.CONVERT)]


def test_a_warning_behind_a_spinner_is_kept() -> None:
    events = read("\r⠋ export visual to /lib/vision.py:12: TracerWarning: a bool\n".encode())
    assert events == [Begun(Stage.ONNX), Said("export visual to /lib/vision.py:12: TracerWarning: a bool")]


def test_a_bar_of_a_part_that_is_not_known_counts_for_no_stage() -> None:
    assert read(b"\rMap:  50%|##### | 2/4 [00:00<00:00]\n")[0] == Counted(None, "Map", 2, 4, 0.0)


@pytest.mark.parametrize("total", [b"0", b"9" * 400])
def test_a_bar_of_nothing_or_too_much(total: bytes) -> None:
    read(b"\rQuant weights: 100%|##| 1/" + total + b" [00:00<00:00]\n")


def test_a_line_without_end_is_bounded() -> None:
    output = Output()
    for _ in range(64):
        assert list(output.receive(b"x" * 10_000)) == []
    (said,) = output.close()
    assert isinstance(said, Said)
    assert len(said.text) < 70_000


@given(st.lists(st.binary()))
def test_it_never_raises(pieces: list[bytes]) -> None:
    read(*pieces)
