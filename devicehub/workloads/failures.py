"""Why a launch failed: the one table of causes, in order of precedence.

When several causes show in one launch, the earliest of `FAILURES` is the cause: a model without
llm_config.json also lacks its embedding, and an engine that cannot load also prints `LLM init error`.

A pattern is looked for in what the tool, the shell or the log says. Inside the model's own text a line is
evidence only when it is exactly one of the lines that the engine prints while it generates (`engine_line`),
and beside a healthy perf block it then makes the launch `ambiguous_output`.
Rows without patterns are found by rule; the rule stands in `verdict` and in the meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line that proves a cause.

    Attributes:
        needle: a part that every such line holds; a cheap first look.
        regex: what the line must hold; group `process` names the victim where the line does.
        engine_line: the engine prints exactly this, from column 0, and may do so while it generates.
        shell_line: a shell says it as a whole line, or glued to the end of the output, when the tool died.
    """

    needle: str
    regex: re.Pattern[str]
    engine_line: bool = False
    shell_line: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """One cause.

    Attributes:
        slug: its stable name.
        meaning: one sentence.
        remedy: what a person can do.
        patterns: lines that prove it.
    """

    slug: str
    meaning: str
    remedy: str
    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that proves a failure.

    Attributes:
        process: the victim that the line names: a program or a pid.
    """

    failure: Failure
    line: str
    pattern: Pattern
    process: str | None = None


def _says(needle: str, regex: str | None = None) -> Pattern:
    return Pattern(needle, re.compile(regex if regex is not None else re.escape(needle)))


def _engine(needle: str, regex: str) -> Pattern:
    return Pattern(needle, re.compile(regex), engine_line=True)


def _shell(words: str) -> Pattern:
    # "Segmentation fault (core dumped)", "[1] + Killed  ./llm_demo", "sh: line 1: 1234 Killed   ./llm_demo"
    regex = (
        r"^(?:[\w/.-]*sh: (?:line )?(?:\d+: *)?|\[\d+\]\s*[+-]?\s*)?(?:\d+ +)?"
        rf"{words}(?: +\(core dumped\))?(?: {{2,}}\S.*)?\s*$"
    )
    return Pattern(words[1:], re.compile(regex, re.IGNORECASE), shell_line=True)


def _signal(name: str) -> Pattern:
    # libc: "Fatal signal 11 (SIGSEGV), code 1, fault addr 0x0 in tid 7325 (llm_demo), pid 7325 (llm_demo)"
    # debuggerd: "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0"
    return _says(f"({name})", rf"\bsignal \d+ \({name}\)(?:.*\((?P<process>[^()]*)\)\s*$)?")


_RELOAD: Final = "push the model again; a checksum tells which file differs"
_REEXPORT: Final = "push the model folder again, or export it again"
_GPU: Final = "try precision normal, another thread_num (4 or 68), or backend_type cpu"

FAILURES: Final = (
    Failure(
        "link_error",
        "The program could not start: a library or symbol is missing.",
        "push every library that the engine needs and set LD_LIBRARY_PATH to its folder",
        (
            _says("CANNOT LINK EXECUTABLE"),
            _says("error while loading shared libraries"),
            _says("cannot locate symbol"),
            _says("could not load library"),
        ),
    ),
    Failure(
        "not_executable",
        "The phone refuses to execute the program.",
        "put it under /data/local/tmp, chmod 755, built for the phone's ABI",
        (
            _says("can't execute", r"can't execute: "),
            _says("cannot execute", r"cannot execute(?:: | binary)"),
            _says("ermission denied", r"^(?:[\w/.-]*sh: .*|\S*llm_\w+: *)[Pp]ermission denied\s*$"),
            _says("Exec format error"),
            _says("not executable: ", r"not executable: \d+-bit ELF"),
        ),
    ),
    Failure(
        "engine_missing",
        "The program is not where the shell looked for it.",
        "push the engine again and start it from its own folder",
        (
            _says("inaccessible or not found"),
            _says("not found", r"^[\w/.-]*sh: .*: (?:command )?not found\s*$"),
            _says("No such file", r"^[\w/.-]*sh: .*: No such file or directory\s*$"),
        ),
    ),
    Failure(
        "usage_error",
        "The tool did not understand its arguments.",
        "check the options against the tool's own usage; they differ between versions",
        (
            _says("invalid parameter for argument", r"^error: invalid parameter for argument"),
            _says("Parse arguments error", r"^Parse arguments error"),
            _says("Usage: ", r"^Usage: \S+ config\.json <prompt\.txt>"),
        ),
    ),
    Failure(
        "model_missing",
        "The model's graph, or its whole folder, is not there.",
        _REEXPORT,
        (_says("LLM model file not found", r"\[Error\]: LLM model file not found: "),),
    ),
    Failure(
        "weight_missing",
        "The model's weight file is not there.",
        _REEXPORT,
        (
            _says("LLM weight file not found", r"\[Error\]: LLM weight file not found: "),
            _says("File not exist: "),
        ),
    ),
    Failure(
        "config_missing",
        "The file given as configuration is not there or not named .json.",
        "give the full path of a config.json on the phone",
        (
            _says("Unable to open config file"),
            # A path that does not end in .json is a prefix for the engine: ".../config.jsollm_config.json"
            _says("llm_config.json", r"Unable to open llm_config file: .*[^/\s]llm_config\.json"),
        ),
    ),
    Failure(
        "config_invalid",
        "The configuration is not valid JSON.",
        "remove comments and trailing commas from config.json",
        (_says("parse", r"(?i)(?:failed to parse|parse error|invalid) .{0,40}config\S*\.json"),),
    ),
    Failure(
        "llm_config_missing",
        "llm_config.json is missing: the engine runs and answers garbage.",
        "push llm_config.json beside config.json",
        (_says("Unable to open llm_config file"),),
    ),
    Failure(
        "tokenizer_missing",
        "The tokenizer is missing, or config.json was dropped because it is not valid JSON.",
        "name the tokenizer as tokenizer_file in a config.json without comments or trailing commas",
        (
            _says("tokenizer file not found", r"\[Error\]: tokenizer file not found: "),
            _says("Failed to load tokenizer"),
        ),
    ),
    Failure(
        "file_unreadable",
        "A file of the model is there but may not be read.",
        "chmod 644 the files and 755 the folders",
        (_says("Failed to open ", r"\[Error\]: Failed to open .*\(permission denied\?\)"),),
    ),
    Failure(
        "model_corrupt",
        "The model's graph cannot be read: cut short, a git-LFS pointer, or newer than the engine.",
        "download or push llm.mnn again and compare its checksum; check that the engine is not older",
        (
            _says("Invalidate buffer to create MNN Module"),
            _says("Load module failed, please check model", r"\[Error\]: Load module failed"),
            _says("Module load failed for config"),
        ),
    ),
    Failure(
        "weight_corrupt",
        "The weight file is cut short or does not belong to the graph.",
        _RELOAD,
        (
            _engine("ReadQuanData_c", r"ReadQuanData_c return .*"),
            _engine("Memory not Enough", r"Memory not Enough, can't extract .*"),
        ),
    ),
    Failure(
        "embedding_missing",
        "The embedding file is missing: the engine runs and answers garbage.",
        _REEXPORT,
        (
            _says("Failed to open embedding file"),
            _says("embedding", r"Can't open file:.*embeddings?_\w+\.bin"),
        ),
    ),
    Failure(
        "speculative_load_failed",
        "The draft model for speculative decoding could not be loaded.",
        "push the draft model's files or leave speculative_type out",
        (
            _says("generation strategy failed to load"),
            _says(": failed to load ", r"(?:MTP|Eagle|DFlash): failed to load "),
            _says("Can't open file:", r"Can't open file:.*(?:mtp|eagle|dflash)\w*\.mnn"),
        ),
    ),
    Failure(
        "killed_low_memory",
        "Android's low memory killer ended the app.",
        "close other apps, or take a smaller model or a shorter context",
        (
            _says("Kill '", r"(?:^|\W)Kill(?:ing)? '(?P<process>[^']+)' \(\d+\)"),
            _says("lowmemorykiller", r"lowmemorykiller: Killing '?(?P<process>[^' ]+)"),
            _says("am_kill", r"am_kill\s*:.*,(?P<process>[\w.:]+),-?\d+,.*(?:lmk|low mem)"),
        ),
    ),
    Failure(
        "out_of_memory",
        "Memory ran out: the kernel or the agent ended the program, or it could not get any.",
        "take a smaller model, a shorter context, or use_mmap true",
        (
            _says("Out of memory", r"(?i)out of memory: kill(?:ed)? process \d+,? \(?(?P<process>[^ ),]+)"),
            _says("oom-kill:", r"oom-kill:.*task=(?P<process>[^,]+)"),
            _says("oom_reaper", r"oom_reaper: reaped process \d+ \((?P<process>[^)]+)\)"),
            _says("Scudo ERROR", r"Scudo ERROR: .*(?:out of memory|internal map failure|ENOMEM)"),
            _says("std::bad_alloc"),
            _says("OutOfMemoryError"),
            _engine("execution invalid (OOM)", r"Pipeline: execution invalid \(OOM\) for op type: .*"),
            _engine("OpenCL alloc buffer failed", r"OpenCL alloc buffer failed .*"),
            _engine("Alloc Buffer ", r"Alloc Buffer \d+ error, code: ?-?\d+.*"),
        ),
    ),
    Failure(
        "qnn_error",
        "Qualcomm's NPU libraries are missing, do not fit the chip, or failed.",
        "push libQnn*.so and the chip's Skel, all of one SDK; set LD_LIBRARY_PATH and ADSP_LIBRARY_PATH",
        (
            _says("Failed to open QNN libs"),
            _says("MNN_QNN: ", r"MNN_QNN: (?:Failed|Error|Not registered)"),
            _says("QNN: ", r"QNN: (?:Failed|Error)"),
            _engine("QNN graphExecute failed", r"QNN graphExecute failed.*"),
            _engine("memRegister fail", r"(?:\S+ )?memRegister fail.*"),
            _says("QnnDevice_create", r"QnnDevice_create.*(?:[Ee]rror|[Ff]ail|14001)"),
            _says("QnnDsp", r"QnnDsp.*(?:<E>|[Ff]ailed)"),
        ),
    ),
    Failure(
        "hexagon_error",
        "The Hexagon backend could not use the DSP.",
        "push libMNN_htpops.so and the skel of the chip; set ADSP_LIBRARY_PATH",
        (
            _says("libcdsprpc.so failed"),
            _says("Open libMNN_htpops.so"),
            _says("failed to acquire DSP session"),
            _engine("execute_command_group failed", r"(?:\S+ )?execute_command_group failed with code .*"),
        ),
    ),
    Failure(
        "opencl_error",
        "The GPU driver refused work or is not reachable.",
        _GPU,
        (
            _engine("CL ERROR CODE", r"CL ERROR CODE ?: ?-?\d+, ?info: ?\S*.*"),
            _says("OpenCL init error"),
            _says("Parsing OpenCL symbols error"),
            _engine("Build program failed", r"Build program failed, err: ?-?\d+.*"),
        ),
    ),
    Failure(
        "dlopen_error",
        "A library could not be opened at run time.",
        "push the library and everything it needs; an app may only open libraries of its own or public ones",
        (_says("dlopen failed"), _says("UnsatisfiedLinkError"), _says("dlopen error")),
    ),
    Failure(
        "load_failed",
        "The engine could not load the model.",
        "see the lines above; check that the engine is as new as the exporter",
        (
            _says("LLM init error"),
            _says("Load LLM error"),
            _says("Model load failed"),
            _says("load_success=0"),
            _says("Model load() returned false"),
        ),
    ),
    Failure(
        "illegal_instruction",
        "The engine used an instruction that the CPU does not have.",
        "take an engine built for this CPU",
        (_signal("SIGILL"), _shell("Illegal instruction")),
    ),
    Failure(
        "bus_error",
        "The program touched memory that is not backed, often a file cut short under mmap.",
        "remove *.static from the work folder and push the model again",
        (_signal("SIGBUS"), _shell("Bus error")),
    ),
    Failure(
        "segfault",
        "The program crashed.",
        "check top_k (not 0), mixed_samplers (not empty) and the backend; `logcat -b crash` holds the stack",
        (_signal("SIGSEGV"), _shell("Segmentation fault")),
    ),
    Failure(
        "abort",
        "The program ended itself.",
        "`logcat -b crash` holds the reason; llm_bench does so when given a folder",
        (
            _signal("SIGABRT"),
            _shell("Aborted"),
            _says("terminate called"),
            _says("libc++abi: "),
            _says("Abort message: "),
        ),
    ),
    Failure(
        "arithmetic_error",
        "The program divided by zero.",
        "check the configuration; `logcat -b crash` holds the stack",
        (_signal("SIGFPE"), _shell("Floating point exception")),
    ),
    Failure(
        "killed",
        "Something ended the program with SIGKILL; most often the kernel, for memory.",
        "take a smaller model or close other apps; `dmesg` or the log says more",
        (_shell("Killed"),),
    ),
    Failure(
        "stopped",
        "The program was ended from outside.",
        "start it again",
        (_shell("Terminated"),),
    ),
    Failure(
        "backend_fallback",
        "The backend that was asked for is not in the engine: it ran on another.",
        "take an engine built with that backend, or ask for cpu",
        (
            _engine("Can't Find type=", r"Can't Find type=\d+ backend, use \d+ instead"),
            _says("Support Low Power", r"type=\d+ backend don't Support Low Power, use \d+ instead"),
        ),
    ),
    Failure(
        "generation_timeout",
        "timeout_ms of the configuration ran out.",
        "raise timeout_ms or leave it out",
        (_engine("Status: 5", r"\[Error\]: LLM in error state\. Status: 5"),),
    ),
    Failure(
        "generation_error",
        "The engine failed while it generated.",
        "see the lines above; use_mmap, chunk_limits and the model's export are the usual suspects",
        (
            _engine("failed due to internal error", r"Error: \w+(?: \w+)? failed due to internal error"),
            _engine("LLM in error state", r"\[Error\]: LLM in error state\. Status: (?:-1|3|4)"),
            _engine(
                "onForward", r"(?:code=\d+ in onForward, \d+|\[Error\]: onForward returned no outputs.*)"
            ),
            _engine("invalid output tensor", r"\[Error\]: invalid output tensor from onForward.*"),
            _engine("Create execution error", r"Create execution error ?: ?-?\d+"),
            _engine("Compute Shape Error", r"Compute Shape Error for .*"),
            _engine("empty input_ids", r"\[Error\]: empty input_ids .*"),
        ),
    ),
    Failure(
        "input_missing",
        "A picture or sound that the prompt names could not be opened.",
        "push it and name it by its path on the phone",
        (_engine("Omni Can't", r"Omni Can't open (?:image|audio|video).*"),),
    ),
    Failure(
        "file_missing",
        "The engine could not open a file of the model or of the run.",
        _REEXPORT,
        # Nodes of the kernel and the engine's own caches are no part of either.
        (
            _says(
                "Can't open file:",
                r"Can't open file: ?(?!/(?:sys|proc|dev|system|vendor|odm|apex)/)"
                r"(?!\S*(?:cachefile\.bin|\.static|prefixcache))(?!(?:\S*/)?tmp(?:_[0-9a-f]+)?/)\S",
            ),
        ),
    ),
    Failure(
        "prompt_missing",
        "llm_demo ended without a word after naming its prompt file: that file is missing or empty.",
        "give the path of a prompt file on the phone with at least one line",
    ),
    Failure(
        "engine_error",
        "The engine reported an error of a kind not known here.",
        "see the line",
        (_says("[Error]", r"\[Error\]:"), _says("Load Lora error")),
    ),
    Failure(
        "phone_gone",
        "adb lost the phone or never found it.",
        "plug it in, unlock it and repeat",
        (
            _says("adb: ", r"^adb: (?:device|no devices|more than one|error)"),
            _says("error: ", r"^error: (?:device .*not found|no devices|device offline|closed|device un)"),
        ),
    ),
    Failure(
        "log_loss",
        "Lines of the log were lost where the counters should stand.",
        "capture the log on the phone, with larger buffers (`logcat -G 4M`)",
    ),
    Failure(
        "exit_status",
        "The program ended with a status other than 0 and without an explanation.",
        "read its whole output; in a logcat build the errors are in the log",
    ),
    Failure(
        "ambiguous_output",
        "What was printed has two readings: the counters or the error may be the model's own text.",
        "run it again with another prompt, or with an engine that logs to logcat",
    ),
    Failure(
        "no_tokens",
        "The counters say that nothing was computed: no tokens, or speeds that are no numbers.",
        "see the lines above the block; check the prompt and the model",
    ),
    Failure(
        "bogus_bench",
        "The table holds figures that no run can have.",
        "check that the model is there and that it does not stop at once; llm_bench checks neither",
    ),
    Failure(
        "not_mnn",
        "The figures are another tool's.",
        "give the output of llm_demo, llm_bench or MnnLlmChat",
    ),
    Failure(
        "incomplete_output",
        "The output ends before the counters.",
        "wait for the end of the run; an engine built with MNN_USE_LOGCAT prints its counters to logcat",
    ),
)
"""All causes; an earlier one wins."""

BY_SLUG: Final = {failure.slug: failure for failure in FAILURES}
RANK: Final = {failure.slug: rank for rank, failure in enumerate(FAILURES)}

EXIT_CAUSES: Final = {
    126: "not_executable",
    127: "engine_missing",
    129: "stopped",
    130: "stopped",
    132: "illegal_instruction",
    134: "abort",
    135: "bus_error",
    136: "arithmetic_error",
    137: "killed",
    139: "segfault",
    143: "stopped",
}
"""What an exit status means when no line says more."""

_PATTERNS: Final = tuple((pattern, failure) for failure in FAILURES for pattern in failure.patterns)


def find_failure(line: str, *, from_shell: bool = True) -> Hit | None:
    """The earliest failure that a line of the tool, the log or, where it may speak, the shell proves."""
    for pattern, failure in _PATTERNS:
        if pattern.needle in line and (from_shell or not pattern.shell_line):
            match = pattern.regex.search(line)
            if match:
                return Hit(failure, line, pattern, match.groupdict().get("process"))
    return None


def find_engine_line(line: str) -> Hit | None:
    """The failure that a line proves though the model's text surrounds it.

    The line must be exactly what the engine prints, or end in it right after a word of the text: the
    engine does not wait for the text's line end.
    """
    for pattern, failure in _PATTERNS:
        if pattern.engine_line and pattern.needle in line:
            match = pattern.regex.search(line)
            if match and not line[match.end() :].strip() and _may_be_glued(line[: match.start()]):
                return Hit(failure, line, pattern)
    return None


def find_last_words(line: str) -> Hit | None:
    """The failure that a shell reports in the last line of an output that has no end."""
    for pattern, failure in _PATTERNS:
        if pattern.shell_line and pattern.needle in line:
            words = line.removesuffix("(core dumped)").rstrip()
            if pattern.regex.search(line) or words.endswith(pattern.needle):
                return Hit(failure, line, pattern)
    return None


def _may_be_glued(before: str) -> bool:
    return not before or before[-1].isalnum() or before[-1] in ".,!?;"
