"""Which of four choices an answer in free text means, as MNN's own evaluation finds it. Pure.

The rules are those of transformers/llm/eval/evaluate_chat_ceval.py in MNN's sources, in their order: the
question's own words and the choices' texts become `答案是` and letters; then a letter is looked for after
选, 答案 or 选项, before 正确, 对 or 符合, at the very beginning, and anywhere where it stands alone. Two
things differ. Where all of these fail MNN takes the choice that looks most alike, so that every answer
counts for something; here it has no letter. And of a model that thinks aloud only what follows counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.workloads.ceval import LETTERS
from devicehub.workloads.suite import spoken

if TYPE_CHECKING:
    from devicehub.workloads.ceval import Question

_MOST_TEXT: Final = 20_000
"""Characters of an answer that are searched."""
_MOST_SHOWN: Final = 200
_LEAST_WORDS: Final = 4
# "答案是A", "选项是A", "应该选A选项"
_SAID: Final = re.compile(
    r"(?:(?:选|选择|选定)[：:]?\s*|(?:(?:答案|选项)(?![^ABCD]{0,10}?(?:不|非)[^ABCD]{0,10}?(?:是|选|为|：|:|】))"  # noqa: RUF001
    r"[^ABCD]{0,10}?(?:是|选|为|：|:|】))[^ABCD]{0,10}?)(A|B|C|D)(?:选项)?"  # noqa: RUF001
    r"(?:\)|。|\.|，|,|．|、|A|B|C|D|$|：|:|\)|）)"  # noqa: RUF001
)
# "A选项正确", "A选项符合题意"
_RIGHT: Final = re.compile(
    r"(A|B|C|D)(?:选?项)?(?![^ABCD]{0,4}?(?:不|非)[^ABCD]{0,4}?(?:正确|对[的，。：]|符合))"  # noqa: RUF001
    r"[^ABCD]{0,4}?(?:正确|对[的，。：]|符合)"  # noqa: RUF001
)
_FIRST: Final = re.compile(r"^[\(（]?(A|B|C|D)(?:。|\)|）|\.|，|,|．|：|:|$)")  # noqa: RUF001
_ALONE: Final = re.compile(r"(?<![a-zA-Z])(A|B|C|D)(?![a-zA-Z=])")


class ChoiceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered to one question.

    Attributes:
        said: the begin of its answer.
        letter: the choice that it means; None where it names none.
        gold: the right one.
    """

    id: str
    said: str
    letter: str | None
    gold: str

    @property
    def is_right(self) -> bool:
        """Whether it means the right choice."""
        return self.letter == self.gold


def judge_choice(question: Question, answer: bytes) -> ChoiceAnswer:
    """What an answer, as llm_demo wrote it, means."""
    text = answer.decode("utf-8", "replace")
    return ChoiceAnswer(
        id=question.id,
        said=text.strip()[:_MOST_SHOWN],
        letter=find_letter(question, text),
        gold=question.gold,
    )


def find_letter(question: Question, text: str) -> str | None:
    """The letter of the choice that an answer means; None where it names none, or ends amid a thought."""
    answer = spoken(text)
    if answer is None:
        return None
    prepared = _prepare(question, answer.strip()[:_MOST_TEXT])
    for pattern in (_SAID, _RIGHT, _FIRST, _ALONE):
        if found := pattern.search(prepared):
            return found[1]
    return None


def _prepare(question: Question, answer: str) -> str:
    """Put `答案是` in the place of the question's words and letters in those of the choices' texts."""
    words = question.text.rstrip("。").split("。")[-1].split("_")
    if len(words[0].strip()) > _LEAST_WORDS:
        answer = answer.replace(words[0], "答案是")
    if len(words[-1].strip()) > _LEAST_WORDS:
        answer = answer.replace(words[-1], "")
    choices = sorted(zip(LETTERS, question.choices, strict=True), key=lambda one: len(one[1]), reverse=True)
    for letter, text in choices:
        if text.rstrip("。"):
            answer = answer.replace(text.rstrip("。"), letter)
    return answer
