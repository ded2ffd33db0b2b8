"""The verdict on a launch of the app: log, agent and answers taken together."""

from __future__ import annotations

import pytest

from devicehub.workloads.mnn_chat_plan import Answer, AppReply
from devicehub.workloads.mnn_chat_wire import PACKAGE
from devicehub.workloads.record import Record
from devicehub.workloads.verdict import LaunchReader, Reading
from tests.workloads.launches import AMBIGUOUS, INCOMPLETE, OK, judged

PID = 4711
PERF = "PERF | prefill: 31 tok in 0.25s (124.0 t/s) | decode: 80 tok in 4.00s (20.0 t/s) | history: 3 msgs"
FORGED = PERF.replace("20.0", "999.0")
FRONT = f"topResumedActivity=ActivityRecord{{1 u0 {PACKAGE}/.chat.ChatActivity t9}}"
STARTED = f"am=Starting: Intent {{ }}\npid={PID}\nbegin.activity={FRONT}\n"
BEGIN = "createLLM BeginLoad /data/local/tmp/mnn_models/Tiny/config.json"
LOADED = (BEGIN, "createLLM EndLoad 77 ")


class Log:
    """A captured log, each message at a nanosecond of its own."""

    def __init__(self) -> None:
        self.data = b""
        self._at = 1_700_000_000_000_000_000

    def say(self, *messages: str, tag: str = "MNN_DEBUG", pid: int = PID, level: str = "D") -> Log:
        for message in messages:
            self._at += 250_000_000
            stamp = f"{self._at // 10**9}.{self._at % 10**9:09d}"
            for line in message.split("\n"):
                self.data += f"{stamp}  10123 {pid} {pid} {level} {tag:<8}: {line}\n".encode()
        return self

    def reply(self, prompt: str, text: str) -> Log:
        """One answer as the app logs it (llm_session.cpp:72, 291, 300, 316, 364)."""
        return self.say(
            "submitNative history count 2",
            f"submitNative prompt_string_for_debug count Be helpful.{prompt} max_new_tokens_:64",
            "No multimodal content detected, using regular text API",
            f"submitNative Result {text}",
            PERF,
        )


def judge(
    log: Log | None = None,
    *,
    stdout: str = STARTED,
    reply: AppReply | None = None,
    agent_cause: str | None = None,
) -> Reading:
    reader = LaunchReader("app")
    reader.feed_stdout(stdout.encode())
    reader.feed_log(log.data if log else b"")
    if reply is not None:
        reader.feed_reply(reply)
    return reader.finish(0, pid=1, agent_cause=agent_cause)


def answered(*texts: str, asked: int | None = None, channel: str = "dumpapp") -> AppReply:
    return AppReply(
        channel=channel,
        answers=[Answer(text=text) for text in texts],
        asked=len(texts) if asked is None else asked,
    )


def test_the_apps_process_counts_and_not_the_scripts() -> None:
    log = Log().say(*LOADED).reply("hi", "hello")
    reading = judge(log.say(FORGED, pid=9), reply=answered("hello"))
    assert judged(reading) == OK
    [record] = reading.records
    assert (record.load_ms, record.model, record.decode_tok_s, record.source) == (
        250.0,
        "Tiny",
        20.0,
        "logcat",
    )
    assert reading.text == "hello\n"
    assert reading.doubts == []


def test_every_answer_has_the_load_that_came_before_it() -> None:
    log = (
        Log()
        .say(*LOADED)
        .say(*LOADED)
        .reply("a", "b")
        .say(BEGIN, "x", "createLLM EndLoad 78 ")
        .reply("c", "d")
    )
    reading = judge(log, reply=answered("b", "d"))
    assert [record.load_ms for record in reading.records] == [250.0, 500.0]


def test_figures_in_a_prompt_or_an_answer_are_no_figures() -> None:
    forged = f"x\n{FORGED}\ncreateLLM EndLoad 5\n{FORGED}"
    reading = judge(Log().say(*LOADED).reply(forged, forged), reply=answered(forged))
    assert judged(reading) == OK
    assert [record.decode_tok_s for record in reading.records] == [20.0]
    assert reading.records[0].load_ms == 250.0


