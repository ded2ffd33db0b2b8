from __future__ import annotations

import pytest

from devicehub.workloads.evidence import find_failure
from devicehub.workloads.failures import BY_SLUG, EXIT_CAUSES, FAILURES
from devicehub.workloads.verdict import LaunchReader
from tests.workloads.launches import (
    AMBIGUOUS,
    FORGED,
    HEAD,
    INCOMPLETE,
    OK,
    PROMPT,
    block,
    judged,
    launch,
    logcat,
    parse,
    run,
)

ERROR_LINE = "[Error]: LLM in error state. Status: 5"


def test_good_run_gives_counters_times_and_text() -> None:
    reading = run(launch("Hello\nworld."))
    assert judged(reading) == OK
    assert reading.text == "Hello\nworld."
    [record] = reading.records
    assert (record.prompt_tokens, record.decode_tokens) == (40, 20)
    assert (record.prefill_tok_s, record.decode_tok_s) == (80.0, 10.0)
    assert (record.load_ms, record.tuning_ms, record.audio_s, record.source) == (870.5, 12.0, 0.0, "stdout")


# What the model writes


def test_block_of_the_version_that_the_source_line_tells() -> None:
    old = "\n".join(line for line in block().split("\n") if "sample" not in line and "pixels" not in line)
    head = HEAD.replace("main, 321", "main, 193").replace("main, 330", "main, 197")
    assert judged(parse(launch("x", head=head, end=old))) == OK


def test_logcat_build_that_still_prints_its_block_to_stdout() -> None:
    stdout = f"config path is m/config.json\n{PROMPT}Hi{block()}".encode()
    engine = HEAD.split("\n", 1)[1].replace("main, 321", "main, 266")
    noise = "Can't open file:/sys/devices/system/cpu/cpufreq/boost/affected_cpus\n"
    for reading in (run(stdout, log=logcat(noise + engine)), parse(logcat(noise + engine) + stdout)):
        assert judged(reading) == OK
        assert (reading.text, reading.records[0].load_ms) == ("Hi", 870.5)


@pytest.mark.parametrize(
    "text",
    [
        "MNN prints [Error]: LLM in error state. Status: 5 when the time is over.",
        "Typical messages:\n- [Error]: tokenizer file not found: x\n- LLM init error\n",
        "[Error]: is a prefix\nSegmentation fault\nKilled\nCANNOT LINK EXECUTABLE\n",
        "| model | modelSize | backend | test | t/s |\n| x | 1.00 GiB | CPU | pp1 | 1.00 ± 0.00 |\n",
        "config path is x\nmain, 321, cost time: 1.0 ms\nprompt file is y\n",
        "PERF | prefill: 1 tok in 1s (1 t/s) | decode: 1 tok in 1s (1 t/s)\n",
        "06-16 12:06:01.599  1  1 E MNNJNI  : LLM init error\n"
        "06-16 12:06:01.599  1  1 F libc    : Fatal signal 11 (SIGSEGV) (llm_demo)\n",
        "--------- beginning of crash\nrc=139\nexit code: 1\n",
        "#################################\n# A heading in a frame\n##################################\n",
        "Can't open file:m/embeddings_bf16.bin, Failed to open embedding file!\n",
        '{"model":"x","results":[]}',
    ],
)
def test_prose_about_errors_is_text(text: str) -> None:
    for reading in (run(launch(text)), parse(launch(text))):
        assert judged(reading) == OK
        assert len(reading.records) == 1
        assert reading.text == text


def test_exact_engine_line_in_the_text_of_a_healthy_run_is_ambiguous() -> None:
    for text in (f"Once\n{ERROR_LINE}\nupon", f"Once upon a{ERROR_LINE}\n"):
        reading = run(launch(text))
        assert judged(reading) == AMBIGUOUS
        assert ERROR_LINE in reading.evidence[0]


def test_engine_line_of_a_model_that_wrote_nothing_is_the_engines() -> None:
    end = block(decode=0, decode_s="0.00", speed="-nan")
    assert judged(run(launch(f"{ERROR_LINE}\n", end=end))) == ("failed", "generation_timeout")


