"""Reads a model's folder as the engine would, and says all that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.findings import Finding, in_order
from devicehub.lint.engine_match import judge_exporter, judge_tokenizer
from devicehub.lint.export_options import judge_options
from devicehub.lint.keys import default_of
from devicehub.lint.settings import lint_settings
from devicehub.lint.subject import Known
from devicehub.models.check import CONFIG, QNN_CONFIG, inspect_model
from devicehub.models.model_file import read_text
from devicehub.models.origin import EXPORT_ARGS
from devicehub.models.provenance import PROVENANCE, read_provenance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devicehub.models.check import ModelCheck

_MNN: Final = "MNN"


def lint_folder(root: Path, *, engine: str | None = None) -> list[Finding]:
    """All that is wrong with a model's folder, the worst first; its places are paths of this host.

    Args:
        root: a folder as llmexport writes it.
        engine: the version of the engine that shall run it; None where that is open.

    Raises:
        InputError: there is no such folder, or it cannot be read.
    """
    found = inspect_model(root)
    findings = [*found.findings]
    if found.files:
        findings += _settings(root, found)
        findings += judge_origin(root, found.config | found.llm_config, engine, place=str(root / CONFIG))
    return in_order(findings)


def judge_origin(
    root: Path, settings: dict[str, Any], engine: str | None, *, place: str
) -> Iterator[Finding]:
    """Whether the exporter's options were good ones, and the engine is new enough for what they made."""
    tokenizer = settings.get("tokenizer_file", default_of("tokenizer_file"))
    yield from judge_tokenizer(tokenizer, engine, f"{place}: tokenizer_file")
    made = read_provenance(root)
    args = _object(root / EXPORT_ARGS)
    exported_with = made.versions.get(_MNN) if made is not None else None
    evidence = root / (PROVENANCE if exported_with is not None else EXPORT_ARGS)
    yield from judge_options(args, settings, str(root / EXPORT_ARGS))
    yield from judge_exporter(args, exported_with, engine, str(evidence))


def _settings(root: Path, found: ModelCheck) -> list[Finding]:
    llm = root / str(found.config.get("llm_config", default_of("llm_config")))
    known = Known(llm_config=found.llm_config, config=str(root / CONFIG), llm=str(llm))
    findings = lint_settings(found.config, known)
    npu = _object(root / QNN_CONFIG)
    if npu:
        told = {(one.slug, one.place) for one in findings}
        place = str(root / QNN_CONFIG)
        own = Known(llm_config=found.llm_config, config=place, llm=str(llm))
        findings += [
            one
            for one in lint_settings(npu, own)
            if (one.slug, one.place.replace(place, str(root / CONFIG))) not in told
        ]
    return findings


def _object(file: Path) -> dict[str, Any]:
    """What a file says, as far as it can be read; what is wrong with it is told elsewhere."""
    reading = read_text(file)
    return {} if isinstance(reading, Finding) else reading.value or {}
