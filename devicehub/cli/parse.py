"""`devicehub parse`: counters and verdict from a saved log."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import print_json, print_table
from devicehub.errors import InputError
from devicehub.workloads.eval_reader import EvalReader
from devicehub.workloads.failures import BY_SLUG
from devicehub.workloads.verdict import LaunchReader, Reading

if TYPE_CHECKING:
    from typing import BinaryIO

_PIECE: Final = 1 << 20
_REMEDY: Final = "give the saved output of llm_demo, llm_bench or ppl_eval, or a logcat"
_FIRST_WORDS: Final = re.compile(
    rb"^(?:(llmPath)=s |(?:.*[$#>] )?(?:config|model|prompt file) )", re.MULTILINE
)
"""Of ppl_eval, or of another tool: what a model says later is no first word."""


@click.command("parse")
@click.argument("file", metavar="FILE|-")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(file: str, as_json: bool) -> None:
    """Read counters and verdict from a saved log of llm_demo, llm_bench, ppl_eval or MnnLlmChat.

    FILE may hold stdout, stderr, a logcat in any format, several of them, or what was pasted from a
    terminal; - reads standard input. The exit status is 0 when the launch succeeded, 1 when it did not.
    """
    reading = read_file(file)
    if as_json:
        print_json(msgspec.to_builtins(reading))
    else:
        _show(reading)
    sys.exit(ExitCode.OK if reading.verdict == "succeeded" else ExitCode.FAILED)


def read_file(file: str) -> Reading:
    """Read a saved log; `-` is standard input.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    if file == "-":
        return _read_stream(sys.stdin.buffer, "standard input")
    try:
        with Path(file).open("rb") as stream:
            return _read_stream(stream, file)
    except OSError as error:
        raise InputError(file, error.strerror or "cannot be read", remedy=_REMEDY) from error


def _read_stream(stream: BinaryIO, place: str) -> Reading:
    piece = stream.read(_PIECE)
    if not piece:
        raise InputError(place, "is empty", remedy=_REMEDY)
    # Its figure is the last that it prints, and its status is 0 whatever happened.
    words = _FIRST_WORDS.search(piece)
    is_ppl_eval = words is not None and words[1] is not None
    reader = EvalReader(None) if is_ppl_eval else LaunchReader(saved=True)
    while piece:
        reader.feed_stdout(piece)
        piece = stream.read(_PIECE)
    return reader.finish(0 if is_ppl_eval else None)


def _show(reading: Reading) -> None:
    if reading.records:
        headers = [
            "tool",
            "test",
            "backend",
            "threads",
            "prompt",
            "decode",
            "prefill tok/s",
            "decode tok/s",
            "load ms",
        ]
        rows = [
            [
                record.tool,
                record.test,
                record.backend,
                record.threads,
                record.prompt_tokens,
                record.decode_tokens,
                record.prefill_tok_s,
                record.decode_tok_s,
                record.load_ms,
            ]
            for record in reading.records
        ]
        print_table(headers, rows)
    if reading.perplexity is not None:
        print(f"perplexity: {reading.perplexity:.2f}")
    if reading.cause is None:
        print(f"verdict: {reading.verdict}")
    else:
        print(f"verdict: {reading.verdict} ({reading.cause})")
        print(f"  {BY_SLUG[reading.cause].meaning}" if reading.cause in BY_SLUG else "")
        if reading.remedy:
            print(f"  remedy: {reading.remedy}")
        for line in reading.evidence:
            print(f"  | {line}")
    for doubt in reading.doubts:
        print(f"  not to be trusted: {doubt}")
    for title, lines in (("the log lost lines", reading.log_loss), ("the crash", reading.crash)):
        if lines:
            print(f"  {title}:")
        for line in lines:
            print(f"  | {line}")
