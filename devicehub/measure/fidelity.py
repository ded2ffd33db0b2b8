"""Judges what a phone answered to a model's fixture: a speed counts only if the output is right. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from devicehub.runs.model import Answer, Fidelity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.models.fixture import Fixture, FixturePrompt

WRONG_BELOW: Final = 0.25
"""Share of a prompt's pieces; a right engine of other precision parts later, or not at all."""
_MOST_TEXT: Final = 2000
"""Characters of an answer that are kept: far more than the tokens that were asked for."""
_MOST_SHOWN: Final = 160


def judge(
    fixture: Fixture, texts: Sequence[tuple[str | None, str | None]], run_id: str | None = None
) -> Fidelity:
    """Hold a phone's answers against the host's: the share of all pieces that they begin with.

    Where the host's answer came to its end, that end counts as one more piece.

    Args:
        fixture: what the host answered.
        texts: of each prompt, in order, what the phone printed as the model's text (None where its launch
            gave none) and the cause for which the launch failed (None where it did not). What is missing at
            the end was not answered.
        run_id: the run that answered.

    Returns:
        A fidelity whose share is None where a launch failed or is missing, since that tells nothing of the
        output.
    """
    given = [*texts, *[(None, None)] * (len(fixture.prompts) - len(texts))]
    answers = [
        _compare(prompt, text, cause) for prompt, (text, cause) in zip(fixture.prompts, given, strict=False)
    ]
    reason = _reason(answers)
    share = None
    if reason is None:
        share = sum(answer.matched for answer in answers) / sum(answer.of for answer in answers)
    return Fidelity(share=share, reason=reason, answers=answers, run_id=run_id, source=fixture.source)


def is_wrong(fidelity: Fidelity) -> bool:
    """Whether every prompt was answered, each with less than a quarter of the fixture's pieces."""
    return fidelity.share is not None and all(
        answer.matched < WRONG_BELOW * answer.of for answer in fidelity.answers
    )


def wrong_lines(fidelity: Fidelity) -> list[str]:
    """Both texts of each answer that differs from the host's, as lines of evidence."""
    lines: list[str] = []
    for number, answer in enumerate(fidelity.answers, 1):
        if answer.matched < answer.of:
            share = f"{answer.matched} of {answer.of} pieces as on the host"
            lines += [
                f"prompt {number}: {_quote(answer.prompt)}: {share}",
                f"host:  {_quote(answer.expected)}",
                f"phone: {_quote(answer.text) if answer.text is not None else 'no text'}",
            ]
    return lines


def _compare(prompt: FixturePrompt, text: str | None, cause: str | None) -> Answer:
    matched, rest = _begins_with(prompt.pieces, text or "")
    of = len(prompt.pieces)
    if prompt.ended:
        # The engine ends each answer with a line end of its own.
        matched += text is not None and matched == of and not rest.strip()
        of += 1
    return Answer(
        prompt=prompt.prompt,
        expected="".join(prompt.pieces),
        text=None if text is None else text[:_MOST_TEXT],
        matched=matched,
        of=of,
        cause=cause,
    )


def _begins_with(pieces: Sequence[str], text: str) -> tuple[int, str]:
    """How many pieces the text begins with, and what follows them."""
    found = _common(pieces, text)
    expected = "".join(pieces)
    space = expected[: len(expected) - len(expected.lstrip())]
    if found[0] or not space:
        return found
    # What hands an answer on as a message, as the app does, may have taken the white space off its ends.
    trimmed = _common(pieces, space + text)
    return trimmed if len("".join(pieces[: trimmed[0]])) > len(space) else found


def _common(pieces: Sequence[str], text: str) -> tuple[int, str]:
    end = 0
    for number, piece in enumerate(pieces):
        if not text.startswith(piece, end):
            return number, text[end:]
        end += len(piece)
    return len(pieces), text[end:]


def _reason(answers: Sequence[Answer]) -> str | None:
    """Why the answers tell nothing; None where they do."""
    for number, answer in enumerate(answers, 1):
        if answer.cause is not None:
            return f"the launch for prompt {number} of the fixture failed: {answer.cause}"
        if answer.text is None:
            return f"prompt {number} of the fixture was not answered"
    if not sum(answer.of for answer in answers):
        return "the fixture holds no answer"
    return None


def _quote(text: str) -> str:
    """A text on one line, cut where it is long."""
    short = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
    return json.dumps(short, ensure_ascii=False)
