from __future__ import annotations

import pytest

from devicehub.dispatch.engine_probe import judge_probe, read_probe

SUPPORTS = "The device supports: i8sdot:1, fp16:1, i8mm: 0, sve2: 0, sme2: 0"
TOKENIZER = "[Error]: Failed to load tokenizer from: ./tokenizer.txt"
CONFIG = "config path is ./config.json"


def said(*lines: str, status: int = 0, logged: tuple[str, ...] = ()) -> bytes:
    text = "\r\n".join([*lines, "", f"--devicehub-status-3c9b--{status}", "--devicehub-log-3c9b--", *logged])
    return (text + "\r\n").encode()


def slug(output: bytes, backend: str = "cpu") -> str | None:
    finding = judge_probe(read_probe(backend, output), "P1")
    return finding.slug if finding else None


def test_engine_that_gets_to_the_model_works() -> None:
    probe = read_probe("cpu", said(CONFIG, SUPPORTS, TOKENIZER, "LLM init error"))
    assert (probe.links, probe.opened, probe.prints_to, probe.status) == (True, True, "stdout", 0)
    assert probe.supports == {"i8sdot": True, "fp16": True, "i8mm": False, "sve2": False, "sme2": False}
    assert judge_probe(probe, "P1") is None


def test_lines_of_a_logcat_build_are_found_there() -> None:
    probe = read_probe("cpu", said(CONFIG, logged=(SUPPORTS, TOKENIZER, "LLM init error")))
    assert (probe.prints_to, probe.opened) == ("logcat", True)


@pytest.mark.parametrize(
    "line",
    [
        "Can't Find type=3 backend, use 0 instead",
        "OpenCL init error, fallback ...",
        "CL ERROR CODE : -30, info:getPlatform",
        "[MNN::Hexagon] Open libcdsprpc.so failed",
        "[MNN::Hexagon] Open libMNN_htpops.so, error=dlopen failed",
        "[Hexagon] failed to acquire DSP session",
        "[MNN::Hexagon] skel arch mismatch, expected V75, got V79",
    ],
)
def test_backend_that_is_not_there_is_told_by_the_engines_own_line(line: str) -> None:
    probe = read_probe("opencl", said(CONFIG, SUPPORTS, line, TOKENIZER, "LLM init error"))
    finding = judge_probe(probe, "P1")
    assert finding is not None
    assert finding.slug == "backend_unopened"
    assert line in finding.why


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ('CANNOT LINK EXECUTABLE "./llm_demo": library "libMNN.so" not found: needed by main executable',
         "libMNN.so"),
        ('CANNOT LINK EXECUTABLE "./llm_demo": cannot locate symbol "_ZN3MNN" referenced by it', None),
        ("llm_demo: error while loading shared libraries: libMNN.so: cannot open shared object file",
         "libMNN.so"),
    ],
)  # fmt: skip
def test_loader_that_refuses(line: str, missing: str | None) -> None:
    probe = read_probe("cpu", said(line, status=1))
    assert (probe.links, probe.missing) == (False, missing)
    assert slug(said(line, status=1)) == "link_error"


def test_program_that_cannot_be_executed() -> None:
    assert slug(said("sh: llm_demo: not executable: 64-bit ELF file", status=126)) == "link_error"


def test_engine_that_a_signal_ends() -> None:
    finding = judge_probe(read_probe("opencl", said(CONFIG, SUPPORTS, status=139)), "P1")
    assert finding is not None
    assert finding.slug == "probe_crashed"
    assert "signal 11" in finding.why


@pytest.mark.parametrize("output", [b"", b"\xff\x00", b"--devicehub-status-3c9b--x", said("hello")])
def test_what_says_nothing_of_the_kind_is_unclear(output: bytes) -> None:
    assert slug(output) == "probe_unclear"
