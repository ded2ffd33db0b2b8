"""Keys and values one by one: names that MNN does not read, types that it does not convert, ranges. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from devicehub.lint.keys import (
    ALIASES,
    GONE,
    KEYS,
    MODEL_FACTS,
    MULTIMODAL,
    NEVER_READ,
    Key,
    Kind,
    default_of,
)
from devicehub.lint.reading import as_read, fits, meant, shown
from devicehub.lint.subject import error, note, warning
from devicehub.profiles.load import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.findings import Finding
    from devicehub.lint.subject import Settings

_MULTIMODAL: Final = "mllm"
_REMARKS: Final = ("_", "//", "#")
"""How a person begins the name of a key that is meant for readers."""
_INSTEAD: Final = {
    "backend_type": "MNN then chooses a backend itself and does not say which",
    "sampler_type": "MNN then answers at random",
    "precision": "MNN then takes normal",
    "memory": "MNN then takes normal",
    "power": "MNN then takes normal",
    "penalty_sampler": "MNN then answers at random",
    "draft_match_strictness": "MNN then takes its default",
    "draft_selection_rule": "MNN then takes its default",
    "dynamic_option": "MNN's documentation knows no such value",
    "dit_solver": "MNN then takes its default",
}
_SLUGS: Final = {
    "backend_type": "backend_unknown",
    "sampler_type": "sampler_unknown",
    "penalty_sampler": "sampler_unknown",
    "precision": "level_unknown",
    "memory": "level_unknown",
    "power": "level_unknown",
}


def judge_values(settings: Settings) -> Iterator[Finding]:
    """All that one key and its value tell on their own, and where two names of one key meet."""
    yield from _numbers(settings)
    yield from _names(settings)
    for name in settings.merged:
        if name in KEYS and KEYS[name].kind is not Kind.FILE:
            yield from _value(settings.place(name), name, KEYS[name], settings.merged[name])
    mllm = settings.merged.get(_MULTIMODAL)
    for name, value in mllm.items() if isinstance(mllm, dict) else ():
        place = settings.place(f"{_MULTIMODAL}.{name}")
        if name in MULTIMODAL:
            yield from _value(place, name, MULTIMODAL[name], value)
        else:
            yield _unknown(place, name, MULTIMODAL)
    yield from _shadowed(settings)
    yield from _overridden(settings)


def _numbers(settings: Settings) -> Iterator[Finding]:
    """Numbers that JSON has no words for: the engine would drop the whole configuration."""
    for name, value in settings.merged.items():
        if _holds_no_number(value):
            why = "holds a number that JSON cannot say: MNN would ignore the whole file without a word"
            yield error("json_number", settings.place(name), why, "give another value")


def _names(settings: Settings) -> Iterator[Finding]:
    for name in settings.config:
        place = settings.place(name)
        if name in GONE:
            if name != "quant_qkv":  # what it does today is the attention's matter
                gone = GONE[name]
                yield warning("key_deprecated", place, gone.why, f"use {_successor(name, settings)}")
        elif name in NEVER_READ:
            yield warning("key_never_read", place, f"does nothing: {NEVER_READ[name]}", "remove it")
        elif name not in KEYS and name not in MODEL_FACTS and not name.startswith(_REMARKS):
            yield _unknown(place, name, KEYS)


def _successor(name: str, settings: Settings) -> str:
    gone = GONE[name]
    value = settings.config[name]
    known = gone.values or {}
    if isinstance(value, bool | int) and value in known:
        return f'"{gone.successor}": {shown(known[value])}'
    if known:
        return f'"{gone.successor}": {shown(next(iter(known.values())))} where that was on, or remove it'
    return f'"{gone.successor}": {shown(value)}'


def _unknown(place: str, name: str, known: Mapping[str, Key]) -> Finding:
    guess = did_you_mean(name, known)
    return warning(
        "key_unknown", place, f"is no key that MNN reads{guess}: it does nothing", "correct or remove it"
    )


def _value(place: str, name: str, key: Key, value: Any) -> Iterator[Finding]:
    if not fits(key.kind, value):
        if _is_told_elsewhere(name, value):
            return
        read = shown(as_read(key.kind, value))
        why = f"is {shown(value)}, not {key.kind.value}: MNN reads {read}, and says nothing"
        yield warning("wrong_type", place, why, f"write {_corrected(key, value)}")
        return
    if key.choices and value not in key.choices:
        if name == "speculative_type":
            return  # told elsewhere
        choices = ", ".join(str(choice) for choice in key.choices)
        why = f"is {shown(value)}, which MNN does not know: {_INSTEAD[name]}"
        yield warning(_SLUGS.get(name, "value_unknown"), place, why, f"use one of {choices}")
    elif key.least is not None and isinstance(value, int | float) and value < key.least:
        yield warning("out_of_range", place, f"is {shown(value)}, below {key.least:g}", _range(name, key))
    elif key.most is not None and isinstance(value, int | float) and value > key.most:
        yield warning("out_of_range", place, f"is {shown(value)}, above {key.most:g}", _range(name, key))


def _is_told_elsewhere(name: str, value: object) -> bool:
    """Whether another rule tells of the wrong type, as its reading has a worse end."""
    if name in ("speculative_type", "chunk_limits"):
        return name == "speculative_type" or not isinstance(value, list)
    return name in ("top_k", "topK", "mixed_samplers", "temperature") and not as_read(KEYS[name].kind, value)


def _corrected(key: Key, value: object) -> str:
    """The value as it was plainly meant, else what is asked for."""
    wanted = meant(key, value)
    return (
        key.kind.value
        if wanted is None
        else f"{shown(wanted)}" + (" without quotes" if isinstance(value, str) else "")
    )


def _range(name: str, key: Key) -> str:
    low = "" if key.least is None else f"{key.least:g}"
    high = "" if key.most is None else f"{key.most:g}"
    limits = f"{low} to {high}" if low and high else f"{low or high} or {'more' if low else 'less'}"
    return f"use {limits}, or leave it out (default {shown(default_of(name))})"


def _shadowed(settings: Settings) -> Iterator[Finding]:
    for alias, name in ALIASES.items():
        if not (settings.has(alias) and settings.has(name)):
            continue
        winner = settings.read(name)
        if winner < 0 or winner == settings.read(alias):
            continue
        why = f"is ignored: {name} stands there too ({shown(winner)}), and MNN takes that"
        fix = f'set "{name}": {shown(settings.read(alias))} instead'
        yield warning("alias_shadowed", settings.place(alias), why, fix)


def _overridden(settings: Settings) -> Iterator[Finding]:
    known = settings.known
    for name, value in settings.config.items():
        if name not in known.llm_config or settings.merged[name] == value:
            continue
        place = known.sources.get(name) or f"{known.config}: {name}"
        now = shown(settings.merged[name])
        if name in MODEL_FACTS:
            yield note("fact_overridden", place, f"is ignored: {known.llm} says {now}", "remove it")
        else:
            why = f"is ignored: {known.llm} has it too ({now}), and MNN merges that file over this one"
            yield warning("key_overridden", place, why, f"set it in {known.llm}, or remove it there")


def _holds_no_number(value: object) -> bool:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, int | float):
            try:
                if not math.isfinite(one):
                    return True
            except OverflowError:
                return True
    return False
