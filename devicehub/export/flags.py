"""llmexport's options as a user gives them, and the command line that they become."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.profiles.exporter import OPTIONS, OWN, Option, Value, value_problem
from devicehub.profiles.load import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Options = dict[str, Value]
"""llmexport's options by name; a switch that is false is as good as absent."""

_GUIDE: Final = {
    "export_mnn": (
        "llmexport has no such flag; MNN's older llm_export.py had it",
        "leave it out: DeviceHub always exports to MNN",
    ),
    "mnn_model_name": (
        "llmexport never had such a flag: the files of a model have fixed names, as llm.mnn",
        "name the model's folder with --out",
    ),
    "dhm_model": (
        "llmexport never had such a flag, and no meaning of it is known",
        "leave it out; for Qualcomm's NPU there is --recipe npu-qnn",
    ),
    "sparse": (
        "llmexport has no such flag: zeros stand in the checkpoint itself",
        "prune it with `devicehub prune`, then export with --recipe sparse-w4",
    ),
    "mtp": (
        "llmexport has no such flag: it writes mtp.mnn where the model type is mimo or poi_qwen2_mtp",
        "leave it out",
    ),
}
"""Flags of the deployment guide, and others that people look for: (why not, what instead)."""
_LATER: Final = frozenset(
    {
        *("dflash_path", "scale_bit", "disable_transformer_c4", "fuse_linear_attn_gate"),
        *("disable_fuse_linear_attn_gate", "disable_fuse_qkv_proj", "disable_fuse_gate_up_proj"),
        "disable_fuse_ln_proj",
    }
)
"""Of the exporter in MNN's own tree, after llmexport 0.0.5."""
_MOST: Final = 2**31 - 1
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


def parse_overrides(words: Iterable[str]) -> Options:
    """The options that `--set` names: `quant_bit=8`, `hqq` for `hqq=true`; the last of a name wins.

    Raises:
        InputError: no such option, or no such value of it.
    """
    found: Options = {}
    for word in words:
        given, equals, text = word.partition("=")
        name = given.strip().lstrip("-").replace("-", "_")
        option = _option(word, name)
        if not equals and option.kind is not bool:
            raise InputError(f"--set {word}", "has no value", remedy=f"write --set {name}=VALUE")
        value = _value(option, text.strip()) if equals else True
        problem = "takes another value" if value is None else value_problem(name, value)
        if value is None or problem:
            words_for = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
            problem = problem if value is not None else f"takes {words_for[option.kind]}"
            raise InputError(f"--set {word}", f"{name} {problem}", remedy="correct the value")
        found[name] = value
    return found


def absolute_paths(options: Options) -> Options:
    """The options, each path among them absolute: the exporter works in a folder of its own."""
    return {
        name: str(Path(value).expanduser().absolute())
        if OPTIONS[name].path and isinstance(value, str)
        else value
        for name, value in options.items()
    }


def llmexport_options(options: Mapping[str, Value]) -> list[str]:
    """The words of llmexport's command line, without source and destination."""
    words = ["--export", "mnn"]
    for name in OPTIONS:
        value = options.get(name)
        if value is True:
            words.append(f"--{name}")
        elif value is not None and value is not False:
            # In one word: a value that begins with a dash would be taken for a flag.
            words.append(f"--{name}={value}")
    return words


def explain_flag(name: str) -> tuple[str, str] | None:
    """Why a flag that people look for is no option here, and what to do instead; None for any other."""
    if name in OWN:
        return f"{name} is set by the export itself", OWN[name]
    if name in _LATER:
        problem = "belongs to the exporter of MNN's own tree; llmexport 0.0.5 does not know it"
        return problem, "leave it out"
    return _GUIDE.get(name)


def _option(word: str, name: str) -> Option:
    if name in OPTIONS:
        return OPTIONS[name]
    place = f"--set {word}"
    explained = explain_flag(name)
    if explained is not None:
        problem, remedy = explained
        raise InputError(place, problem, remedy=remedy)
    raise InputError(
        place,
        f"llmexport has no option {name or repr(word)}{did_you_mean(name, OPTIONS)}",
        remedy="see `devicehub export --help`",
    )


def _value(option: Option, text: str) -> Value | None:
    """A value from its text; None where it is none of the option's kind."""
    if option.kind is str:
        return text
    if option.kind is bool:
        word = text.lower()
        return True if word in _TRUE else False if word in _FALSE else None
    try:
        if option.kind is float:
            return number if math.isfinite(number := float(text)) else None
        return number if abs(number := int(text)) <= _MOST else None
    except ValueError:
        return None
