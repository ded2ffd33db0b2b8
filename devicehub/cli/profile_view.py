"""What a run profile comes to on a phone, as a person reads it. Pure."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.api.job_model import SettledView

_INDENT = "    "


def settled_rows(view: SettledView) -> list[list[str | None]]:
    """Key, value and origin of each line of config.json, what the phone decided first."""
    rank = {"command line": 1, "profile": 2, "model": 4, "devicehub": 5}
    keys = sorted(view.config, key=lambda key: rank.get(view.origins[key], 0))
    return [[key, json.dumps(view.config[key], ensure_ascii=False), view.origins[key]] for key in keys]


def settled_notes(view: SettledView, width: int) -> Iterator[str]:
    """What follows the rows: reasons, what was left open, the engine's own defaults."""
    for key, why in view.why.items():
        if key in view.config:
            yield from _wrapped(f"{key}: {why}", width)
    for key, why in view.left.items():
        yield from _wrapped(f"{key} is left as it is: {why}", width)
    if view.defaults:
        told = ", ".join(f"{key} {json.dumps(value)}" for key, value in view.defaults.items())
        yield from _wrapped(f"nothing sets these, so MNN takes its defaults: {told}", width)
    if view.model is None:
        yield from _wrapped("name a model with --model to see its own values as well", width)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=_INDENT)