def test_engine_line_without_a_block() -> None:
    data = launch("text\nError: Generation failed due to internal error\n", end="")
    assert judged(run(data, status=255)) == ("failed", "generation_error")


def test_text_grows_while_it_streams_and_hides_the_block() -> None:
    data = launch("Hello #1\nworld ## 2 🦙")
    reader, seen = LaunchReader("demo"), ""
    for index in range(len(data)):
        reader.feed_stdout(data[index : index + 1])
        now = reader.text_so_far
        assert now.startswith(seen)
        seen = now
    assert seen.strip() == "Hello #1\nworld ## 2 🦙"


# Logcat builds


def test_counters_come_from_the_log_of_a_logcat_build() -> None:
    stdout = b"config path is m/config.json\nprompt file is p.txt\n" + f"Hi{FORGED}{ERROR_LINE}\n".encode()
    reading = run(stdout, log=logcat(HEAD.split("\n", 1)[1] + block()))
    assert judged(reading) == OK
    assert (reading.records[0].decode_tok_s, reading.records[0].load_ms) == (10.0, 870.5)
    assert reading.records[0].source == "logcat"
    assert reading.text == f"Hi{FORGED}{ERROR_LINE}\n"


@pytest.mark.parametrize(
    "form",
    [
        "I/MNNJNI  ( 8826): {}",
        "06-16 12:06:01.599 I/MNNJNI  ( 8826): {}",
        "I/MNNJNI  : {}",
        "I( 8826) {}  (MNNJNI)",
        "I( 8826: 8826) {}",
        "1781604361.599123456  shell  8826  8826 I MNNJNI  : {}",
        "2026-06-16 12:06:01.599 8826-8826/? I/MNNJNI: {}",
        "2026-06-16 12:06:01.599  8826-8826  MNNJNI                  pid-8826                  I  {}",
        "12:06:01.599  I  {}",
        "{}",
    ],
)
def test_counters_in_every_format_of_a_saved_log(form: str) -> None:
    lines = (HEAD.split("\n", 1)[1] + block()).removesuffix("\n").split("\n")
    reading = parse("".join(form.format(line) + "\n" for line in lines).encode())
    assert judged(reading) == OK
    assert (reading.records[0].decode_tok_s, reading.records[0].load_ms) == (10.0, 870.5)


def test_log_without_tags_of_a_busy_phone() -> None:
    engine = "".join(f"I( 8826: 8826) {line}\n" for line in (HEAD + block()).split("\n"))
    others = "".join(f"D({pid:5}:{pid:5}) onResume\n" for pid in range(100, 200))
    assert judged(parse((others + engine + others).encode())) == OK


def test_streaming_text_of_a_logcat_build_is_all_text() -> None:
    reader = LaunchReader("demo", logs_to_logcat=True)
    reader.feed_stdout(f"config path is x\n{PROMPT}Hi{FORGED}so".encode())
    assert reader.text_so_far == f"Hi{FORGED}so"


def test_error_in_the_log_of_a_logcat_build() -> None:
    log = logcat("[Error]: LLM model file not found: m/llm.mnn", level="E") + logcat(
        "LLM init error", level="E"
    )
    assert judged(run(b"config path is m/config.json\n", log=log)) == ("failed", "model_missing")


def test_stdout_and_logcat_pasted_into_one_file() -> None:
    stdout = f"config path is m/config.json\n{PROMPT}An answer.\n".encode()
    log = b"--------- beginning of main\n" + logcat(HEAD.split("\n", 1)[1] + block())
    for data in (stdout + log, log + stdout):
        reading = parse(data)
        assert judged(reading) == OK
        assert reading.text == "An answer.\n"
        assert reading.records[0].load_ms == 870.5


def test_last_launch_in_a_log_of_several_counts() -> None:
    engine = HEAD.split("\n", 1)[1]
    log = logcat("LLM init error", pid=1) + logcat(engine + block(), pid=2)
    assert judged(parse(log)) == OK
    assert judged(parse(log + logcat(engine, pid=3))) == INCOMPLETE


