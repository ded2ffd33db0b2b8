"""Holds a run's final configuration against what MNN would make of it, before a byte is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicehub.dispatch.engine_fit import refuse
from devicehub.findings import Severity
from devicehub.lint.folder import judge_origin
from devicehub.lint.settings import lint_settings
from devicehub.lint.subject import CONFIG, Known
from devicehub.runs.model import Caution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.dispatch.request import RunRequest
    from devicehub.findings import Finding


def check_config(request: RunRequest, config: Mapping[str, Any]) -> list[Caution]:
    """What to tell of a run's configuration; arguments as `judge_config`.

    Raises:
        InputError: with it the engine crashes, answers garbage, or measures something else in silence.
    """
    findings = judge_config(request, config)
    refuse(findings)
    return [
        Caution(slug=finding.slug, sentence=f"{finding.place}: {finding.why}", remedy=finding.fix or "none")
        for finding in findings
        if finding.severity is Severity.WARNING
    ]


def judge_config(request: RunRequest, config: Mapping[str, Any]) -> list[Finding]:
    """All that speaks against a run's configuration.

    Args:
        request: what is asked.
        config: that of the run, file names as the model's folder has them.
    """
    model = request.model
    known = Known(
        llm_config=model.llm_config,
        files=frozenset(entry.path for entry in model.manifest.files),
        sources=_sources(request),
    )
    findings = lint_settings(config, known)
    if request.engine is not None:
        settings = {**config, **model.llm_config}
        findings += judge_origin(model.root, settings, request.engine.version, place=CONFIG)
    return findings


def _sources(request: RunRequest) -> dict[str, str]:
    """Where the keys come from that are not the model's own."""
    profile = request.profile
    named = {} if profile is None else {key: f"profile {profile.id}: {key}" for key in profile.config}
    return named | {key: f"--set {key}" for key in request.overrides}
