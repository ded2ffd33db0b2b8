"""dumpapp's frames and answers, as MNN (4d40bdbd) and Stetho's Framer.java write them."""

from __future__ import annotations

import pytest

from devicehub.errors import AdbProtocolError, InputError
from devicehub.workloads.mnn_chat_wire import (
    NO_INPUT,
    Ended,
    ErrorOutput,
    Event,
    Frames,
    InputWanted,
    Output,
    encode_call,
    read_api_status,
    read_llm,
    socket_of,
)

# apps/Android/MnnLlmChat/tools/dumpapp:57-81: one code byte, a big-endian int, then its bytes.
ANSWER = b"1\0\0\0\x0bRESULT=OK\r\n" + b"2\0\0\0\x03err" + b"_\0\0\0\x10" + b"1\0\0\0\0" + b"x\0\0\0\x07"
EVENTS: list[Event] = [Output(b"RESULT=OK\r\n"), ErrorOutput(b"err"), InputWanted(16), Output(b""), Ended(7)]

# LlmDumperPlugin.kt:318-333
RUN = (
    "RESULT=OK\nSESSION_PRESENT=true\nSESSION_SOURCE=service_runtime\nMODEL_ID=local//m/x\nSTAGE=completed\n"
    "SUBMIT_RETURNED=true\nCHUNK_COUNT=3\nELAPSED_MS=812\nRESPONSE_BEGIN\n{}\nRESPONSE_END\n"
)


def test_a_call_is_hello_count_and_lengths() -> None:
    # tools/dumpapp:36-45
    assert encode_call(["llm", "é"]) == b"DUMP\0\0\0\x01!\0\0\0\x02\0\x03llm\0\x02\xc3\xa9"


def test_an_emoji_goes_as_plain_utf_8() -> None:
    # Framer.java:103-108 reads UTF-8, not Java's own modified form.
    assert encode_call(["😀"]).endswith(b"\0\x04\xf0\x9f\x98\x80")


def test_an_argument_too_long_for_its_frame() -> None:
    assert len(encode_call(["x" * 0xFFFF])) == 4 + 4 + 1 + 4 + 2 + 0xFFFF
    with pytest.raises(InputError, match="65535"):
        encode_call(["é" * 0x8000])


def test_a_lone_surrogate_does_not_break_the_call() -> None:
    assert encode_call(["a\ud800"]).endswith(b"\0\x02a?")


@pytest.mark.parametrize("size", range(1, len(ANSWER) + 1))
def test_frames_cut_anywhere(size: int) -> None:
    frames = Frames()
    pieces = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]
    assert [event for piece in pieces for event in frames.receive(piece)] == EVENTS
    assert frames.ended


def test_what_follows_the_exit_code_is_dropped() -> None:
    frames = Frames()
    assert list(frames.receive(ANSWER + b"1\0\0\0\x01a")) == EVENTS
    assert list(frames.receive(b"1\0\0\0\x01a")) == []


@pytest.mark.parametrize("data", [b"HTTP/1.1 400", b"1\xff\xff\xff\xff", b"2\x7f\xff\xff\xff", b"\0\0\0\0\0"])
def test_another_protocol(data: bytes) -> None:
    with pytest.raises(AdbProtocolError, match="another protocol"):
        list(Frames().receive(data))


def test_a_negative_exit_code() -> None:
    assert list(Frames().receive(b"x\xff\xff\xff\xff")) == [Ended(-1)]


def test_the_end_of_stdin() -> None:
    assert NO_INPUT == b"-\xff\xff\xff\xff"  # tools/dumpapp:72-73


def test_the_socket_is_named_by_the_process() -> None:
    # tools/stetho_open.py:131-132
    assert socket_of("com.app.x") == "localabstract:stetho_com.app.x_devtools_remote"


def test_a_response() -> None:
    answer = read_llm(RUN.format("Hello\n\nworld ").encode())
    assert (answer.ok, answer.response) == (True, "Hello\n\nworld ")
    assert answer.fields["STAGE"] == "completed"


def test_a_response_that_quotes_the_apps_own_lines() -> None:
    text = "RESULT=FAIL\nRESPONSE_END\nRESPONSE_BEGIN\nREASON=x"
    answer = read_llm(RUN.format(text).encode())
    assert (answer.ok, answer.response, answer.fields.get("REASON")) == (True, text, None)


def test_an_empty_response_and_one_that_was_cut() -> None:
    assert read_llm(RUN.format("").encode()).response == ""
    assert read_llm(RUN.format("half").partition("\nRESPONSE_END")[0].encode()).response == "half"


def test_a_prompt_that_failed() -> None:
    # LlmDumperPlugin.kt:302-314
    answer = read_llm(b"RESULT=FAIL\nMODEL_ID=m\nREASON=SESSION_INIT_FAILED\nSTAGE=ensure\n")
    assert (answer.ok, answer.reason, answer.response) == (False, "SESSION_INIT_FAILED", None)
    assert read_llm(b"").reason == "no reason given"


def test_the_word_that_begins_the_response_inside_another_line_begins_none() -> None:
    assert read_llm(b"RESULT=OK\nMODEL_ID=xRESPONSE_BEGIN\nRESPONSE_END\n").response is None


# OpenApiDumperPlugin.kt:51-73
STATUS = b"""Status: Service is running
Is Running (Internal): true
Port: 9090
Model ID: local//m/x
--- Config ---
Port (Config): 8080
IP (Config): 127.0.0.1
HTTPS URL (Config): false
Auth Enabled: true
API Key: aBcDeFgH12345678
"""


def test_the_api_key_and_the_port_it_really_has() -> None:
    status = read_api_status(STATUS)
    assert (status.running, status.port, status.key, status.needs_key) == (
        True,
        9090,
        "aBcDeFgH12345678",
        True,
    )


def test_a_service_that_does_not_run() -> None:
    text = b"Status: Service is NOT running (Instance is null)\n--- Config ---\nPort (Config): 8081\n"
    status = read_api_status(text + b"Auth Enabled: false\nAPI Key: \n")
    assert (status.running, status.port, status.key, status.needs_key) == (False, 8081, None, False)


@pytest.mark.parametrize("port", [b"null", b"0", b"65536", b"-1", b"99999999"])
def test_a_port_that_is_none(port: bytes) -> None:
    assert read_api_status(b"Port: " + port + b"\n").port is None
