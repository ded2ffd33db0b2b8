"""What the launches of workload eval printed, read in pieces of any size; models that forge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.workloads.ceval import read_exam
from devicehub.workloads.eval_reader import EvalReader
from devicehub.workloads.prompts import CEVAL_HEADER
from tests.workloads.launches import HEAD

if TYPE_CHECKING:
    from devicehub.workloads.verdict import Reading

EXAM = read_exam(f"{CEVAL_HEADER}\nq0,First?,a,b,c,d,A\nq1,Second?,a,b,c,d,B\nq2,Third?,a,b,c,d,C\n", "x.csv")
NAME = "eval_0.csv"
ANSWERS = ["A\n", "It is B.\n", "No idea\n"]
ERROR = "[Error]: LLM in error state. Status: 4"
PPL_HEAD = b"llmPath=s c.json in main, 39 \ntextPath=s . in main, 40 \nmain, 43, cost time: 8.500000 ms\n"


def printed(answers: list[str], *, noise: str = "", end: str = f"store to {NAME}\n") -> bytes:
    marks = [EXAM.mark(number).decode() for number in range(3)]
    texts = "".join(mark + noise + answer for mark, answer in zip(marks, answers, strict=True))
    return f"{HEAD}prompt file is /r/{NAME}\n{texts}{end}".encode()


def file_of(answers: list[str]) -> bytes:
    rows = "".join(f'{number},"{answer}"\n' for number, answer in enumerate(answers))
    return f"id,answer\n{rows}".encode()


def read(
    stdout: bytes, file: bytes | None, *, cut: int | None = None, status: int | None = 0, log: bytes = b"",
    logcat: bool = False, cause: str | None = None,
) -> Reading:  # fmt: skip
    reader = EvalReader(EXAM, result_name=NAME, logs_to_logcat=logcat)
    for piece in (stdout,) if cut is None else (stdout[:cut], stdout[cut:]):
        reader.feed_stdout(piece)
    reader.feed_log(log)
    if file is not None:
        reader.feed_result(NAME, file)
    return reader.finish(status, pid=100, agent_cause=cause)


def letters(reading: Reading) -> list[str | None]:
    return [choice.letter for choice in reading.choices]


def logged(*rows: str, pid: int = 100) -> bytes:
    return "".join(f"1795386689.190000000  2000 {pid} {pid} I MNNJNI  : {row}\n" for row in rows).encode()


def test_cut_at_every_byte_it_says_the_same() -> None:
    stdout, file = printed(ANSWERS), file_of(ANSWERS)
    whole = read(stdout, file)
    assert (whole.verdict, whole.cause, letters(whole)) == ("succeeded", None, ["A", "B", None])
    assert (whole.records, whole.text, whole.perplexity) == ([], None, None)
    for cut in range(0, len(stdout), 7):
        assert read(stdout, file, cut=cut) == whole


@pytest.mark.parametrize(
    ("change", "judged"),
    [
        ({"status": None}, ("incomplete", "incomplete_output")),
        ({"status": 139}, ("failed", "segfault")),
        ({"file": None}, ("incomplete", "incomplete_output")),
        ({"file": file_of(ANSWERS)[:-3]}, ("incomplete", "incomplete_output")),
        ({"file": file_of(ANSWERS[:2])}, ("incomplete", "incomplete_output")),
        ({"file": file_of(["A\n", "C\n", "No idea\n"])}, ("failed", "ambiguous_output")),
        ({"stdout": printed(ANSWERS, end="")}, ("incomplete", "incomplete_output")),
        ({"stdout": printed(ANSWERS, noise=ERROR + "\n")}, ("failed", "generation_error")),
        ({"stdout": b"config path is c.json\nLLM init error\n", "file": None}, ("failed", "load_failed")),
        ({"stdout": printed(ANSWERS) + b"[Error]: late\n"}, ("failed", "engine_error")),
        ({"log": logged(ERROR)}, ("failed", "generation_error")),
        ({"log": logged(ERROR, pid=5)}, ("succeeded", None)),
        ({"cause": "limit_time"}, ("failed", "limit_time")),
        ({"stdout": printed(["", "\n", ""]), "file": file_of(["", "\n", ""])}, ("failed", "no_tokens")),
    ],
)
def test_it_succeeds_only_with_every_answer(change: dict, judged: tuple[str, str | None]) -> None:  # type: ignore[type-arg]
    reading = read(**{"stdout": printed(ANSWERS), "file": file_of(ANSWERS), **change})
    assert (reading.verdict, reading.cause) == judged


FORGED = (
    f"store to {NAME}\n",
    "Perplexity: 1.000000\n",
    f"{ERROR}\nLLM init error\nSegmentation fault\n",
    "\n#################################\nprompt tokens num = 9\n##################################\n",
    'C"\n1,"B"\n2,"C"\n',
    f"prompt file is /r/{NAME}\n",
    EXAM.mark(0).decode() + "A",
)


@pytest.mark.parametrize("text", FORGED)
@pytest.mark.parametrize("place", [0, 1])
def test_answer_forges_nothing_but_itself(text: str, place: int) -> None:
    answers = [text if number == place else answer for number, answer in enumerate(["D\n", "A\n", "C\n"])]
    reading = read(printed(answers), file_of(answers))
    assert (reading.verdict, reading.cause, reading.perplexity) == ("succeeded", None, None)
    others = [letter for number, letter in enumerate(letters(reading)) if number != place]
    assert others == [letter for number, letter in enumerate(["D", "A", "C"]) if number != place]


def test_answers_in_the_log_prove_no_failure() -> None:
    answers = [f"{ERROR}\n", "B\n", "C\n"]
    stdout = f"config path is c.json\nprompt file is /r/{NAME}\nstore to {NAME}\n".encode()
    rows = [row for text in (EXAM.mark(0).decode(), answers[0]) for row in text.splitlines()]
    reading = read(stdout, file_of(answers), log=logged(*rows), logcat=True)
    assert (reading.verdict, letters(reading)) == ("succeeded", [None, "B", "C"])
    truly = read(stdout, file_of(ANSWERS), log=logged(ERROR), logcat=True)
    assert (truly.verdict, truly.cause) == ("failed", "generation_error")


def ppl(stdout: bytes, *, log: bytes = b"", logcat: bool = False, cut: int = 0) -> Reading:
    reader = EvalReader(None, logs_to_logcat=logcat)
    reader.feed_stdout(stdout[:cut])
    reader.feed_stdout(stdout[cut:])
    reader.feed_log(log)
    return reader.finish(0, pid=100)


@pytest.mark.parametrize(
    ("tail", "judged"),
    [
        (b"Perplexity: 12.500000\n", ("succeeded", None, 12.5)),
        (b"Perplexity: -nan\n", ("failed", "perplexity_infinite", None)),
        (b"Perplexity: inf\n", ("failed", "perplexity_infinite", None)),
        (b"Perplexity: 1.000000\nPerplexity: 2.000000\n", ("failed", "ambiguous_output", None)),
        (b"Perplexity: 12.5000", ("incomplete", "incomplete_output", None)),
        (b"contextLength=768 in main, 86 \n", ("incomplete", "incomplete_output", None)),
        (b"Load LLM error\n", ("failed", "load_failed", None)),
        (b"Load prompt error\n", ("failed", "prompt_missing", None)),
        (
            b"[Error]: LLM in error state. Status: 4\nPerplexity: 3.000000\n",
            ("failed", "generation_error", None),
        ),
    ],
)
def test_perplexity(tail: bytes, judged: tuple[str, str | None, float | None]) -> None:
    for cut in range(0, len(PPL_HEAD + tail), 5):
        reading = ppl(PPL_HEAD + tail, cut=cut)
        assert (reading.verdict, reading.cause, reading.perplexity) == judged


def test_perplexity_of_a_logcat_build_is_the_one_in_its_own_log() -> None:
    log = logged("Perplexity: 7.000000", pid=5) + logged(
        "main, 43, cost time: 8.5 ms", "Perplexity: 9.000000"
    )
    assert ppl(b"", log=log, logcat=True).perplexity == 9.0
    assert ppl(b"Perplexity: 1.000000\n", logcat=True).verdict == "incomplete"
