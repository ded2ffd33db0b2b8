"""What MNN would make of a configuration, as findings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.findings import in_order
from devicehub.lint.hardware import judge_hardware
from devicehub.lint.naming import judge_names
from devicehub.lint.sampling import judge_sampling
from devicehub.lint.speculation import judge_speculation
from devicehub.lint.subject import Known, Settings
from devicehub.lint.values import judge_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.findings import Finding

_RULES: Final = (judge_values, judge_sampling, judge_speculation, judge_hardware, judge_names)


def lint_settings(config: Mapping[str, Any], known: Known | None = None) -> list[Finding]:
    """All that is wrong with a configuration, the worst first; nothing that stands in it makes it raise.

    Args:
        config: what config.json says, or will say.
        known: what is known of its model.
    """
    settings = Settings.of(config, known or Known())
    return in_order(finding for rule in _RULES for finding in rule(settings))
