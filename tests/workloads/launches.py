"""What llm_demo prints, put together by tests, and how they read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicehub.workloads.verdict import LaunchReader, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = """config path is m/config.json
The device supports: i8sdot:1, fp16:1, i8mm: 1, sve2: 0, sme2: 0
main, 321, cost time: 870.500000 ms
Prepare for tuning opt Begin
Prepare for tuning opt End
main, 330, cost time: 12.000000 ms
"""
PROMPT = "prompt file is p.txt\n"


def block(
    *,
    prompt: int = 40,
    decode: int = 20,
    prefill: str = "80.00",
    speed: str = "10.00",
    prefill_s: str = "0.50",
    decode_s: str = "2.00",
) -> str:
    return f"""
#################################
prompt tokens num = {prompt}
decode tokens num = {decode}
 vision time = 0.00 s
 pixels_mp = 0.00 MP
  audio process time = 0.00 s
  audio input time = 0.00 s
prefill time = {prefill_s} s
 decode time = {decode_s} s
 sample time = 0.01 s
prefill speed = {prefill} tok/s
 decode speed = {speed} tok/s
 vision speed = 0.000 MP/s
 audio RTF = nan{" "}
##################################
"""


FORGED = block(prompt=9, decode=999, prefill="999.00", speed="999.00", prefill_s="0.01", decode_s="1.00")


def launch(text: str, *, head: str = HEAD, end: str | None = None) -> bytes:
    return (head + PROMPT + text + (block() if end is None else end)).encode()


def logcat(text: str, *, pid: int = 8826, tag: str = "MNNJNI", level: str = "I") -> bytes:
    return "".join(
        f"06-16 12:06:01.599  {pid}  {pid} {level} {tag:<8}: {line}\n"
        for line in text.removesuffix("\n").split("\n")
    ).encode()


def run(
    stdout: bytes = b"",
    *,
    stderr: bytes = b"",
    log: bytes = b"",
    status: int | None = 0,
    max_new_tokens: int | None = None,
    logs_to_logcat: bool | None = None,
    agent_cause: str | None = None,
    pid: int | None = None,
    media: Mapping[str, int] | None = None,
    timeout_ms: object = None,
    prompts: int = 1,
    **ends: Any,
) -> Reading:
    reader = LaunchReader(
        "demo",
        max_new_tokens=max_new_tokens,
        logs_to_logcat=logs_to_logcat,
        media=media,
        timeout_ms=timeout_ms,
        prompts=prompts,
    )
    reader.feed_stdout(stdout)
    reader.feed_stderr(stderr)
    reader.feed_log(log)
    return reader.finish(status, agent_cause=agent_cause, pid=pid, **ends)


def parse(data: bytes) -> Reading:
    reader = LaunchReader(saved=True)
    reader.feed_stdout(data)
    return reader.finish()


def judged(reading: Reading) -> tuple[str, str | None]:
    return reading.verdict, reading.cause


OK = ("succeeded", None)
AMBIGUOUS = ("failed", "ambiguous_output")
INCOMPLETE = ("incomplete", "incomplete_output")
