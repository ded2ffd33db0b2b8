"""Pieces of an answer, and what makes two fixtures the same."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.models.fixture import Fixture, FixturePrompt, merge_tokens


@pytest.mark.parametrize(
    ("tokens", "pieces"),
    [
        ([b"The", b" sky"], ("The", " sky")),
        ([b"\xe5\xa4", b"\xa9", b"\xe7\xa9\xba"], ("\u5929", "\u7a7a")),
        ([b"a\xe5", b"\xa4", b"\xa9b"], ("a", "\u5929b")),
        ([b"", b"x", b""], ("x",)),
        ([b"\xff", b"x"], ("\ufffd", "x")),
        ([b"\xe5\xa4", b"x"], ("\ufffdx",)),
        ([b"x", b"\xe5\xa4"], ("x",)),
        ([], ()),
    ],
)
def test_each_piece_is_whole_characters(tokens: list[bytes], pieces: tuple[str, ...]) -> None:
    assert merge_tokens(tokens) == pieces


def test_character_that_the_end_of_an_answer_leaves_unfinished_is_read_as_on_a_phone() -> None:
    assert merge_tokens([b"x", b"\xe5\xa4"], ended=True) == ("x", "\ufffd")


@given(st.lists(st.binary(max_size=4)))
def test_pieces_together_are_the_text_as_it_is_read(tokens: list[bytes]) -> None:
    assert "".join(merge_tokens(tokens, ended=True)) == b"".join(tokens).decode(errors="replace")


def test_digest_is_of_questions_and_answers_alone() -> None:
    prompt = FixturePrompt(prompt="p", pieces=("a", "b"))
    one = Fixture(model_id="m", engine="MNN 3.6.1", prompts=(prompt,))
    assert Fixture(model_id="n", engine="MNN 3.7.0", prompts=(prompt,)).digest == one.digest
    ended = msgspec.structs.replace(prompt, ended=True)
    assert msgspec.structs.replace(one, prompts=(ended,)).digest != one.digest