def test_log_of_another_engine_that_ran_at_the_same_time() -> None:
    engine = HEAD.split("\n", 1)[1]
    ours, other = logcat(engine, pid=2), logcat(engine + block(speed="99.00"), pid=3)
    reader = LaunchReader("demo", logs_to_logcat=True)
    reader.feed_stdout(launch("Hi", head="config path is x\n", end=""))
    reader.feed_log(ours + other + logcat(block(), pid=2))
    assert [record.decode_tok_s for record in reader.finish(0, pid=2).records] == [10.0]


def test_other_lines_between_the_counters_in_a_log() -> None:
    lines = logcat(HEAD.split("\n", 1)[1] + block()).splitlines(keepends=True)
    noise = logcat("Kill 'com.game' (77), uid 10001, oom_score_adj 900", pid=1, tag="lowmemorykiller")
    assert judged(parse(noise.join(lines))) == OK


def test_lines_lost_by_logd_are_named() -> None:
    log = logcat(HEAD.split("\n", 1)[1]) + logcat("uid=2000(shell) expire 12 lines", tag="chatty")
    assert judged(run(b"", log=log)) == ("incomplete", "log_loss")


# Who was killed, and by whom


def test_low_memory_kill_of_another_app_is_no_failure_of_ours() -> None:
    log = logcat(
        "Kill 'com.game' (77), uid 10001, oom_score_adj 900 to free 9kB", tag="lowmemorykiller", pid=1
    )
    assert judged(run(launch("Hi"), log=log)) == OK


def test_kernel_kill_of_our_process_is_out_of_memory() -> None:
    line = "Out of memory: Killed process 4242 (llm_demo) total-vm:9kB"
    for log in (logcat(line, tag="", pid=0), f"<6>[  12.5] {line}\n".encode()):
        reading = run(launch("Hi", end=""), log=log, status=137) if log[:1] != b"<" else parse(log)
        assert judged(reading) == ("failed", "out_of_memory")


def test_agent_says_why_it_ended_the_launch() -> None:
    reader = LaunchReader("demo")
    reader.feed_stdout(launch("Hi", end=""))
    assert judged(reader.finish(137, agent_cause="out_of_memory")) == ("failed", "out_of_memory")


def test_low_memory_kill_of_the_app() -> None:
    log = logcat("createLLM BeginLoad /m/Tiny/config.json", tag="MNN_DEBUG") + logcat(
        "Kill 'com.alibaba.mnnllm.android' (8826), uid 10200, oom_score_adj 0 to free 9kB", tag="lmkd", pid=1
    )
    assert judged(parse(log)) == ("failed", "killed_low_memory")


def test_crash_of_another_process_is_no_failure_of_ours() -> None:
    log = logcat("Fatal signal 11 (SIGSEGV), code 1 in tid 5 (game), pid 5 (com.game)", tag="libc", pid=5)
    assert judged(run(launch("Hi"), log=log)) == OK


def test_tombstone_of_our_process_names_the_signal() -> None:
    log = logcat(
        "pid: 42, tid: 42, name: llm_demo  >>> ./llm_demo <<<\nsignal 4 (SIGILL), code 1", tag="DEBUG", pid=9
    )
    assert judged(run(HEAD.encode(), log=log, status=None)) == ("failed", "illegal_instruction")


@pytest.mark.parametrize(("status", "cause"), EXIT_CAUSES.items())
def test_exit_status_without_a_word(status: int, cause: str) -> None:
    assert judged(run(b"config path is m/config.json\n", status=status)) == ("failed", cause)


def test_unknown_exit_status_fails_nothing() -> None:
    assert judged(run(launch("Hi"), status=None)) == OK
    assert judged(run(b"config path is x\n", status=None)) == INCOMPLETE


def test_crash_after_a_whole_block_is_a_failure() -> None:
    assert judged(run(launch("Hi"), status=139)) == ("failed", "segfault")
    assert judged(parse(launch("Hi") + b"Segmentation fault \n")) == ("failed", "segfault")


