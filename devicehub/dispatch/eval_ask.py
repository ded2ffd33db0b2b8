"""What is asked of workload eval, checked and made ready for the phone. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from devicehub.errors import AskError, InputError
from devicehub.runs.model import Caution
from devicehub.workloads.ceval import MOST_FILES, EvalAsked, EvalFile, encode_exam, read_exam

if TYPE_CHECKING:
    from devicehub.dispatch.request import RunRequest
    from devicehub.engines.catalog import Engine
    from devicehub.runs.ask import RunAsk
    from devicehub.runs.model import RunHeader
    from devicehub.runs.steps import Step

EVAL: Final = "eval"
PERPLEXITY_PROGRAM: Final = "ppl_eval"


def check_eval(ask: RunAsk) -> None:
    """Refuse what makes no evaluation, or asks for one of another workload.

    Raises:
        AskError: things that do not go together, or nothing to evaluate.
        InputError: a file or a text that cannot be asked.
    """
    given = bool(ask.eval_files) or ask.perplexity_text is not None
    if ask.workload != EVAL:
        if given:
            raise AskError("--eval-file and --perplexity are for --workload eval")
        return
    if not given:
        raise AskError("--workload eval needs --eval-file FILE.csv or --perplexity FILE.txt")
    unfit = {
        "the prompt": any(said is not None for said in (ask.prompt, ask.prompts, ask.prompts_file)),
        "--suite": ask.suite is not None,
        "--launches": ask.launches is not None,
        "--join-lines": ask.join_lines,
        "--energy": ask.energy,
        "--measure-cost": ask.measure_cost,
    }
    if named := [name for name, is_given in unfit.items() if is_given]:
        raise AskError(
            f"workload eval asks what its files hold, once and without figures; leave {named[0]} out"
        )
    if len(ask.eval_files) > MOST_FILES:
        raise AskError(
            f"{len(ask.eval_files)} files of questions: a run takes {MOST_FILES}; make several runs"
        )
    for name, content in ask.eval_files.items():
        read_exam(content, name)
    text = ask.perplexity_text
    if text is not None and (not text.strip() or "\0" in text):
        problem = "holds a NUL character" if text.strip() else "is blank"
        raise InputError("the text of --perplexity", problem, remedy="give some lines of plain text")


def eval_asked(ask: RunAsk, engine: Engine | None) -> EvalAsked | None:
    """What a run's header keeps of it; None for other workloads.

    Where an engine without ppl_eval is asked questions as well, those alone are asked.
    """
    if ask.workload != EVAL:
        return None
    files = tuple(
        EvalFile(name=name, sha256=_sha256(text), text=text) for name, text in ask.eval_files.items()
    )
    text = ask.perplexity_text
    if text is None or (files and engine is not None and PERPLEXITY_PROGRAM not in engine.executables):
        return EvalAsked(files=files)
    return EvalAsked(files=files, text_sha256=_sha256(text), text_bytes=len(text.encode()))


def eval_cautions(request: RunRequest) -> list[Caution]:
    """That the perplexity was asked and will not be told."""
    asked = request.asked_eval
    if asked is None or asked.text_sha256 is not None or not request.prompts or request.engine is None:
        return []
    return [
        Caution(
            slug="no_ppl_eval",
            sentence=f"engine {request.engine.name} has no {PERPLEXITY_PROGRAM}, which measures perplexity",
            remedy=f"add an engine with it: {PERPLEXITY_PROGRAM} is a target of MNN's build beside llm_demo",
        )
    ]


def eval_texts(asked: EvalAsked | None) -> dict[str, bytes]:
    """The files of questions by their names in the run's folder on the phone."""
    files = asked.files if asked else ()
    return {_name(place): encode_exam(file.text) for place, file in enumerate(files)}


def eval_file(header: RunHeader, step: Step) -> tuple[EvalFile, str] | None:
    """The questions of a step, and what their file, and that of the answers, is called on the phone.

    None for a step that asks none.
    """
    asked = header.asked_eval
    if asked is None or step.kind != "measured" or step.prompt is None or step.prompt >= len(asked.files):
        return None
    return asked.files[step.prompt], _name(step.prompt)


def _name(place: int) -> str:
    return f"eval_{place}.csv"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