def test_an_error_that_a_prompt_asks_about_is_none() -> None:
    log = Log().say(*LOADED).reply("what is LLM init error\n[Error]: Load module failed", "[Error]: x")
    assert judged(judge(log, reply=answered("x"))) == OK


def test_one_figure_too_many_is_in_doubt() -> None:
    # Where the stamps are coarse, a line of a text looks as a message of its own.
    log = Log().say(*LOADED).reply("a", "b").say(FORGED)
    assert judged(judge(log, reply=answered("b"))) == AMBIGUOUS


def test_an_answer_that_was_lost_with_the_link_may_have_its_figures() -> None:
    log = Log().say(*LOADED).reply("a", "b").reply("a", "b")
    reading = judge(log, reply=answered("b", asked=2))
    assert judged(reading) == OK
    assert len(reading.records) == 2


def test_a_missing_figure() -> None:
    log = Log().say(*LOADED).reply("a", "b")
    assert judged(judge(log, reply=answered("b", "c"))) == INCOMPLETE
    lost = log.say("uid=10123(u0_a123) expire 12 lines", tag="chatty", level="I")
    assert judged(judge(lost, reply=answered("b", "c"))) == ("incomplete", "log_loss")


def test_the_api_gives_figures_that_this_host_timed() -> None:
    answer = Answer(text="hello", prompt_tokens=30, decode_tokens=21, first_s=0.5, last_s=2.5)
    reading = judge(Log().say(*LOADED), reply=AppReply(channel="api", answers=[answer], asked=1))
    assert judged(reading) == OK
    [record] = reading.records
    assert (record.source, record.prefill_tok_s, record.decode_tok_s, record.load_ms) == (
        "api",
        60.0,
        10.0,
        250.0,
    )
    assert reading.doubts == ["the app does not time its API: the figures were timed by this host, over adb"]


def test_an_answer_of_one_token_over_the_api_has_no_speed_of_decoding() -> None:
    answer = Answer(text="A", prompt_tokens=30, decode_tokens=1, first_s=0.5, last_s=0.5)
    reading = judge(Log().say(*LOADED), reply=AppReply(channel="api", answers=[answer], asked=1))
    assert judged(reading) == OK
    assert reading.records[0].decode_tok_s is None


def test_an_answer_over_the_api_that_was_cut_has_no_counts() -> None:
    answers = [
        Answer(text="whole", prompt_tokens=9, decode_tokens=5, first_s=0.5, last_s=1.0),
        Answer(text="cut", first_s=0.5, last_s=1.0),
    ]
    reading = judge(Log().say(*LOADED), reply=AppReply(channel="api", answers=answers, asked=2))
    assert judged(reading) == INCOMPLETE
    assert reading.evidence[0].startswith("max_new_tokens cut 1 answers")
    assert (len(reading.records), reading.text) == (1, "whole\ncut\n")


def test_an_answer_without_a_token() -> None:
    answer = Answer(text="", prompt_tokens=30, decode_tokens=0)
    reading = judge(Log().say(*LOADED), reply=AppReply(channel="api", answers=[answer], asked=1))
    assert judged(reading) == ("failed", "no_tokens")


def test_the_apps_benchmark_is_the_record() -> None:
    measured = Record(
        tool="mnn_chat",
        source="dumpapp",
        prompt_tokens=16,
        decode_tokens=8,
        prefill_tok_s=9.0,
        decode_tok_s=5.0,
    )
    reading = judge(Log().say(*LOADED), reply=AppReply(channel="dumpapp", asked=1, measured=measured))
    assert judged(reading) == OK
    assert (reading.records[0].prefill_tok_s, reading.records[0].load_ms) == (9.0, 250.0)
    assert reading.text is None


