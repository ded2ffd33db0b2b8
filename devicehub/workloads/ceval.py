"""C-Eval files: questions with four choices, as llm_demo reads, prints and answers them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.errors import InputError
from devicehub.workloads.media import find_tags
from devicehub.workloads.prompts import CEVAL_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LETTERS: Final = ("A", "B", "C", "D")
MOST_FILES: Final = 100
RESULT_SUFFIX: Final = ".csv"
_COLUMNS: Final = 7
_SUBJECT: Final = re.compile(r"(?P<name>.+?)(?:_val|_test)?(?:\.csv)?", re.IGNORECASE)
_PARTS: Final = re.compile(r'[^",\n]+|[",\n]')
_PROGRESS: Final = re.compile("## 进度: ([0-9]{1,7}) / [0-9]{1,7}\n".encode())
_NEXT_ROW: Final = re.compile(rb'(?="\n([0-9]{1,7}),")')
_MOST_STOPS: Final = 1000
"""Places where an answer may end: more are no answer's own."""


class EvalFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of questions as it was asked.

    Attributes:
        sha256: of the text.
        text: empty in a run's record, which has the answers.
    """

    name: str
    sha256: str
    text: str = ""

    @property
    def subject(self) -> str:
        """What results call its questions."""
        return subject_of(self.name)


class EvalAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What workload eval was asked: a launch for each file, then one for the perplexity of a text.

    Attributes:
        text_sha256: of the text; None where no perplexity was asked.
    """

    files: tuple[EvalFile, ...] = ()
    text_sha256: str | None = None
    text_bytes: int = 0

    @property
    def launches(self) -> int:
        """How many it takes."""
        return len(self.files) + (self.text_sha256 is not None)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    Attributes:
        id: its first cell, else its number from 0.
        choices: the texts of A to D.
        gold: the letter of the right one.
    """

    id: str
    text: str
    choices: tuple[str, ...]
    gold: str

    @property
    def prompt(self) -> bytes:
        """What llm_demo asks the model, and prints before."""
        listed = "".join(f"\n{letter}. {text}" for letter, text in zip(LETTERS, self.choices, strict=True))
        return f"{self.text}\n{listed}\n\n".encode()


class Exam(msgspec.Struct, frozen=True, kw_only=True):
    """The questions of one file.

    Attributes:
        lines: how many the file has beside its header; llm_demo takes that for the number of questions.
    """

    questions: tuple[Question, ...]
    lines: int

    def mark(self, number: int) -> bytes:
        """What llm_demo prints before the answer to a question, by its place from 0."""
        progress = f"## 进度: {number + 1} / {self.lines}\n"
        return self.questions[number].prompt + progress.encode()


def subject_of(name: str) -> str:
    """The subject of a file: its name without folders, `_val` or `_test`, and `.csv`."""
    base = re.split(r"[/\\]", name)[-1]
    found = _SUBJECT.fullmatch(base)
    return found["name"] if found else base


def encode_exam(text: str) -> bytes:
    """The file to send: a blank line would stop llm_demo short, and a carriage return would be asked."""
    return "".join(f"{line}\n" for line in _lines(text)).encode()


def read_exam(text: str, place: str) -> Exam:
    """The questions of a file, checked for all that llm_demo does not check.

    Args:
        text: of the file.
        place: its name, for messages.

    Raises:
        InputError: llm_demo would crash on it, take it for prompts, or nobody could judge the answers.
    """
    lines = _lines(text)
    if not lines or lines[0] != CEVAL_HEADER:
        raise InputError(
            f"{place} line 1",
            f"is not `{CEVAL_HEADER}`, by which llm_demo knows a C-Eval file",
            remedy="take a file with its answers, as of the split `val`, in UTF-8 without a byte order mark",
        )
    rows = list(_rows(lines[1:], place))
    if not rows:
        raise InputError(place, "holds no question", remedy="write a line for each below the header")
    questions = [_question(number, cells, f"{place} question {number + 1}") for number, cells in rows]
    return Exam(questions=tuple(questions), lines=len(lines) - 1)


def _lines(text: str) -> list[str]:
    """As llm_demo reads them, which drops empty ones; one of a carriage return alone is dropped here."""
    return [line for raw in text.split("\n") if (line := raw.removesuffix("\r"))]


def _rows(lines: Sequence[str], place: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells, as llm_demo finds them: a quote anywhere begins or ends what commas do not part."""
    cells: list[str] = []
    cell, quoted, number = "", False, 0
    parts = _PARTS.findall("".join(f"{line}\n" for line in lines))
    at = 0
    while at < len(parts):
        part = parts[at]
        at += 1
        if part == '"':
            if quoted and at < len(parts) and parts[at] == '"':
                cell += part
                at += 1
            else:
                quoted = not quoted
        elif part == "," and not quoted:
            cells.append(cell)
            cell = ""
        elif part == "\n" and not quoted:
            yield number, [*cells, cell]
            cells, cell, number = [], "", number + 1
        else:
            cell += part
    if quoted:
        raise InputError(
            f"{place} question {number + 1}",
            'begins a quote (") that does not end, so llm_demo would leave it out',
            remedy='end the quote, and double those within it ("")',
        )


