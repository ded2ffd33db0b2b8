from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devicehub.export.npu.output import Reading

WHOLE = """Step1: Make IO
Successfully generate /w/tmp/testdir/0/input.mnn and /w/tmp/testdir/0/output.mnn.
Cost:  1.5  s
Step2: Seperate Model
Cost:  20.25  s
Step3: Compile to QNN
/sdk
soc_id: 57 ; dsp_arch: v75 ; vtcm_mb: 8
[Retry 1/3] command failed: python3 /sdk/bin/x86_64-linux-clang/qnn-model-lib-generator -c a.cpp
Cost:  300  s
Step4: Move result file to  graphs
End
"""


def read(text: str) -> Reading:
    reading = Reading()
    reading.receive(text.encode())
    reading.close()
    return reading


def facts(reading: Reading) -> tuple[object, ...]:
    return reading.part, reading.took_s, reading.ended, reading.retried, reading.reason


def test_a_whole_run_is_read() -> None:
    reading = read(WHOLE)
    assert (reading.part, reading.ended) == (4, True)
    assert reading.took_s == {1: 1.5, 2: 20.25, 3: 300.0}
    assert reading.retried == ["python3 /sdk/bin/x86_64-linux-clang/qnn-model-lib-generator -c a.cpp"]


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_cut_anywhere_it_is_the_same(cuts: list[int]) -> None:
    reading, data = Reading(), WHOLE.encode()
    places = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(places):
        reading.receive(data[start:end])
    reading.close()
    assert facts(reading) == facts(read(WHOLE))


@given(st.binary())
def test_whatever_is_said_it_never_raises(data: bytes) -> None:
    reading = Reading()
    reading.receive(data)
    reading.close()


def test_the_compilers_complaint_comes_before_the_scripts_word() -> None:
    reading = read("Step3: Compile to QNN\nclang++: error: no input\nRuntimeError: npu_convert.py failed\n")
    assert reading.reason == "clang++: error: no input (RuntimeError: npu_convert.py failed)"


def test_a_tool_that_crashed_is_told_by_the_shells_word() -> None:
    said = "Step2: Seperate Model\nSegmentation fault (core dumped)\nRuntimeError: compilefornpu failed\n"
    assert read(said).reason == "Segmentation fault (core dumped) (RuntimeError: compilefornpu failed)"


def test_a_complaint_of_a_part_that_went_on_is_no_reason() -> None:
    reading = read("Step2: Seperate Model\nFailed to compile: x\nStep3: Compile to QNN\nRuntimeError: y\n")
    assert reading.reason == "RuntimeError: y"


def test_a_build_without_qnn_is_named_although_it_goes_on() -> None:
    reading = read(
        "Step2: Seperate Model\nCan't Find type=32 backend, use 0 instead\nCost:  1  s\n"
        "Step3: Compile to QNN\n"
        "RuntimeError: Process src failed for qnn/graphllm0: No .raw files found\n"
    )
    assert "-DMNN_QNN_CONVERT_MODE=ON" in reading.reason


def test_a_cache_that_is_not_there_yet_is_no_reason() -> None:
    said = "Can't open file:qnn/graphllm0\nLoad Cache file error.\nRuntimeError: compilefornpu failed\n"
    assert read(said).reason == "RuntimeError: compilefornpu failed"


def test_a_spinner_and_its_colours_leave_the_last_words() -> None:
    reading = Reading()
    assert reading.receive(b"\rload \r\x1b[32mDone\x1b[0m load\r\n") == ["Done load"]


def test_a_line_without_end_is_told_at_the_end() -> None:
    reading = Reading()
    assert reading.receive(b"End") == []
    assert not reading.ended
    assert reading.close() == ["End"]
    assert reading.ended
