"""The ways in which llm_demo and llm_bench fail, each with what the hub has to conclude.

A row is one launch: what is done to a copy of the demo model, its configuration, the program's arguments, and
the script of a virtual phone's engine where the wheel itself has no cause to fail so. `{row}` in texts stands
for the folder of the row's model.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import Any, Final

CONFIG: Final = "{row}/config.json"
PROMPT: Final = "{row}/prompt.txt"
PLAIN: Final = ("plain",)
BOTH: Final = ("plain", "logged")

LINKER: Final = "CANNOT LINK EXECUTABLE: library libMNN.so not found: needed by main executable"
LFS_POINTER: Final = "version https://git-lfs.github.com/spec/v1\\noid sha256:0\\nsize 1\\n"


@dataclass(frozen=True)
class Row:
    """One launch.

    Attributes:
        verdict, cause: what the hub has to conclude.
        spoil: a script that changes the model's copy, which it is run in.
        config: values over the configuration.
        text: the configuration's own text, where it is to be no JSON.
        script: of the phone's engine.
        arguments: after the program.
        says: what the evidence holds, somewhere.
        cwd: where it runs, where that is not a work folder.
        program: what is started in the tool's place.
        builds: `plain` prints to stdout, `logged` to logcat.
        logged_cause: where a logcat build makes the cause plain that a stdout build leaves in doubt.
    """

    verdict: str
    cause: str | None
    spoil: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    script: dict[str, Any] | None = None
    arguments: tuple[str, ...] = (CONFIG, PROMPT)
    says: str = ""
    cwd: str | None = None
    program: str | None = None
    builds: tuple[str, ...] = BOTH
    logged_cause: str | None = None

    def cause_of(self, build: str) -> str | None:
        """What the hub has to conclude of this build."""
        return self.logged_cause if build == "logged" and self.logged_cause else self.cause


def _failed(cause: str, **fields: Any) -> Row:
    return Row("failed", cause, **fields)


def _speaks(point: str, *rows: str, **more: Any) -> dict[str, Any]:
    return {"rows": {point: list(rows)}, **more}


def _ends(at: str, **how: int) -> dict[str, Any]:
    return {"end": {"at": at, **how}}


def _gives_up(row: str) -> dict[str, Any]:
    """The engine says why, and llm_demo ends as it does when an answer fails."""
    last = "Error: Response generation failed due to internal error"
    return _speaks("prefill", row, last, **_ends("prefill", status=255))


def _dies(number: signal.Signals) -> dict[str, Any]:
    return _ends("decode", tokens=3, signal=number)


DEMO: Final[dict[str, Row]] = {
    "nothing is wrong": Row("succeeded", None),
    # what is missing
    "no config.json": _failed("config_missing", spoil="rm config.json", says="Unable to open config file"),
    "a folder in place of config.json": _failed("config_missing", arguments=("{row}", PROMPT), builds=PLAIN),
    "config.json with a comment": _failed("tokenizer_missing", text='{ // "thread_num": 1\n}'),
    "config.json with a trailing comma": _failed(
        "tokenizer_missing", text='{"thread_num": 1,}', builds=PLAIN
    ),
    "no tokenizer": _failed("tokenizer_missing", spoil="rm tokenizer.mtok", says="tokenizer.mtok"),
    "no llm.mnn": _failed("model_missing", spoil="rm llm.mnn", says="llm.mnn"),
    "no weights": _failed("weight_missing", spoil="rm llm.mnn.weight", says="llm.mnn.weight"),
    "no llm_config.json": _failed("llm_config_missing", spoil="rm llm_config.json"),
    "no prompt file": _failed("prompt_missing", spoil="rm prompt.txt"),
    "an empty prompt file": _failed("prompt_missing", spoil=": >prompt.txt"),
    "a config.json that may not be read": _failed(
        "config_missing", spoil="chmod 000 config.json", says="Unable to open config file", builds=PLAIN
    ),
    "weights that may not be read": _failed(
        "file_unreadable", spoil="chmod 000 llm.mnn.weight", says="(permission denied?)"
    ),
    # what is corrupt
    "llm.mnn cut short": _failed("model_corrupt", spoil="head -c 100 llm.mnn >x; mv x llm.mnn"),
    "llm.mnn as a git-LFS pointer": _failed(
        "model_corrupt", spoil=f"printf '{LFS_POINTER}' >llm.mnn", builds=PLAIN
    ),
    "weights cut short": _failed(
        "weight_corrupt", spoil="head -c 1000 llm.mnn.weight >x; mv x llm.mnn.weight"
    ),
    "no byte of weights": _failed("weight_corrupt", spoil=": >llm.mnn.weight"),
    "no byte of weights, tokens limited": _failed(
        "weight_corrupt", spoil=": >llm.mnn.weight", arguments=(CONFIG, PROMPT, "8"), builds=PLAIN
    ),
    # configurations
    "a backend that the engine lacks": _failed(
        "backend_fallback", config={"backend_type": "opencl"}, says="Can't Find type=3 backend, use 0 instead"
    ),
    "another backend that the engine lacks": _failed(
        "backend_fallback", config={"backend_type": "vulkan"}, says="Can't Find type=7 backend", builds=PLAIN
    ),
    "an unknown backend": Row("succeeded", None, config={"backend_type": "gpu"}),
    "an MTP model that is missing": _failed(
        "speculative_load_failed", config={"speculative_type": "mtp"}, says="mtp.mnn"
    ),
    "an Eagle model that is missing": _failed(
        "speculative_load_failed", config={"speculative_type": "eagle"}, says="eagle.mnn"
    ),
    "a DFlash model that is missing": _failed(
        "speculative_load_failed", config={"speculative_type": "dflash"}, builds=PLAIN
    ),
    "a draft model, which no MNN has": Row(
        "succeeded", None, config={"speculative_type": "draftmodel"}, builds=PLAIN
    ),
    "top_k 0": _failed("segfault", config={"sampler_type": "mixed", "top_k": 0}),
    "no samplers": _failed("segfault", config={"sampler_type": "mixed", "mixed_samplers": []}, builds=PLAIN),
    "temperature 0": Row(
        "succeeded",
        None,
        config={"sampler_type": "temperature", "temperature": 0, "max_new_tokens": 8},
        builds=PLAIN,
    ),
    "an unknown sampler": Row(
        "succeeded", None, config={"sampler_type": "none", "max_new_tokens": 8}, builds=PLAIN
    ),
    "an unknown precision": Row("succeeded", None, config={"precision": "half"}, builds=PLAIN),
    "an unknown attention mode": Row("succeeded", None, config={"attention_mode": 99}, builds=PLAIN),
    "chunk_limits that are no list": Row("succeeded", None, config={"chunk_limits": 3}),
    "a time limit of its own": _failed(
        "generation_timeout", config={"timeout_ms": 1}, arguments=(CONFIG, PROMPT, "100"), says="Status: 5"
    ),
    "a current folder that takes no files": Row("succeeded", None, cwd="/proc"),
    # what the engine says of itself
    "an internal error": _failed(
        "generation_error", script=_gives_up("[Error]: LLM in error state. Status: 4")
    ),
    "no OpenCL": _failed("opencl_error", script=_speaks("load", "CL ERROR CODE : -30, info:getPlatform ")),
    "OpenCL that does not come up": _failed(
        "opencl_error", script=_speaks("load", "OpenCL init error, fallback ...")
    ),
    "OpenCL without its symbols": _failed(
        "opencl_error", script=_speaks("load", "Parsing OpenCL symbols error !!! ")
    ),
    "an OpenCL program that is not built": _failed(
        "opencl_error", script=_gives_up("Build program failed, err:-11 ! ")
    ),
    "a buffer that is too large": _failed(
        "out_of_memory", script=_gives_up("Alloc Buffer 268435456 error, code:-61")
    ),
    "an operator that gets no memory": _failed(
        "out_of_memory", script=_gives_up("Pipeline: execution invalid (OOM) for op type: 21")
    ),
    "a shape that does not fit": _failed(
        "generation_error", script=_gives_up("Compute Shape Error for /layers.0/Mul")
    ),
    # On stdout this may be the model's own text; in the log nobody else can have written it.
    "an error amid a healthy answer": _failed(
        "ambiguous_output",
        logged_cause="generation_error",
        script=_speaks("decode", "Compute Shape Error for /layers.0/Mul"),
    ),
    # what the phone's linker and shell say
    "a library that the linker misses": _failed(
        "link_error",
        spoil=f"{{ echo '#!/bin/sh'; echo \"echo '{LINKER}' >&2; exit 1\"; }} >tool; chmod 755 tool",
        program="{row}/tool",
        says="libMNN.so",
        builds=PLAIN,
    ),
    "a program that is not there": _failed("engine_missing", program="{row}/none", builds=PLAIN),
    "a program that may not be executed": _failed(
        "not_executable", spoil=": >tool; chmod 644 tool", program="{row}/tool", builds=PLAIN
    ),
    # how it dies
    "a segmentation fault": _failed("segfault", script=_dies(signal.SIGSEGV)),
    "an abort": _failed("abort", script=_dies(signal.SIGABRT), builds=PLAIN),
    "a bus error": _failed("bus_error", script=_dies(signal.SIGBUS), builds=PLAIN),
    "an instruction that the CPU lacks": _failed(
        "illegal_instruction", script=_dies(signal.SIGILL), builds=PLAIN
    ),
    "a kill": _failed("killed", script=_dies(signal.SIGKILL), builds=PLAIN),
}

_BENCH: Final = ("-m", CONFIG, "-t", "1", "-p", "8", "-n", "4", "-rep", "2", "-kv", "true")

BENCH: Final[dict[str, Row]] = {
    "nothing is wrong": Row("succeeded", None),
    "no model": _failed("model_missing", arguments=("-m", "/none/config.json", *_BENCH[2:])),
    "no weights": _failed("weight_missing", spoil="rm llm.mnn.weight"),
    "no llm.mnn": _failed("model_missing", spoil="rm llm.mnn"),
    "no tokenizer": _failed("tokenizer_missing", spoil="rm tokenizer.mtok", builds=PLAIN),
    "no llm_config.json": _failed("llm_config_missing", spoil="rm llm_config.json"),
    "weights that may not be read": _failed(
        "file_unreadable", spoil="chmod 000 llm.mnn.weight", says="(permission denied?)", builds=PLAIN
    ),
    "config.json with a comment": _failed("tokenizer_missing", text="{ // nothing\n}", builds=PLAIN),
    "llm.mnn cut short": _failed("model_corrupt", spoil="head -c 100 llm.mnn >x; mv x llm.mnn"),
    "weights cut short": _failed(
        "weight_corrupt", spoil="head -c 1000 llm.mnn.weight >x; mv x llm.mnn.weight"
    ),
    "a backend that the engine lacks": _failed(
        "backend_fallback", arguments=(*_BENCH, "-a", "opencl"), says="Can't Find type=3 backend"
    ),
    "a folder in place of config.json": _failed(
        "abort", arguments=("-m", "{row}", *_BENCH[2:]), says="terminate called", builds=PLAIN
    ),
    "an argument that it does not know": _failed("usage_error", arguments=(*_BENCH, "--frob"), says="--frob"),
    "nothing but the warm-up": _failed(
        "bogus_bench", arguments=(*_BENCH[:8], "-rep", "0", "-kv", "true"), builds=PLAIN
    ),
    "a JSON file that cannot be made": Row(
        "succeeded", None, arguments=(*_BENCH, "-j", "/none/x.json"), builds=PLAIN
    ),
    "a table in a file of its own": Row(
        "incomplete", "incomplete_output", arguments=(*_BENCH, "-fp", "{row}/out.md"), builds=PLAIN
    ),
    "an internal error": _failed(
        "generation_error", script=_speaks("prefill", "[Error]: LLM in error state. Status: 4")
    ),
    "no OpenCL": _failed("opencl_error", script=_speaks("load", "CL ERROR CODE : -30, info:getPlatform ")),
    "a segmentation fault": _failed("segfault", script=_dies(signal.SIGSEGV)),
    "an abort": _failed("abort", script=_dies(signal.SIGABRT), builds=PLAIN),
    "a kill": _failed("killed", script=_dies(signal.SIGKILL), builds=PLAIN),
}
BENCH_ARGUMENTS: Final = _BENCH