@pytest.mark.parametrize(
    "words", ["Segmentation fault", "Segmentation fault (core dumped)", "Segmentation fault \n$ "]
)
def test_crash_in_the_middle_of_the_text(words: str) -> None:
    for text in (f"Once upon\n{words}", f"Once upon{words}"):
        assert judged(parse(launch(text, end=""))) == ("failed", "segfault")


# The engine's own messages


def test_noise_of_older_engines_is_no_error() -> None:
    head = HEAD.replace(
        "The device",
        "Can't open file:/sys/devices/system/cpu/cpufreq/boost/affected_cpus\n"
        "Can't open file:/sys/devices/system/cpu/cpufreq/schedutil/affected_cpus\nThe device",
    )
    assert judged(run(launch("Hi", head=head))) == OK


def test_cold_gpu_run_is_no_error() -> None:
    head = HEAD.replace(
        "main, 321", "Can't open file:tmp_614add2c/mnn_cachefile.bin\nLoad Cache file error.\nmain, 321"
    )
    reading = run(launch("Hi", head=head) + b"Update cache to tmp_614add2c/mnn_cachefile.bin, size = 9\n")
    assert judged(reading) == OK


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ("Can't open file:m/visual.mnn", "file_missing"),
        ("Can't open file:m/embeddings_int4.bin\nFailed to open embedding file!", "embedding_missing"),
        (
            "Unable to open llm_config file: m/llm_config.json\nError: No such file or directory (errno: 2)\n"
            "Can't open file:m/embeddings_bf16.bin\nFailed to open embedding file!",
            "llm_config_missing",
        ),
        (
            "Unable to open config file: m/config.json\nUnable to open llm_config file: m/llm_config.json\n"
            "[Error]: tokenizer file not found: m/tokenizer.txt\nLLM init error",
            "config_missing",
        ),
        ("[Error]: LLM weight file not found: m/llm.mnn.weight\nLLM init error", "weight_missing"),
        ("[Error]: Failed to open LLM model file (permission denied?): m/llm.mnn", "file_unreadable"),
        (
            "Can't open file:m/mtp.mnn\nError for open m/mtp.mnn\nMTP: failed to load mtp model m/mtp.mnn\n"
            "Llm::load: generation strategy failed to load\nLLM init error",
            "speculative_load_failed",
        ),
        ("MNN_QNN: Failed to create the device, error:14001", "qnn_error"),
        ("MNN_QNN: Failed to open QNN libs. Ensure that. dlerror() returns x.", "qnn_error"),
        ("[MNN::Hexagon] Open libcdsprpc.so failed", "hexagon_error"),
        ("CL ERROR CODE : -30, info:getPlatform ", "opencl_error"),
        ("Can't Find type=7 backend, use 0 instead", "backend_fallback"),
        ("[Error]: something new", "engine_error"),
        ('dlopen failed: library "libMNN_CL.so" not found', "dlopen_error"),
        ("Scudo ERROR: internal map failure (error desc=Out of memory) requesting 9KB", "out_of_memory"),
        ("/system/bin/sh: ./llm_demo: inaccessible or not found", "engine_missing"),
        ("/system/bin/sh: ./llm_demo: not executable: 64-bit ELF file", "not_executable"),
        ("LLM init error", "load_failed"),
        (
            "qemu-aarch64-static: Could not open '/system/bin/linker64': No such file or directory",
            "loader_missing",
        ),
    ],
)
def test_engine_message_gives_its_cause(lines: str, cause: str) -> None:
    head = HEAD.replace("main, 321", f"{lines}\nmain, 321")
    for reading in (
        run(launch("Hi", head=head)),
        parse(launch("Hi", head=head)),
        run(launch("Hi"), stderr=lines.encode()),
        parse(f"$ ./llm_demo m/config.json p.txt\n{lines}\n".encode()),
        parse(f"{lines}\n".encode("utf-16")),
    ):
        assert judged(reading) == ("failed", cause)
        assert reading.remedy
        assert reading.evidence


