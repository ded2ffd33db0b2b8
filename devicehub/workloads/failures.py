"""Why a launch failed: the one table of causes, in order of precedence.

When several causes show in one launch, the earliest of `FAILURES` is the cause: a model without
llm_config.json also lacks its embedding, and an engine that cannot load also prints `LLM init error`.

A pattern is looked for in what the tool, the shell or the log says. Inside the model's own text a line is
evidence only when it is exactly one of the lines that the engine prints while it generates (`engine_line`),
and beside a healthy perf block it then makes the launch `ambiguous_output`.
Rows without patterns are found by rule; most of them stand in `causes`.
"""

from __future__ import annotations

from typing import Final

from devicehub.workloads.causes import FOUND_BY_RULE
from devicehub.workloads.patterns import Failure, engine, says, shell, signal

_RELOAD: Final = "push the model again; a checksum tells which file differs"
_REEXPORT: Final = "push the model folder again, or export it again"
_GPU: Final = "try precision normal, another thread_num (4 or 68), or backend_type cpu"

FAILURES: Final = (
    Failure(
        "loader_missing",
        "The program is linked for a system whose loader the phone lacks.",
        "take a static engine on a virtual phone, which has nothing of Android's C library; on a phone one "
        "built for Android",
        # "qemu-aarch64-static: Could not open '/system/bin/linker64': No such file or directory"
        (says("Could not open '", r"^\S*qemu-\S+: Could not open '/\S+'"),),
    ),
    Failure(
        "link_error",
        "The program could not start: a library or symbol is missing.",
        "push every library that the engine needs and set LD_LIBRARY_PATH to its folder",
        (
            says("CANNOT LINK EXECUTABLE", r'CANNOT LINK EXECUTABLE(?: "(?P<process>[^"]+)")?'),
            says("error while loading shared libraries"),
            says("cannot locate symbol"),
            says("could not load library"),
        ),
    ),
    Failure(
        "not_executable",
        "The phone refuses to execute the program.",
        "put it under /data/local/tmp, chmod 755, built for the phone's ABI",
        (
            says("can't execute", r"can't execute: "),
            says("cannot execute", r"cannot execute(?:: | binary)"),
            says("ermission denied", r"^(?:[\w/.-]*sh: .*|\S*llm_\w+: *)[Pp]ermission denied\s*$"),
            says("Exec format error"),
            says("not executable: ", r"not executable: \d+-bit ELF"),
            says("only position independent executables"),
        ),
    ),
    Failure(
        "engine_missing",
        "The program is not where the shell looked for it.",
        "push the engine again and start it from its own folder",
        (
            says("inaccessible or not found"),
            says("not found", r"^[\w/.-]*sh: .*: (?:command )?not found\s*$"),
            says("No such file", r"^[\w/.-]*sh: .*: No such file or directory\s*$"),
        ),
    ),
    Failure(
        "usage_error",
        "The tool did not understand its arguments.",
        "check the options against the tool's own usage; they differ between versions",
        (
            says("invalid parameter for argument", r"^error: invalid parameter for argument"),
            says("Parse arguments error", r"^Parse arguments error"),
            says("Usage: ", r"^Usage: \S+ config\.json <prompt\.txt>"),
        ),
    ),
    Failure(
        "model_missing",
        "The model's graph, or its whole folder, is not there.",
        _REEXPORT,
        (says("LLM model file not found", r"\[Error\]: LLM model file not found: "),),
    ),
    Failure(
        "weight_missing",
        "The model's weight file is not there.",
        _REEXPORT,
        (
            says("LLM weight file not found", r"\[Error\]: LLM weight file not found: "),
            says("File not exist: "),
        ),
    ),
    Failure(
        "config_missing",
        "The file given as configuration is not there or not named .json.",
        "give the full path of a config.json on the phone",
        (
            says("Unable to open config file"),
            # A path that does not end in .json is a prefix for the engine: ".../config.jsollm_config.json"
            says("llm_config.json", r"Unable to open llm_config file: .*[^/\s]llm_config\.json"),
        ),
    ),
    Failure(
        "config_invalid",
        "The configuration is not valid JSON.",
        "remove comments and trailing commas from config.json",
        (says("parse", r"(?i)(?:failed to parse|parse error|invalid) .{0,40}config\S*\.json"),),
    ),
    Failure(
        "llm_config_missing",
        "llm_config.json is missing: the engine runs and answers garbage.",
        "push llm_config.json beside config.json",
        (says("Unable to open llm_config file"),),
    ),
    Failure(
        "tokenizer_missing",
        "The tokenizer is missing, or config.json was dropped because it is not valid JSON.",
        "name the tokenizer as tokenizer_file in a config.json without comments or trailing commas",
        (
            says("tokenizer file not found", r"\[Error\]: tokenizer file not found: "),
            says("Failed to load tokenizer"),
        ),
    ),
    Failure(
        "file_unreadable",
        "A file of the model is there but may not be read.",
        "chmod 644 the files and 755 the folders",
        (says("Failed to open ", r"\[Error\]: Failed to open .*\(permission denied\?\)"),),
    ),
    Failure(
        "model_corrupt",
        "The model's graph cannot be read: cut short, a git-LFS pointer, or newer than the engine.",
        "download or push llm.mnn again and compare its checksum; check that the engine is not older",
        (
            says("Invalidate buffer to create MNN Module"),
            says("Load module failed, please check model", r"\[Error\]: Load module failed"),
        ),
    ),
    Failure(
        "weight_corrupt",
        "The weight file is cut short or does not belong to the graph.",
        _RELOAD,
        (
            engine("ReadQuanData_c", r"ReadQuanData_c return .*"),
            engine("Memory not Enough", r"Memory not Enough, can't extract .*"),
        ),
    ),
    Failure(
        "embedding_missing",
        "The embedding file is missing: the engine runs and answers garbage.",
        _REEXPORT,
        (
            says("Failed to open embedding file"),
            says("embedding", r"Can't open file:.*embeddings?_\w+\.bin"),
        ),
    ),
    Failure(
        "speculative_load_failed",
        "The draft model for speculative decoding could not be loaded.",
        "push the draft model's files or leave speculative_type out",
        (
            says("generation strategy failed to load"),
            says(": failed to load ", r"(?:MTP|Eagle|DFlash): failed to load "),
            says("Can't open file:", r"Can't open file:.*(?:mtp|eagle|dflash)\w*\.mnn"),
        ),
    ),
    Failure(
        "killed_low_memory",
        "Android's low memory killer ended the app.",
        "close other apps, or take a smaller model or a shorter context",
        (
            says("Kill '", r"(?:^|\W)Kill(?:ing)? '(?P<process>[^']+)' \(\d+\)"),
            says("lowmemorykiller", r"lowmemorykiller: Killing '?(?P<process>[^' ]+)"),
            says("am_kill", r"am_kill\s*:.*,(?P<process>[\w.:]+),-?\d+,.*(?:lmk|low mem)"),
        ),
    ),
    Failure(
        "out_of_memory",
        "Memory ran out: the kernel or the agent ended the program, or it could not get any.",
        "take a smaller model, a shorter context, or use_mmap true",
        (
            says("Out of memory", r"(?i)out of memory: kill(?:ed)? process \d+,? \(?(?P<process>[^ ),]+)"),
            says("Killed process", r"Killed process \d+,? \((?P<process>[^)]+)\)"),
            says("oom-kill:", r"oom-kill:.*task=(?P<process>[^,]+)"),
            says("oom_reaper", r"oom_reaper: reaped process \d+ \((?P<process>[^)]+)\)"),
            says("Scudo ERROR", r"Scudo ERROR: .*(?:out of memory|internal map failure|ENOMEM)"),
            says("std::bad_alloc"),
            says("OutOfMemoryError"),
            engine("execution invalid (OOM)", r"Pipeline: execution invalid \(OOM\) for op type: .*"),
            engine("OpenCL alloc buffer failed", r"OpenCL alloc buffer failed .*"),
            engine("Alloc Buffer ", r"Alloc Buffer \d+ error, code: ?-?\d+.*"),
        ),
    ),
    Failure(
        "qnn_error",
        "Qualcomm's NPU libraries are missing, do not fit the chip, or failed.",
        "push libQnn*.so and the chip's Skel, all of one SDK; set LD_LIBRARY_PATH and ADSP_LIBRARY_PATH",
        (
            says("Failed to open QNN libs"),
            says("MNN_QNN: ", r"MNN_QNN: (?:Failed|Error|Not registered)"),
            says("QNN: ", r"QNN: (?:Failed|Error)"),
            engine("QNN graphExecute failed", r"QNN graphExecute failed.*"),
            engine("memRegister fail", r"(?:\S+ )?memRegister fail.*"),
            says("QnnDevice_create", r"QnnDevice_create.*(?:[Ee]rror|[Ff]ail|14001)"),
            says("QnnDsp", r"QnnDsp.*(?:<E>|[Ff]ailed)"),
            # fastrpc: "Error 0x80000406: remote_handle_open_domain failed. name file:///libQnnHtpV75Skel.so?..."
            says(
                "Skel.so", r"(?:[Ee]rror|[Ff]ail).*libQnn\w*Skel\.so|libQnn\w*Skel\.so.*(?:[Ee]rror|[Ff]ail)"
            ),
        ),
    ),
    Failure(
        "hexagon_error",
        "The Hexagon backend could not use the DSP.",
        "push libMNN_htpops.so and the skel of the chip; set ADSP_LIBRARY_PATH",
        (
            says("libcdsprpc.so failed"),
            says("Open libMNN_htpops.so"),
            says("failed to acquire DSP session"),
            says(
                "_skel", r"(?:[Ee]rror|[Ff]ail).*libMNN_htpops_skel|libMNN_htpops_skel.*(?:[Ee]rror|[Ff]ail)"
            ),
            engine("execute_command_group failed", r"(?:\S+ )?execute_command_group failed with code .*"),
        ),
    ),
    Failure(
        "opencl_error",
        "The GPU driver refused work or is not reachable.",
        _GPU,
        (
            engine("CL ERROR CODE", r"CL ERROR CODE ?: ?-?\d+, ?info: ?\S*.*"),
            says("OpenCL init error"),
            says("Parsing OpenCL symbols error"),
            engine("Build program failed", r"Build program failed, err: ?-?\d+.*"),
        ),
    ),
    Failure(
        "dlopen_error",
        "A library could not be opened at run time.",
        "push the library and everything it needs; an app may only open libraries of its own or public ones",
        (says("dlopen failed"), says("UnsatisfiedLinkError"), says("dlopen error")),
    ),
    Failure(
        "load_failed",
        "The engine could not load the model.",
        "see the lines above; check that the engine is as new as the exporter",
        (
            says("LLM init error"),
            says("Load LLM error"),
            says("Model load failed"),
            says("Module load failed for config"),
            says("load_success=0"),
            says("Model load() returned false"),
        ),
    ),
    Failure(
        "illegal_instruction",
        "The engine used an instruction that the CPU does not have.",
        "take an engine built for this CPU",
        (signal("SIGILL"), shell("Illegal instruction")),
    ),
    Failure(
        "bus_error",
        "The program touched memory that is not backed, often a file cut short under mmap.",
        "remove *.static from the work folder and push the model again",
        (signal("SIGBUS"), shell("Bus error")),
    ),
    Failure(
        "segfault",
        "The program crashed.",
        "check top_k (not 0), mixed_samplers (not empty) and the backend; `logcat -b crash` holds the stack",
        (signal("SIGSEGV"), shell("Segmentation fault")),
    ),
    Failure(
        "abort",
        "The program ended itself.",
        "`logcat -b crash` holds the reason; llm_bench does so when given a folder",
        (
            signal("SIGABRT"),
            shell("Aborted"),
            says("terminate called"),
            says("libc++abi: "),
            says("Abort message: "),
        ),
    ),
    Failure(
        "arithmetic_error",
        "The program divided by zero.",
        "check the configuration; `logcat -b crash` holds the stack",
        (signal("SIGFPE"), shell("Floating point exception")),
    ),
    Failure(
        "killed",
        "Something ended the program with SIGKILL; most often the kernel, for memory.",
        "take a smaller model or close other apps; `dmesg` or the log says more",
        (shell("Killed"),),
    ),
    Failure(
        "stopped",
        "The program was ended from outside.",
        "start it again",
        (shell("Terminated"),),
    ),
    Failure(
        "backend_fallback",
        "The backend that was asked for is not in the engine: it ran on another.",
        "take an engine built with that backend, or ask for cpu",
        (
            engine("Can't Find type=", r"Can't Find type=\d+ backend, use \d+ instead"),
            says("Support Low Power", r"type=\d+ backend don't Support Low Power, use \d+ instead"),
        ),
    ),
    Failure(
        "generation_timeout",
        "timeout_ms of the configuration ran out.",
        "raise timeout_ms or leave it out",
        (engine("Status: 5", r"\[Error\]: LLM in error state\. Status: 5"),),
    ),
    Failure(
        "generation_error",
        "The engine failed while it generated.",
        "see the lines above; use_mmap, chunk_limits and the model's export are the usual suspects",
        (
            engine("failed due to internal error", r"Error: \w+(?: \w+)? failed due to internal error"),
            engine("LLM in error state", r"\[Error\]: LLM in error state\. Status: (?:-1|3|4)"),
            engine("onForward", r"(?:code=\d+ in onForward, \d+|\[Error\]: onForward returned no outputs.*)"),
            engine("invalid output tensor", r"\[Error\]: invalid output tensor from onForward.*"),
            engine("Create execution error", r"Create execution error ?: ?-?\d+"),
            engine("Compute Shape Error", r"Compute Shape Error for .*"),
            engine("empty input_ids", r"\[Error\]: empty input_ids .*"),
        ),
    ),
    Failure(
        "input_missing",
        "A picture or sound that the prompt names could not be opened.",
        "push it and name it by its path on the phone",
        (engine("Omni Can't", r"Omni Can't open (?:image|audio|video).*"),),
    ),
    Failure(
        "file_missing",
        "The engine could not open a file of the model or of the run.",
        _REEXPORT,
        # Nodes of the kernel and the engine's own caches are no part of either.
        (
            says(
                "Can't open file:",
                r"Can't open file: ?(?!/(?:sys|proc|dev|system|vendor|odm|apex)/)"
                r"(?!\S*(?:cachefile\.bin|\.static|prefixcache))(?!(?:\S*/)?tmp(?:_[0-9a-f]+)?/)\S",
            ),
        ),
    ),
    Failure(
        "prompt_missing",
        "The prompt file is missing or empty, of which llm_demo says nothing and ppl_eval a line.",
        "give the path of a prompt file on the phone with at least one line",
        (says("Load prompt error"),),
    ),
    Failure(
        "engine_error",
        "The engine reported an error of a kind not known here.",
        "see the line",
        (says("[Error]", r"\[Error\]:"), says("Load Lora error")),
    ),
    Failure(
        "no_space",
        "The phone's storage is full.",
        "remove models or old work folders from the phone",
        (says("No space left on device"),),
    ),
    Failure(
        "phone_gone",
        "adb lost the phone or never found it.",
        "plug it in, unlock it and repeat",
        (
            says("adb: ", r"^adb: (?:device .*(?:not found|offline|unauthorized)|no devices)"),
            says("error: ", r"^error: (?:device .*not found|no devices|device offline|closed|device un)"),
        ),
    ),
    *FOUND_BY_RULE,
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
