"""A setting of a sweep as a run profile, with its evidence. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.profiles.layers import merge

if TYPE_CHECKING:
    from devicehub.campaign.planned import Plan
    from devicehub.campaign.result import Front, FrontPoint
    from devicehub.profiles.run_file import RunFile

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_TABLES: Final = ("config", "from_phone", "why", "custom")
_FIGURES: Final = (
    ("prefill_tok_s", "prefill", "tok/s"),
    ("decode_tok_s", "decode", "tok/s"),
    ("peak_memory_mib", "peak memory", "MiB"),
)


def profile_toml(front: Front, point: FrontPoint, plan: Plan, base: RunFile) -> str:
    """The text of a run profile that sets what the point sets, over what its sweep's own profile sets.

    Args:
        front: of the sweep; its SoC, model and engine are part of the evidence.
        point: the setting.
        plan: of the campaign.
        base: the file of the run profile `front.profile`.
    """
    evidence = evidence_of(front, point, plan)
    own = set(point.settings)
    summary = f"The best of {len(front.points)} settings for {front.model} on {front.soc}"
    table: dict[str, Any] = {"summary": summary}
    rest: dict[str, Any] = {
        name: value
        for name, value in msgspec.to_builtins(base).items()
        if value not in (None, {}, [], ()) and name != "summary"
    }
    table |= {name: value for name, value in rest.items() if name not in (*_TABLES, "when")}
    table["config"] = merge(base.config, point.settings)
    # These win over [config], and the setting was measured without them.
    table["from_phone"] = {key: fact for key, fact in base.from_phone.items() if key not in own}
    table["when"] = [
        {**one, "config": kept}
        for one in rest.get("when", [])
        if (kept := {key: value for key, value in one["config"].items() if key not in own})
    ]
    given = {*table["config"], *table["from_phone"], *(key for one in table["when"] for key in one["config"])}
    inherited = {key: why for key, why in base.why.items() if key in given - own}
    table["why"] = inherited | dict.fromkeys(point.settings, evidence)
    if "custom" in rest:
        table["custom"] = rest["custom"]
    return f"# Over run profile {_line(front.profile)}. {_line(evidence)}\n{_toml(table)}"


def evidence_of(front: Front, point: FrontPoint, plan: Plan) -> str:
    """What speaks for a setting, in one line: where, how often, and what was measured."""
    launches = f"{point.launches} {'launch' if point.launches == 1 else 'launches'}"
    phones = f"{len(front.phones)} {'phone' if len(front.phones) == 1 else 'phones'}"
    engine = f", engine {front.engine}" if front.engine else ""
    parts = [f"campaign {plan.name} ({plan.id}): {launches} on {phones} with {front.soc}{engine}"]
    for name, word, unit in _FIGURES:
        value = getattr(point, name)
        if value is not None:
            low, high = point.ranges.get(name, (value, value))
            parts.append(f"{word} {value:.4g} {unit} ({low:.4g} to {high:.4g})")
    if point.fidelity is not None:
        parts.append(f"fidelity {point.fidelity:.0%}")
    if plan.virtual:
        parts.append("virtual phones: a figure of this host, not of a phone")
    return "; ".join(parts)


def _toml(table: dict[str, Any]) -> str:
    lines = [
        f"{_key(name)} = {_value(value)}"
        for name, value in table.items()
        if name not in _TABLES and name != "when"
    ]
    for name in _TABLES:
        if table.get(name):
            lines += ["", f"[{name}]", *(f"{_key(key)} = {_value(one)}" for key, one in table[name].items())]
    for one in table["when"]:
        lines += ["", "[[when]]", *(f"{_key(key)} = {_value(part)}" for key, part in one.items() if part)]
    return "\n".join([*lines, ""])


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """A value in one line of TOML; its strings are those of JSON but for the one control character left."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _line(text: str) -> str:
    """A text as a comment can hold it."""
    return "".join(one if one.isprintable() else " " for one in text)
