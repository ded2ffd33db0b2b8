"""The settings of a sweep: every combination of the values of its table that makes a difference. Pure."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Final

from devicehub.lint.hardware import WITHOUT_KV_MODES
from devicehub.lint.keys import GONE, KEYS, MODEL_FACTS, NEVER_READ, Key, Kind
from devicehub.lint.reading import fits, meant, shown
from devicehub.profiles.load import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALIASES: Final = {"threads": "thread_num", "backend": "backend_type", "kv": "attention_mode"}
"""What a sweep may call a key of MNN's configuration."""
KV_MODES: Final = {"plain": 8, "k8": 9, "kv8": 10}
"""What a sweep may call a KV mode: as they are, keys in 8 bits, keys and values in 8 bits."""
MOST_SETTINGS: Final = 256
"""More are refused: a phone would be busy for days."""

_OWN: Final = frozenset({"base_dir", "tmp_path", "prefix_cache_path", "enable_debug", "max_new_tokens"})
"""Set by whoever runs the model, or what a workload asks for."""
_MOST_THREADS: Final = 32
_TUNED_WIDE: Final = 68
_BUFFERS: Final = 64
_IMAGES: Final = 128
_TUNINGS: Final = (1, 2, 4, 8, 16)
_GPUS: Final = frozenset({"opencl", "vulkan", "opengl", "metal", "cuda"})
_NEEDS: Final[dict[str, tuple[str, tuple[object, ...]]]] = {
    "use_cached_mmap": ("use_mmap", (True,)),
    "mmap_size": ("use_mmap", (True,)),
    "eagle_depth": ("speculative_type", ("eagle",)),
    "eagle_topk": ("speculative_type", ("eagle",)),
}
"""Keys that do nothing unless another one has one of these values."""


def grid(table: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> list[dict[str, Any]] | str:
    """Every setting of a sweep once, in the order of its table; a sentence where the table is wrong.

    Combinations that MNN runs alike are one setting: for OpenCL thread_num is no number of threads but a set
    of bits, so the counts meant for a CPU become 68 there; a GPU knows one KV mode.

    Args:
        table: `[sweep]` of a campaign's file: a list of values by key of config.json, or by one of `ALIASES`.
        base: what the run profile sets, over which a setting is laid.
    """
    axes: dict[str, list[Any]] = {}
    for name, given in table.items():
        key = ALIASES.get(name, name)
        if key in axes:
            return f"{name}: {key} stands there twice, under two names; keep one"
        values = _values(name, key, given)
        if isinstance(values, str):
            return f"{name}: {values}"
        axes[key] = values
    if not axes:
        return "names no key; write one, as in threads = [2, 4]"
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MOST_SETTINGS:
        return f"makes {count} settings, more than {MOST_SETTINGS}; give fewer values"
    settings = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    different = list(_different(settings, base or {}))
    if not different:
        return f"thread_num: a CPU has at most {_MOST_THREADS} threads; give a count of threads"
    if different == [{}]:
        return f"{', '.join(axes)}: the backend of this run profile ignores it; give a backend too"
    return different


def same_setting(settings: Mapping[str, Any]) -> str:
    """A text that equal settings share, and no others: 1, 1.0 and true are three values."""
    return json.dumps(settings, sort_keys=True, ensure_ascii=False)


def _values(name: str, key: str, given: object) -> list[Any] | str:
    if wrong := _wrong_key(name, key):
        return wrong
    if not isinstance(given, list) or not given:
        return f"is {shown(given)}, no list of values; write {name} = [...]"
    values: list[Any] = []
    for one in given:
        value = KV_MODES.get(one, one) if key == "attention_mode" and isinstance(one, str) else one
        if wrong := _wrong_value(key, KEYS[key], value):
            return wrong
        if not any(same_setting({"": value}) == same_setting({"": known}) for known in values):
            values.append(value)
    return values


def _wrong_key(name: str, key: str) -> str | None:
    if key in GONE:
        return f"{GONE[key].why}; use {GONE[key].successor}"
    if key in NEVER_READ:
        return f"does nothing: {NEVER_READ[key]}; remove it"
    if key in MODEL_FACTS:
        return "is a fact of the model, which MNN takes from llm_config.json; remove it"
    if key not in KEYS:
        return f"is no key that MNN reads{did_you_mean(name, {**KEYS, **ALIASES})}; correct or remove it"
    if key in _OWN:
        return "is set by the workload, not by a setting; remove it"
    if KEYS[key].kind is Kind.FILE:
        return "names a file of the model; make it a model of its own"
    return None


def _wrong_value(key: str, known: Key, value: object) -> str | None:
    if not fits(known.kind, value):
        wanted = meant(known, value)
        words = f", or {', '.join(KV_MODES)}" if key == "attention_mode" else ""
        fix = shown(wanted) if wanted is not None else f"{known.kind.value}{words}"
        return f"{shown(value)} is not {known.kind.value}; write {fix}"
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return f"{shown(value)} is nothing that JSON can say; give another value"
    if known.choices and value not in known.choices:
        return f"{shown(value)} is unknown to MNN; use one of {', '.join(map(str, known.choices))}"
    if isinstance(value, int | float):
        if known.least is not None and value < known.least:
            return f"{shown(value)} is below {known.least:g}; give that or more"
        if known.most is not None and value > known.most:
            return f"{shown(value)} is above {known.most:g}; give that or less"
    return None


def _different(settings: list[dict[str, Any]], base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The settings without what does nothing in them, each once."""
    seen: set[str] = set()
    for setting in settings:
        backend = setting.get("backend_type", base.get("backend_type", "cpu"))
        if not _has_threads(setting.get("thread_num"), backend):
            continue
        kept = _without_idle(setting, base, backend)
        if (same := same_setting(kept)) not in seen:
            seen.add(same)
            yield kept


def _has_threads(threads: int | None, backend: object) -> bool:
    """Whether a CPU can have so many; bits for OpenCL in the same list are not meant for it."""
    return threads is None or backend != "cpu" or threads <= _MOST_THREADS


def _without_idle(setting: Mapping[str, Any], base: Mapping[str, Any], backend: object) -> dict[str, Any]:
    kept = dict(setting)
    if backend in _GPUS and "thread_num" in kept:
        if backend == "opencl":
            kept["thread_num"] = kept["thread_num"] if _is_mode(kept["thread_num"]) else _TUNED_WIDE
        else:
            del kept["thread_num"]
    if backend in WITHOUT_KV_MODES:
        kept.pop("attention_mode", None)
    for key in setting:
        if key.startswith("cpu_") and backend != "cpu":
            del kept[key]
        needed, values = _NEEDS.get(key, ("", ()))
        if needed in setting and setting[needed] not in values:
            kept.pop(key, None)
    return kept


def _is_mode(threads: int) -> bool:
    """Whether it asks OpenCL for buffers and one tuning."""
    kinds = threads & (_BUFFERS | _IMAGES)
    return kinds == _BUFFERS and sum(bool(threads & bit) for bit in _TUNINGS) == 1
