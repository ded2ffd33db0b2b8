"""Which of MNN's rows a logcat build logs as errors."""

from __future__ import annotations

import pytest

from devicehub.sim.engine.log import priority_of


@pytest.mark.parametrize(
    "row",
    [
        b"[Error]: LLM in error state. Status: 4",
        b"LLM init error",
        b"Can't open file:tmp_0/mnn_cachefile.bin",
        b"Load Cache file error.",
        b"Memory not Enough, can't extract IDST Convolution: /lm/lm_head/Linear ",
        b"Error: Generation failed due to internal error",
        b"MTP: failed to load mtp model m/mtp.mnn",
    ],
)
def test_complaints_are_errors(row: bytes) -> None:
    assert priority_of(row) == "E"


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"Prepare for tuning opt Begin",
        b"prompt tokens num = 41",
        # These complain, but MNN prints them as information.
        b"Can't Find type=3 backend, use 0 instead",
        b"ReadQuanData_c return weightLength is 0, maybe the weight data is invalid",
        b"code=2 in onForward, 769 ",
        b"Invalidate buffer to create MNN Module",
    ],
)
def test_reports_are_information(row: bytes) -> None:
    assert priority_of(row) == "I"
