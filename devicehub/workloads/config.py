"""The configuration that an engine is given: the model's own, under the run profile, under `--set`."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.profiles.layers import merge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_GREEDY: Final = "greedy"
_PROMPTING: Final = (
    "use_template", "system_prompt", "jinja", "prompt_template", "user_prompt_template",
    "system_prompt_template", "assistant_prompt_template", "bos", "eos", "asr_language",
)  # fmt: skip
"""What decides which tokens a prompt becomes."""


def final_config(
    model_config: Mapping[str, Any],
    profile: Mapping[str, Any],
    overrides: Mapping[str, Any],
    *,
    base_dir: str,
    no_think: bool = False,
    files: Collection[str] | None = None,
) -> dict[str, Any]:
    """Merge the three into the config.json of a run; objects merge key by key, later values win.

    Args:
        model_config: the model folder's config.json.
        profile: the run profile's values.
        overrides: what `--set` says.
        base_dir: the model's absolute folder on the phone; the engine joins file names to it by plain
            concatenation, so it gets its trailing slash here.
        no_think: ask the chat template for an answer without thinking.
        files: names in the model's folder; lets `tokenizer_file` be found where the model leaves it out.

    Raises:
        InputError: the model names no tokenizer, and has none.
    """
    config = merge(merge(model_config, profile), overrides)
    config["base_dir"] = base_dir.rstrip("/") + "/"
    if no_think:
        config = merge(config, {"jinja": {"context": {"enable_thinking": False}}})
    if "tokenizer_file" not in config and files is not None:
        config["tokenizer_file"] = _find_tokenizer(files)
    return config


def parse_overrides(settings: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` arguments; a dot in the key enters an object, later ones win.

    A value that is JSON counts as what it says (`4`, `false`, `["topK"]`), any other as a string.

    Raises:
        InputError: an argument without `=` or without a key.
    """
    config: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        path = key.strip().split(".")
        if not equals or not all(path):
            raise InputError(f"--set {setting}", "is not key=value", remedy="write for example thread_num=2")
        value = _json_or_text(text)
        for part in reversed(path):
            value = {part: value}
        config = merge(config, value)
    return config


def fixture_config(
    config: Mapping[str, Any], model_config: Mapping[str, Any], *, max_new_tokens: int, use_mmap: bool
) -> dict[str, Any]:
    """The configuration for a model's fixture: the run's own arithmetic, the model's own prompting.

    Args:
        config: the run's final configuration.
        model_config: the model folder's config.json, with which the host answered.
        max_new_tokens: where an answer is cut.
        use_mmap: keep the weights in files, for a model that does not fit the phone's memory otherwise.
    """
    kept = {key: value for key, value in config.items() if key not in (*_PROMPTING, "timeout_ms")}
    prompting = {key: model_config[key] for key in _PROMPTING if key in model_config}
    fixed = {"sampler_type": _GREEDY, "max_new_tokens": max_new_tokens, "use_mmap": use_mmap}
    return kept | prompting | fixed


def work_hash(engine_id: str, model_id: str, config: Mapping[str, Any]) -> str:
    """Name the work folder of a configuration: 12 hex digits, equal for equal engine, model and values."""
    canonical = json.dumps([engine_id, model_id, config], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _json_or_text(text: str) -> Any:
    try:
        # JSON knows no NaN, and the engine drops a whole config.json that holds one.
        return json.loads(text, parse_constant=str, parse_float=_float_or_text)
    except (ValueError, RecursionError):
        return text


def _float_or_text(text: str) -> float | str:
    return value if math.isfinite(value := float(text)) else text


def _find_tokenizer(files: Collection[str]) -> str:
    for name in ("tokenizer.mtok", "tokenizer.txt"):
        if name in files:
            return name
    raise InputError(
        "config.json",
        "names no tokenizer_file and the folder holds neither tokenizer.mtok nor tokenizer.txt",
        remedy="export the model again",
    )