def _question(number: int, cells: list[str], where: str) -> Question:
    if len(cells) != _COLUMNS:
        raise InputError(
            where,
            f"has {len(cells)} cells, and {CEVAL_HEADER} are {_COLUMNS}",
            remedy='put quotes (") around a cell with a comma',
        )
    gold = cells[6].strip()
    if gold not in LETTERS:
        raise InputError(
            where,
            f"has {gold or 'nothing'} for its answer",
            remedy="give A, B, C or D: without it no answer can be judged",
        )
    if any("\0" in cell for cell in cells):
        raise InputError(where, "holds a NUL character", remedy="save the file as plain UTF-8 text")
    question = Question(
        id=cells[0].strip() or str(number), text=cells[1], choices=tuple(cells[2:6]), gold=gold
    )
    if find_tags(_encode(question, where)):
        raise InputError(
            where, "names a picture or a sound; questions are asked with text alone", remedy="leave it out"
        )
    return question


def _encode(question: Question, where: str) -> bytes:
    try:
        return question.prompt
    except UnicodeEncodeError as error:
        raise InputError(where, "is not valid Unicode text", remedy="save the file as UTF-8") from error


def split_output(body: bytes, exam: Exam) -> list[bytes] | None:
    """What was printed after each question's mark, up to the next; None where that has two readings, or none.

    Args:
        body: all that llm_demo printed between the name of its prompt file and that of its answers.
        exam: what it was asked.
    """
    marks = [exam.mark(number) for number in range(len(exam.questions))]
    found: list[list[int]] = [[] for _ in marks]
    for progress in _PROGRESS.finditer(body):
        number = int(progress[1]) - 1
        if 0 <= number < len(marks) and body.endswith(marks[number], 0, progress.end()):
            found[number].append(progress.end())
    # What stands twice may be the model's own.
    if any(len(places) != 1 for places in found):
        return None
    begins = [places[0] for places in found]
    ends = [begin - len(mark) for begin, mark in zip(begins[1:], marks[1:], strict=True)] + [len(body)]
    if any(begin > end for begin, end in zip(begins, ends, strict=True)):
        return None
    return [body[begin:end] for begin, end in zip(begins, ends, strict=True)]


def read_answers(file: bytes, count: int, said: Sequence[bytes] | None = None) -> list[bytes] | None:
    r"""The model's answers, from the file that llm_demo wrote; None where it lacks its end.

    Nothing in the file is escaped, so an answer may hold `"`, a line end, `1,"` and so look like two. Where
    that is so, what was printed decides: an answer ends what stands after its question.

    Args:
        file: its bytes.
        count: how many questions there are.
        said: what was printed after each question; None where that is not known.

    Raises:
        ValueError: there are two readings, or none that agrees with what was printed.
    """
    begin = b'id,answer\n0,"'
    if not file.startswith(begin) or not file.endswith(b'"\n'):
        return None
    answers: list[bytes] = []
    at = len(begin)
    starts: dict[bytes, list[int]] = {}
    for row in _NEXT_ROW.finditer(file):
        starts.setdefault(row[1], []).append(row.start())
    for number in range(count):
        is_last = number == count - 1
        stop = b'"\n' if is_last else b'"\n%d,"' % (number + 1)
        places = [len(file) - len(stop)] if is_last else starts.get(b"%d" % (number + 1), [])
        stops = [place for place in places if place >= at][:_MOST_STOPS]
        if not stops:
            return None
        if said is None and len(stops) > 1:
            raise ValueError(f"the answer to question {number + 1} may end in {len(stops)} places")
        fitting = [end for end in stops if said is None or _ends(said[number], file, at, end)]
        if not fitting:
            raise ValueError(f"the file's answer to question {number + 1} is not the one that was printed")
        answers.append(file[at : fitting[-1]])
        at = fitting[-1] + len(stop)
    return answers


def _ends(said: bytes, file: bytes, begin: int, end: int) -> bool:
    return end - begin <= len(said) and said.endswith(file[begin:end])