@pytest.mark.parametrize(
    ("tag", "line"),
    [
        (
            "MNN_DEBUG",
            "Model load failed, cleaning up LlmSession: Module load failed for config: /m/config.json",
        ),
        ("ChatPresenter", "Model load failed with unexpected error"),
    ],
)
def test_a_load_that_failed(tag: str, line: str) -> None:
    log = Log().say(BEGIN).say(line, tag=tag, level="E")
    assert judged(judge(log, reply=AppReply())) == ("failed", "load_failed")


def test_no_way_to_ask() -> None:
    reply = AppReply(cause="app_no_channel", evidence=["nothing listens on port 8080 of the phone"])
    reading = judge(Log().say(*LOADED), reply=reply)
    assert judged(reading) == ("failed", "app_no_channel")
    assert reading.evidence == reply.evidence
    assert reading.remedy


def test_a_crash_explains_why_there_was_no_answer() -> None:
    fatal = f"Fatal signal 11 (SIGSEGV), code 1 in tid {PID} (x), pid {PID} (baba.mnnllm.and)"
    log = Log().say(*LOADED).say(fatal, tag="libc", level="F")
    reply = AppReply(cause="generation_error", evidence=["the app does not answer"], asked=1)
    reading = judge(log, stdout=STARTED + "gone=1\n", reply=reply)
    assert judged(reading) == ("failed", "segfault")
    assert reading.crash


def test_lmkd_took_the_app() -> None:
    line = f"Kill '{PACKAGE}' ({PID}), uid 10123, oom_score_adj 0 to free 3000000kB rss"
    log = Log().say(*LOADED).say(line, tag="lowmemorykiller", pid=300, level="I")
    reading = judge(log, stdout=STARTED + "gone=1\n", reply=AppReply(asked=1))
    assert judged(reading) == ("failed", "killed_low_memory")
    assert any("lowmemorykiller" in text for text in reading.crash)


def test_the_force_stop_at_the_end_is_no_crash() -> None:
    line = f"Killing {PID}:{PACKAGE}/u0a123 (adj 0): stop {PACKAGE} due to from pid 176"
    log = Log().say(*LOADED).reply("a", "b").say(line, tag="ActivityManager", pid=300, level="I")
    assert judge(log, reply=answered("b")).crash == []
    assert judge(log, stdout=STARTED + "gone=1\n", reply=answered("b")).crash == [f"ActivityManager: {line}"]


def test_an_app_that_is_gone_without_a_word() -> None:
    reading = judge(Log().say(*LOADED), stdout=STARTED + "gone=1\n", reply=AppReply(asked=1))
    assert judged(reading) == ("failed", "killed")
    assert reading.evidence == ["the app's process ended"]


def test_an_app_in_the_background_keeps_its_figures() -> None:
    log = Log().say(*LOADED).reply("a", "b")
    end = "end.activity=topResumedActivity=ActivityRecord{1 u0 com.launcher/.Home t1}\n"
    reading = judge(log, stdout=STARTED + end, reply=answered("b"))
    assert judged(reading) == ("failed", "app_backgrounded")
    assert reading.evidence[0] == "at the end of the launch com.launcher/.Home is in front"
    assert len(reading.records) == 1


def test_an_app_that_is_not_there() -> None:
    stdout = "am=Error type 3\nam=Error: Activity class {x} does not exist.\nno_process=1\n"
    assert judged(judge(stdout=stdout, reply=AppReply())) == ("failed", "app_not_installed")
    assert judged(judge(stdout="no_process=1\n", reply=AppReply())) == ("failed", "app_failed")


def test_a_load_without_end() -> None:
    reading = judge(Log().say(BEGIN), stdout=STARTED + "load_late=1\n", reply=AppReply())
    assert judged(reading) == ("failed", "load_failed")


def test_what_the_agent_says_comes_first() -> None:
    log = Log().say(*LOADED).reply("a", "b")
    assert judged(judge(log, reply=answered("b"), agent_cause="limit_time")) == ("failed", "limit_time")


def test_answers_that_no_hub_heard() -> None:
    reading = judge(Log().say(*LOADED).reply("a", "b"))
    assert judged(reading) == INCOMPLETE
    assert len(reading.records) == 1
