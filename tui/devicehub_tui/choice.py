"""What was chosen to run, as it is remembered, and what is asked of the hub for it. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from devicehub.api.contract import RunAsk
from devicehub_tui.document import at, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.api.model import RunDocument


@dataclass(frozen=True)
class Choice:
    """The fields of the form as texts; an empty one leaves it to the hub."""

    model: str = ""
    workload: str = "demo"
    engine: str = ""
    profile: str = ""
    protocol: str = ""
    prompt: str = "Introduce yourself."
    launches: str = ""


def read_choice(kept: Any) -> Choice:
    """What was remembered; of anything else as much as is of the right kind."""
    if not isinstance(kept, dict):
        return Choice()
    names = {field.name for field in fields(Choice)}
    return Choice(**{name: value for name, value in kept.items() if name in names and isinstance(value, str)})


def choice_of(found: RunDocument, last: Choice) -> Choice:
    """What a run was asked, as far as its record tells; its prompt is not in there, so the last one stays."""
    run, document = found.run, found.document
    protocol = text(at(document, "protocol", "id")) or run.protocol or ""
    plain = "none" if at(document, "protocol") is None and run.ended is not None else ""
    launches = number(at(document, "protocol", "launches"))
    return Choice(
        model=run.model,
        workload=run.workload,
        engine=text(at(document, "engine", "id")) or run.engine or "",
        profile=run.profile or "",
        protocol=protocol or plain,
        prompt=last.prompt,
        launches=str(int(launches)) if launches is not None else "",
    )


def make_ask(choice: Choice, devices: Sequence[str]) -> RunAsk | str:
    """What to ask of the hub; a sentence where something is missing."""
    if not choice.model:
        return "choose a model"
    if choice.launches.strip() and not (choice.launches.isdecimal() and 1 <= int(choice.launches[:4]) <= 100):
        return "launches: a number from 1 to 100"
    if choice.launches.strip() and choice.protocol == "none":
        return "launches belong to a protocol; choose one"
    wants_prompt = choice.workload != "bench"
    if wants_prompt and not choice.prompt.strip():
        return "write a prompt"
    return RunAsk(
        model=choice.model,
        selectors=tuple(devices),
        workload=choice.workload,
        engine=choice.engine or None,
        profile=choice.profile or None,
        protocol=choice.protocol or None,
        launches=int(choice.launches) if choice.launches.strip() else None,
        prompt=choice.prompt if wants_prompt else None,
    )
