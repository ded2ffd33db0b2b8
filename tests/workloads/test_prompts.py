from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.errors import InputError
from devicehub.workloads.prompts import CEVAL_HEADER, encode_prompts

_PROMPT_LINES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=200
).filter(lambda line: line.strip() and line[0] not in "#\ufeff" and line != CEVAL_HEADER)


def read_like_llm_demo(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    assert lines.pop() == b""
    return [line.removesuffix(b"\r") for line in lines if line and not line.startswith(b"#")]


@given(st.lists(_PROMPT_LINES, min_size=1, max_size=5))
def test_every_prompt_arrives_unchanged(prompts: list[str]) -> None:
    assert read_like_llm_demo(encode_prompts("\n".join(prompts))) == [line.encode() for line in prompts]


@pytest.mark.parametrize(
    "prompt",
    ["""it's "$(reboot)" `id` $HOME \\n \\\\ %s *""", "🦙" * 1024, "x" * 4096, " leading", "a\tb\x1b[0m"],
)
def test_shell_metacharacters_emoji_and_4_kib_arrive_unchanged(prompt: str) -> None:
    assert encode_prompts(prompt, one_prompt=True) == prompt.encode() + b"\n"


@given(_PROMPT_LINES, _PROMPT_LINES)
def test_join_lines_makes_one_prompt(first: str, second: str) -> None:
    assert encode_prompts(f"{first}\r\n\n{second}\n", join_lines=True) == f"{first} {second}\n".encode()


def test_unicode_line_separator_is_no_line_end() -> None:
    assert encode_prompts("a\u2028b\x85c") == "a\u2028b\x85c\n".encode()


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("", "prompt", "write at least one line"),
        (" \n\n", "prompt", "write at least one line"),
        ("a\n\nb", "prompt line 2", "--join-lines"),
        ("a\n#b", "prompt line 2", "put a space"),
        (CEVAL_HEADER, "prompt line 1", "another line first"),
        ("a\rb", "prompt line 1", "remove it"),
        ("a\nb\0", "prompt line 2", "UTF-8"),
        ("\ufeffa", "prompt line 1", "without one"),
        ("a\n\udcff", "prompt line 2", "UTF-8"),
    ],
)
def test_what_the_engine_would_not_read_names_line_and_remedy(text: str, place: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        encode_prompts(text)
    assert caught.value.place == place
    assert remedy in str(caught.value)


def test_second_line_of_a_single_prompt_is_an_error() -> None:
    with pytest.raises(InputError, match=r"--prompt line 2.*--join-lines"):
        encode_prompts("a\nb", one_prompt=True, place="--prompt")


def test_joined_lines_may_not_make_a_comment() -> None:
    with pytest.raises(InputError, match="line 1"):
        encode_prompts("\n# title\ntext", join_lines=True)


def test_ceval_header_is_a_prompt_like_any_other_further_down() -> None:
    assert encode_prompts(f"a\n{CEVAL_HEADER}") == f"a\n{CEVAL_HEADER}\n".encode()
