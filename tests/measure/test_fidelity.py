"""What an answer says of the engine that gave it."""

from __future__ import annotations

import pytest

from devicehub.measure.fidelity import is_wrong, judge, wrong_lines
from devicehub.models.fixture import Fixture, FixturePrompt

EIGHT = ("The ", "sky ", "is ", "blue", ", ", "\u5929\u7a7a", "\n", "!")
ENDED = ("Yes", ".")


def fixture(*answers: tuple[str, ...], ended: bool = False) -> Fixture:
    prompts = tuple(
        FixturePrompt(prompt=f"p{number}", pieces=pieces, ended=ended)
        for number, pieces in enumerate(answers, 1)
    )
    return Fixture(model_id="m", engine="MNN 3.6.1", prompts=prompts)


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("The sky is blue, \u5929\u7a7a\n!", 8),
        ("The sky is blue, \u5929\u7a7a\n!\n", 8),
        ("The sky is blue, \u5929\u7a7a\n! And more", 8),
        ("The sky is blue, \u5929", 5),
        ("The sky is blu", 3),
        ("The sky is blue. The sky is blue", 4),
        ("", 0),
        ("\n", 0),
        (" The sky", 0),
        ("\nThe sky", 0),
        ("sky is blue", 0),
    ],
)
def test_pieces_count_from_the_beginning_and_whole(text: str, matched: int) -> None:
    (answer,) = judge(fixture(EIGHT), [(text, None)]).answers
    assert (answer.matched, answer.of) == (matched, 8)


@pytest.mark.parametrize(("text", "matched"), [("Yes.\n", 3), ("Yes.", 3), ("Yes. But", 2), ("Yes", 1)])
def test_end_of_an_answer_counts_as_a_piece(text: str, matched: int) -> None:
    (answer,) = judge(fixture(ENDED, ended=True), [(text, None)]).answers
    assert (answer.matched, answer.of) == (matched, 3)


@pytest.mark.parametrize(
    ("text", "matched"),
    [("\n\nYes", 3), ("Yes", 3), ("Yes.", 4), ("\nYes", 1), ("No", 0), ("\n\nNo", 2), ("", 0)],
)
def test_white_space_may_be_taken_off_the_ends_of_an_answer(text: str, matched: int) -> None:
    (answer,) = judge(fixture(("\n", "\n", "Yes", "."), EIGHT), [(text, None)]).answers[:1]
    assert (answer.matched, answer.of) == (matched, 4)


def test_token_that_begins_with_a_space_at_the_beginning_of_a_trimmed_answer() -> None:
    (answer,) = judge(fixture((" The", " sky")), [("The sky", None)]).answers
    assert answer.matched == 2


def test_share_is_of_all_pieces_and_says_who_answered() -> None:
    fidelity = judge(fixture(EIGHT, ENDED), [("The sky is", None), ("Yes.", None)], "r1")
    assert fidelity.share == pytest.approx(0.4)
    assert (fidelity.reason, fidelity.run_id, fidelity.source) == (None, "r1", "unchecked")
    assert fidelity.answers[0].expected == "".join(EIGHT)


def test_launch_that_failed_tells_nothing_of_the_output() -> None:
    fidelity = judge(fixture(EIGHT, EIGHT), [("zzz", None), (None, "out_of_memory")])
    assert fidelity.share is None
    assert fidelity.reason == "the launch for prompt 2 of the fixture failed: out_of_memory"
    assert not is_wrong(fidelity)
    assert [answer.cause for answer in fidelity.answers] == [None, "out_of_memory"]


def test_text_of_a_launch_that_failed_is_no_wrong_answer() -> None:
    assert not is_wrong(judge(fixture(EIGHT), [("zzz", "segfault")]))


def test_run_that_ended_between_two_prompts_tells_nothing() -> None:
    fidelity = judge(fixture(EIGHT, EIGHT), [("The sky is blue, ", None)])
    assert (fidelity.share, fidelity.reason) == (None, "prompt 2 of the fixture was not answered")
    assert judge(fixture(), []).reason == "the fixture holds no answer"


@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [("The ", "The ", True), ("The sky ", "", False), ("The ", "The sky is", False), ("", "", True)],
)
def test_wrong_is_below_a_quarter_of_every_prompt(first: str, second: str, wrong: bool) -> None:
    assert is_wrong(judge(fixture(EIGHT, EIGHT), [(first, None), (second, None)])) is wrong


def test_evidence_shows_both_texts_on_one_line_each() -> None:
    lines = wrong_lines(judge(fixture(EIGHT, ENDED), [("The\n\u5929" + "z" * 400, None), ("Yes.", None)]))
    assert lines[0] == 'prompt 1: "p1": 0 of 8 pieces as on the host'
    assert lines[1] == 'host:  "The sky is blue, \u5929\u7a7a\\n!"'
    assert lines[2].startswith('phone: "The\\n\u5929zzz')
    assert lines[2].endswith('zzz..."')
    assert len(lines) == 3


def test_answer_without_an_end_is_kept_in_part() -> None:
    (answer,) = judge(fixture(EIGHT), [("z" * 10**6, None)]).answers
    assert answer.text is not None
    assert len(answer.text) <= 2000
