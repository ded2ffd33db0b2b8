from __future__ import annotations

import pytest

from devicehub.workloads.failures import BY_SLUG
from devicehub.workloads.remedies import find_remedy
from tests.workloads.launches import HEAD, launch, logcat, parse, run


@pytest.mark.parametrize(
    ("line", "cause", "named"),
    [
        (
            'CANNOT LINK EXECUTABLE "./llm_demo": library "libMNN.so" not found: needed by main executable',
            "link_error",
            "libMNN.so",
        ),
        (
            "error while loading shared libraries: libc++_shared.so: cannot open shared object file",
            "link_error",
            "libc++_shared.so",
        ),
        (
            'cannot locate symbol "_ZN3MNN3newEv" referenced by "/data/x/libllm.so"...',
            "link_error",
            "libllm.so needs _ZN3MNN3newEv",
        ),
        ('dlopen failed: library "libOpenCL.so" not found', "dlopen_error", "libOpenCL.so"),
        ('dlopen failed: "/data/x/libMNN.so" is 32-bit instead of 64-bit', "dlopen_error", "libMNN.so"),
        (
            "Error 0x80000406: remote_handle_open_domain failed. domain 3, name file:///libQnnHtpV75Skel.so?qnn",
            "qnn_error",
            "libQnnHtpV75Skel.so of this chip",
        ),
        (
            'MNN_QNN: Failed to open QNN libs. dlerror() returns library "libQnnHtp.so" not found.',
            "qnn_error",
            "libQnnHtp.so",
        ),
        ("Error: could not open libMNN_htpops_skel.so", "hexagon_error", "libMNN_htpops_skel.so"),
        ("[MNN::Hexagon] Open libcdsprpc.so failed", "hexagon_error", "libcdsprpc.so"),
        ("Can't Find type=3 backend, use 0 instead", "backend_fallback", "OpenCL"),
        ("Can't Find type=99 backend, use 0 instead", "backend_fallback", "backend 99"),
        ("[Error]: LLM weight file not found: m/llm.mnn.weight", "weight_missing", "m/llm.mnn.weight"),
        ("[Error]: tokenizer file not found: m/tokenizer.txt", "tokenizer_missing", "m/tokenizer.txt"),
        ("Can't open file:m/visual.mnn", "file_missing", "m/visual.mnn"),
        ("MTP: failed to load mtp model m/mtp.mnn", "speculative_load_failed", "m/mtp.mnn"),
        ("error: invalid parameter for argument: -zz", "usage_error", "-zz"),
        ("Omni Can't open audio: /data/a.wav", "input_missing", "/data/a.wav"),
    ],
)
def test_remedy_names_the_thing(line: str, cause: str, named: str) -> None:
    remedy = find_remedy(cause, ["something else", line])
    assert remedy is not None
    assert named in remedy
    assert "{" not in remedy


def test_remedy_that_nothing_names_is_the_tables() -> None:
    assert find_remedy("link_error", ["no such line"]) == BY_SLUG["link_error"].remedy
    assert find_remedy("stopped", []) == BY_SLUG["stopped"].remedy


def test_no_cause_no_remedy() -> None:
    assert find_remedy(None, []) is None
    assert find_remedy("no_such_cause", ["x"]) is None


def test_launch_names_the_file_that_its_engine_missed() -> None:
    error = "[Error]: LLM model file not found: /data/local/tmp/mnn_models/m/llm.mnn"
    reading = run(launch("", head=f"{HEAD}{error}\nLLM init error\n"))
    assert reading.cause == "model_missing"
    assert reading.evidence[0] == error
    assert reading.remedy == "push the model again: /data/local/tmp/mnn_models/m/llm.mnn is missing"


def test_skel_that_fastrpc_could_not_open_is_named_from_the_log() -> None:
    line = "Error 0x80000406: remote_handle_open_domain failed. domain 3, name file:///libQnnHtpV73Skel.so"
    reading = run(b"config path is m/config.json\n", log=logcat(line, tag="adsprpc"), status=1, pid=8826)
    assert reading.cause == "qnn_error"
    assert "libQnnHtpV73Skel.so" in (reading.remedy or "")


def test_saved_output_of_a_logcat_build_says_where_the_figures_went() -> None:
    reading = parse(b"config path is m/config.json\nprompt file is p.txt\nHello there.\n")
    assert reading.verdict == "incomplete"
    assert "MNN_USE_LOGCAT" in (reading.remedy or "")
