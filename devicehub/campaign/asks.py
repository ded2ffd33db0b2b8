"""What the runs of a campaign are asked: a common ask by column, and that of one cell. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from devicehub.campaign.plan import EVAL, Column
from devicehub.runs.ask import CompareAsk, RunAsk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.campaign.file import CampaignFile
    from devicehub.campaign.planned import Cell, Variant
    from devicehub.workloads.suite import Suite

ANY_MODEL: Final = "?"
"""Stands for the model until a cell names it."""


def column_asks(
    file: CampaignFile,
    suites: Mapping[str, Suite],
    files: Mapping[str, str],
    *,
    protocol_workload: str | None,
) -> dict[str, RunAsk]:
    """What all runs of a column have in common, by the column's key.

    Args:
        file: the campaign's.
        suites: the prompt suites, by the file that the campaign names.
        files: the text of the others, by the name that the campaign gives them.
        protocol_workload: for which workload the campaign's protocol is.
    """
    plain = RunAsk(
        model=ANY_MODEL,
        overrides=file.overrides,
        no_think=file.no_think,
        steady=file.steady,
        energy=file.energy,
    )
    asks: dict[str, RunAsk] = {}
    for workload in file.columns():
        has_protocol = workload == protocol_workload
        ask = replace(
            plain,
            workload=workload,
            prompt=None if workload == "bench" else file.prompt,
            protocol=file.protocol if has_protocol else None,
            gate=file.gate,
            launches=file.launches,
        )
        if workload == "bench":
            asked = {name: getattr(file, name) for name in ("prompt_tokens", "decode_tokens", "repeats")}
            ask = replace(ask, **asked)
        asks[Column(workload).key] = ask
    for suite in suites.values():
        asks[Column("demo", suite.name).key] = replace(plain, workload="demo", suite=suite)
    if file.evaluation is not None:
        text = file.evaluation.text
        asks[EVAL] = replace(
            plain,
            workload=EVAL,
            energy=False,  # which is told per token of an answer's decoding
            eval_files={name: files[name] for name in file.evaluation.files},
            perplexity_text=files[text] if text else None,
        )
    return asks


def cell_ask(asks: Mapping[str, RunAsk], cell: Cell, *, launches: int | None = None) -> RunAsk | CompareAsk:
    """What is asked of the phone for a cell: a run, or with a baseline a comparison, the baseline first.

    Args:
        asks: by column key.
        cell: of the plan.
        launches: in place of those that its column asks, for a round of a sweep.
    """
    ask = variant_ask(asks[Column(cell.workload, cell.suite).key], cell.variant)
    if launches is not None:
        ask = replace(ask, launches=launches)
    against = cell.against
    if against is None or against.problem is not None:
        return ask
    base, own = _value(against.by, against.variant), _value(against.by, cell.variant)
    if against.by == "engine":
        ask = replace(ask, engine=None)
    elif against.by == "profile":
        ask = replace(ask, profile=None)
    return CompareAsk(by=against.by, a=base, b=own, run=ask)


def variant_ask(ask: RunAsk, variant: Variant) -> RunAsk:
    """A column's ask with what a variant names; the engine by its id: a name may come to mean another."""
    is_app = variant.engine is None
    return replace(
        ask,
        model=variant.model.name,
        engine=None if variant.engine is None else variant.engine.id or variant.engine.name,
        profile=None if is_app else variant.profile,
        overrides={**ask.overrides, **variant.settings},
    )


def _value(by: str, variant: Variant) -> str:
    if by == "model":
        return variant.model.name
    if by == "profile":
        return variant.profile
    assert variant.engine is not None
    return variant.engine.id


def encode_asks(asks: Mapping[str, RunAsk]) -> bytes:
    """As the store keeps them."""
    return msgspec.json.encode(asks)


def decode_asks(document: bytes) -> dict[str, RunAsk]:
    """What `encode_asks` wrote; raises msgspec.MsgspecError where another version did."""
    return msgspec.json.decode(document, type=dict[str, RunAsk])
