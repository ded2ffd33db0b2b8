"""A prompt file that llm_demo reads as it was meant: one prompt per line, nothing skipped, nothing cut."""

from __future__ import annotations

from typing import Final

from devicehub.errors import InputError

CEVAL_HEADER: Final = "id,question,A,B,C,D,answer"
"""As the first line it turns llm_demo into an examiner that prints no counters."""

_JOIN: Final = "join the lines into one prompt with --join-lines"


def encode_prompts(
    text: str, *, join_lines: bool = False, one_prompt: bool = False, place: str = "prompt"
) -> bytes:
    r"""Turn text into the bytes of a prompt file.

    Every line is a prompt; a last line end, `\n` or `\r\n`, belongs to its line.

    Args:
        text: the content of a prompt file, or one prompt.
        join_lines: make one prompt of all lines, with a space in place of each line end; blank lines go.
        one_prompt: the text is one prompt, so a second line is an error.
        place: what the text is, for messages: a file's name or an option.

    Raises:
        InputError: the engine would skip a line, cut it or read it as something else.
    """
    if text.startswith("\ufeff"):
        raise InputError(
            f"{place} line 1", "begins with a byte order mark", remedy="save it as UTF-8 without one"
        )
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    if join_lines:
        lines = [" ".join(line for line in lines if line.strip())]
    if not any(line.strip() for line in lines):
        raise InputError(place, "holds no prompt", remedy="write at least one line of text")
    if one_prompt and len(lines) > 1:
        raise InputError(f"{place} line 2", "a prompt is one line for llm_demo", remedy=_JOIN)
    for number, line in enumerate(lines, 1):
        _check_line(line, f"{place} line {number}", first=number == 1)
    return _encode(lines, place)


def _check_line(line: str, where: str, *, first: bool) -> None:
    if not line.strip():
        raise InputError(where, "is blank and would be skipped", remedy=f"remove it, or {_JOIN}")
    if line.startswith("#"):
        raise InputError(
            where,
            "begins with `#`, which llm_demo takes for a comment",
            remedy="put a space or a word before it",
        )
    if first and line == CEVAL_HEADER:
        raise InputError(
            where,
            "is the header of a C-Eval file, which llm_demo does not answer as a prompt",
            remedy="put another line first",
        )
    if "\0" in line:
        raise InputError(where, "holds a NUL character", remedy="save the file as plain UTF-8 text")
    if "\r" in line:
        raise InputError(where, "holds a carriage return", remedy="remove it or end the line there")


def _encode(lines: list[str], place: str) -> bytes:
    encoded = bytearray()
    for number, line in enumerate(lines, 1):
        try:
            encoded += line.encode() + b"\n"
        except UnicodeEncodeError as error:
            raise InputError(
                f"{place} line {number}", "is not valid Unicode text", remedy="save it as UTF-8"
            ) from error
    return bytes(encoded)