def test_missing_prompt_file_is_told_by_status_1_and_silence() -> None:
    assert judged(run(launch("", end=""), status=1)) == ("failed", "prompt_missing")
    assert judged(run(launch("", end=""), status=None)) == INCOMPLETE


@pytest.mark.parametrize(
    "end", [block(prompt=0), block(speed="inf"), block(prefill="-nan"), block(speed="0.00")]
)
def test_figures_that_are_none(end: str) -> None:
    reading = run(launch("Hi", end=end))
    assert judged(reading) == ("failed", "no_tokens")


def test_nan_and_inf_are_null() -> None:
    [record] = run(launch("Hi", end=block(prefill="-nan", speed="inf"))).records
    assert (record.prefill_tok_s, record.decode_tok_s) == (None, None)


def test_no_decode_tokens_are_right_only_when_none_were_asked() -> None:
    data = launch("", end=block(decode=0, decode_s="0.00", speed="-nan"))
    assert judged(run(data, max_new_tokens=0)) == OK
    assert judged(run(data, max_new_tokens=8)) == ("failed", "no_tokens")


# Saved files


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.decode().encode("utf-16-le"),
        lambda data: b"".join(b"> " + line for line in data.splitlines(keepends=True)),
        lambda data: b"".join(b"    " + line for line in data.splitlines(keepends=True)),
        lambda data: b"".join(
            b"run.log:%d:" % number + line for number, line in enumerate(data.splitlines(keepends=True), 1)
        ),
        lambda data: (
            b"* daemon started successfully\nm/llm.mnn: 1 file pushed, 0 skipped. 34.1 MB/s\n" + data
        ),
        lambda data: (
            b"generic:/data/local/tmp $ ./llm_demo m/config.json p.txt\n" + data + b"1|generic:/ $ exit\n"
        ),
        lambda data: b"```\n" + data + b"```\n\n",
        lambda data: data + b"\nreal\t0m1.203s\nuser\t0m2.0s\nrc=0\n",
        lambda data: data.replace(b"prompt tokens", b"\x1b[1mprompt tokens"),
        lambda data: data.removesuffix(b"\n"),
    ],
)
def test_what_terminals_and_editors_do_to_a_log(wrap: object) -> None:
    assert callable(wrap)
    reading = parse(wrap(launch("Hello there.")))
    assert judged(reading) == OK
    assert reading.records == parse(launch("Hello there.")).records


def test_status_that_the_shell_was_asked_for() -> None:
    assert judged(parse(b"config path is k0/config.json\nrc=139\n")) == ("failed", "segfault")


def test_second_launch_without_counters_in_one_file() -> None:
    assert (
        judged(parse(launch("Hi") + b"$ ./llm_demo m/config.json p.txt\n" + launch("Ho", end="")))
        == INCOMPLETE
    )


def test_prose_is_incomplete_and_another_tools_table_is_not_ours() -> None:
    assert judged(parse(b"Lorem ipsum\n")) == INCOMPLETE
    assert parse(b"\0\xff\xfe garbage \x80" * 50).verdict == "incomplete"


def test_long_line_without_end_is_kept_apart() -> None:
    text = "x" * 300_000
    reading = run(launch(text))
    assert judged(reading) == OK
    assert reading.text == text


def test_engine_line_glued_to_a_long_text_is_found() -> None:
    assert judged(run(launch("word " * 2000 + f"end.{ERROR_LINE}\n"))) == AMBIGUOUS


# The table itself


def test_every_cause_has_a_sentence_and_a_remedy_and_is_told_once() -> None:
    assert len(BY_SLUG) == len(FAILURES)
    for failure in FAILURES:
        assert failure.meaning.endswith(".")
        assert failure.remedy
        assert failure.slug.replace("_", "").isalpha()
    assert set(EXIT_CAUSES.values()) <= BY_SLUG.keys()


def test_every_pattern_holds_its_needle() -> None:
    assert find_failure("all is well") is None
    for failure in FAILURES:
        for pattern in failure.patterns:
            plain = pattern.regex.pattern.replace("\\", "").lower()
            assert pattern.needle.split("'")[0].strip().lower()[:8] in plain, pattern
