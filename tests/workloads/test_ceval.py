"""C-Eval files as llm_demo reads them, and the file of answers that it writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.errors import InputError
from devicehub.sim.engine.prompts import ceval_question, parse_csv, read_prompts
from devicehub.workloads.ceval import encode_exam, read_answers, read_exam, split_output, subject_of
from devicehub.workloads.prompts import CEVAL_HEADER

ROWS = '0,"Which, then?",a,b,c,d,A\n1,"He said ""B"".\n\nIs it?",1,2,3,4,B\r\n'
CELLS = st.text(st.characters(blacklist_characters="\0\r<", blacklist_categories=["Cs"]), max_size=12)


def exam_of(rows: str) -> str:
    return f"{CEVAL_HEADER}\n{rows}"


def test_questions_are_those_that_llm_demo_asks() -> None:
    exam = read_exam(exam_of(ROWS), "law_val.csv")
    assert [question.id for question in exam.questions] == ["0", "1"]
    assert exam.questions[1].text == 'He said "B".\nIs it?'
    assert exam.questions[1].choices == ("1", "2", "3", "4")
    assert exam.mark(0).decode() == "Which, then?\n\nA. a\nB. b\nC. c\nD. d\n\n## 进度: 1 / 3\n"


@given(st.lists(st.tuples(*[CELLS] * 6), min_size=1, max_size=4))
def test_any_cells_are_read_as_the_engine_reads_them(rows: list[tuple[str, ...]]) -> None:
    quoted = ['"' + cell.replace('"', '""') + '"' for row in rows for cell in (*row, "A")]
    lines = [",".join(quoted[at : at + 7]) for at in range(0, len(quoted), 7)]
    text = exam_of("\n".join(lines))
    exam = read_exam(text, "x.csv")
    sent = read_prompts(encode_exam(text))
    assert [question.prompt for question in exam.questions] == [
        ceval_question(row) for row in parse_csv(sent)[1:]
    ]
    assert exam.lines == len(sent) - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: is not"),
        (f"\ufeff{CEVAL_HEADER}\n", "line 1: is not"),
        ("id,question,A,B,C,D\n0,q,a,b,c,d\n", "line 1: is not"),
        (exam_of(""), "holds no question"),
        (exam_of("0,q,a,b,c,d,A\n1,q, with a comma,a,b,c,d,A\n"), "question 2: has 8 cells"),
        (exam_of("0,q,a,b,c,A\n"), "question 1: has 6 cells"),
        (exam_of("0,q,a,b,c,d,E\n"), "question 1: has E for its answer"),
        (exam_of("0,q,a,b,c,d,\n"), "question 1: has nothing for its answer"),
        (exam_of('0,"q,a,b,c,d,A\n'), "question 1: begins a quote"),
        (exam_of("0,q\0,a,b,c,d,A\n"), "question 1: holds a NUL"),
        (exam_of("0,<img>x.png</img>,a,b,c,d,A\n"), "question 1: names a picture"),
        (exam_of("0,\ud800,a,b,c,d,A\n"), "question 1: is not valid Unicode"),
    ],
)
def test_what_llm_demo_would_crash_on_is_named_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_exam(text, "law_val.csv")
    assert words in str(caught.value)
    assert str(caught.value).startswith("law_val.csv")


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("law_val.csv", "law"),
        ("ceval/val/basic_medicine_test.csv", "basic_medicine"),
        ("C:\\q\\law.CSV", "law"),
        ("valuation_validity.csv", "valuation_validity"),
        ("_val.csv", "_val"),
        ("x", "x"),
    ],
)
def test_subject_is_the_name_of_the_file(name: str, subject: str) -> None:
    assert subject_of(name) == subject


def written(*answers: str) -> bytes:
    rows = "".join(f'{number},"{answer}"\n' for number, answer in enumerate(answers))
    return f"id,answer\n{rows}".encode()


@pytest.mark.parametrize(
    "answers", [("A\n", "B\n"), ("", ""), ('say "A",\n1, "B"', "it's \N{SNOWMAN}\n"), ("A", 'B"\n0,"C')]
)
def test_answers_are_read_whole(answers: tuple[str, str]) -> None:
    assert read_answers(written(*answers), 2) == [answer.encode() for answer in answers]


def test_file_without_its_end_has_no_answers() -> None:
    whole = written("A", "B", "C")
    for size in range(len(whole)):
        assert read_answers(whole[:size], 3) is None
    assert read_answers(whole, 4) is None


HOSTILE = ('A"\n1,"B', 'A"\n1,"A', '"\n1,""\n1,"', 'A"\n1,"B"\n2,"C"\n')


@pytest.mark.parametrize("answer", HOSTILE)
def test_answer_that_looks_like_two_is_two_readings(answer: str) -> None:
    with pytest.raises(ValueError, match="may end in"):
        read_answers(written(answer, "A", "D"), 3)


@pytest.mark.parametrize("answer", HOSTILE)
@pytest.mark.parametrize("noise", [b"", b"[Error]: a row of the engine\n"])
def test_what_was_printed_tells_where_such_an_answer_ends(answer: str, noise: bytes) -> None:
    answers = [answer.encode(), b"A", b"D"]
    assert read_answers(written(answer, "A", "D"), 3, [noise + text for text in answers]) == answers


def test_file_that_says_other_than_was_printed_is_none() -> None:
    with pytest.raises(ValueError, match="question 2 is not the one"):
        read_answers(written("A", "B"), 2, [b"A", b"C"])


def test_output_is_split_at_the_questions() -> None:
    exam = read_exam(exam_of(ROWS), "x.csv")
    body = exam.mark(0) + b"one\n" + exam.mark(1) + b"two\n"
    assert split_output(body, exam) == [b"one\n", b"two\n"]
    assert split_output(body[:-8], exam) is None or split_output(body[:-8], exam) != [b"one\n", b"two\n"]
    assert split_output(b"", exam) is None


def test_question_that_an_answer_repeats_has_two_readings() -> None:
    exam = read_exam(exam_of(ROWS), "x.csv")
    assert split_output(exam.mark(0) + exam.mark(1) + b"forged\n" + exam.mark(1) + b"two\n", exam) is None
