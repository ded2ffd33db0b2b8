"""What two runs were asked: engine, model, run profile, phone, workload, protocol. Pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.measure.pairs import chosen
from devicehub.measure.thing import Thing, yes_no
from devicehub.profiles.schema import ProtocolFile
from devicehub.runs.steps import own_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.runs.model import RunHeader, RunRecord

ENGINE: Final = frozenset(("engine",))
MODEL: Final = frozenset(("model",))
PROFILE: Final = frozenset(("profile",))
PHONE: Final = frozenset(("phone",))

_NOT_SET: Final = "not set"
_BASE_DIR: Final = "base_dir"
_MODEL_FILES: Final = frozenset(
    (
        "llm_config", "llm_model", "llm_weight", "tokenizer_file", "embedding_file", "embedding_model",
        "lm_model", "block_model", "visual_model", "audio_model", "npu_model_dir", "context_file",
        "ple_embed_file", "lookup_file", "mtp_model", "eagle_model", "eagle_fc", "eagle_d2t",
        "dflash_model", "dflash_fc", "dflash_kvmat",
    )
)  # fmt: skip
"""Keys of config.json that name the model's own files."""
_THREADS: Final = "thread_num"
_DEMO_TOKENS: Final = "max_new_tokens"
_APP_OPTIONS: Final = {
    "model_dir": MODEL,
    "model_name": MODEL,
    "package": ENGINE,
    "debuggable": ENGINE,
    "benchmark.backend": PROFILE,
    "benchmark.threads": PROFILE | PHONE,
}
"""What of an app's options belongs to a factor."""
_UNCOMPARED_OPTIONS: Final = frozenset(("api_port", "limit_s"))


def asked_things(a: RunRecord, b: RunRecord) -> Iterator[Thing]:
    """The factors, and all that is compared of what two runs were asked and how they were made."""
    yield from known_before(a, b)
    yield from _made(a, b)


def known_before(a: RunHeader, b: RunHeader) -> Iterator[Thing]:
    """What of that is known before the runs are made."""
    yield from FACTOR_THINGS
    yield from _config(a, b)
    yield from _task(a, b)
    yield from _options(a, b)
    yield from _protocol(a, b)


def task_things(a: RunRecord, b: RunRecord) -> Iterator[Thing]:
    """What was to be done, beside the protocol."""
    yield from _task(a, b)
    yield from _made(a, b)
    yield from _options(a, b)


def _task(a: RunHeader, b: RunHeader) -> Iterator[Thing]:
    yield from _TASK
    if a.asked_suite or b.asked_suite:
        yield Thing("suite", lambda run: run.asked_suite, text=lambda run: run.asked_suite.name)


def _made(a: RunRecord, b: RunRecord) -> Iterator[Thing]:
    yield Thing("cold or warm", _warmth)
    if "demo" in (a.workload, b.workload):
        yield Thing("prompt tokens", _prompt_tokens, MODEL)


def _config(a: RunHeader, b: RunHeader) -> Iterator[Thing]:
    """One thing a key of config.json; its hash where no key tells a difference."""
    is_demo = "demo" in (a.workload, b.workload)
    for key in _keys(a.config, b.config):
        yield Thing(f"config {key}", partial(_config_value, key), _key_follows(key, is_demo=is_demo))
    if a.config == b.config:
        yield Thing("config.json", lambda run: run.config_sha256, PROFILE, lambda run: run.config_sha256[:12])


def _key_follows(key: str, *, is_demo: bool) -> frozenset[str]:
    if key == _BASE_DIR:
        return MODEL
    if key in _MODEL_FILES:
        return MODEL | PROFILE
    if key == _THREADS:
        return PROFILE | PHONE
    return frozenset() if key == _DEMO_TOKENS and is_demo else PROFILE


def _config_value(key: str, run: RunHeader) -> Any:
    return _flatten(run.config).get(key, _NOT_SET)


def _protocol(a: RunHeader, b: RunHeader) -> Iterator[Thing]:
    """One thing a rule of the protocols; how many launches where there is none."""
    if a.protocol is None or b.protocol is None:
        yield PROTOCOL
        yield Thing("launches", _measured_launches)
        return
    for name in ProtocolFile.__struct_fields__:
        if name != "summary":
            yield Thing(f"protocol {name}", partial(_rule, name), text=partial(_rule_text, name))


def _rule(name: str, run: RunHeader) -> Any:
    value = getattr(run.protocol, name)
    return _NOT_SET if value is None else value


def _rule_text(name: str, run: RunHeader) -> str:
    value = _rule(name, run)
    if isinstance(value, msgspec.Struct):
        return ", ".join(f"{key} {part}" for key, part in msgspec.to_builtins(value).items())
    return str(value)


def _options(a: RunHeader, b: RunHeader) -> Iterator[Thing]:
    """One thing an option of the workload; the table of a custom one is its run profile's."""
    if a.workload != b.workload:
        return
    for key in _keys(a.options, b.options):
        if a.workload == "app":
            if key not in _UNCOMPARED_OPTIONS:
                yield _option(key, _APP_OPTIONS.get(key, frozenset()))
        else:
            yield _option(key, PROFILE if a.workload == "custom" else frozenset())


def _option(key: str, follows: frozenset[str]) -> Thing:
    def value(run: RunHeader) -> Any:
        return _flatten(run.options).get(key, _NOT_SET)

    def text(run: RunHeader) -> str:
        known = value(run)
        return (", ".join(map(str, known)) or "none") if isinstance(known, list | tuple) else str(known)

    return Thing(f"asked {key.replace('_', ' ')}", value, follows, text)


def _keys(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*_flatten(a), *_flatten(b)]))


def _flatten(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """An object's values by their dotted keys; null is a value like others."""
    found: dict[str, Any] = {}
    for key, below in value.items():
        if isinstance(below, dict) and below:
            found |= _flatten(below, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = "null" if below is None else below
    return found


def _prompt_tokens(run: RunRecord) -> int | None:
    """How long a demo's prompts are in tokens."""
    counts = [record.prompt_tokens for launch in chosen(run) for record in launch.records[-1:]]
    return max((count for count in counts if count is not None), default=None)


def _warmth(run: RunRecord) -> str:
    launches = chosen(run)
    return "cold" if launches and all(launch.cold for launch in launches) else "warm"


def _protocol_name(run: RunHeader) -> str:
    if run.protocol is None:
        return "none"
    changed = ", ".join(f"{name} {_rule_text(name, run)}" for name in run.protocol.changed)
    return f"{run.protocol.id}, with {changed}" if changed else run.protocol.id


def _phone_name(run: RunHeader) -> str:
    return f"{run.device.product or 'phone'} ({run.device.serialno})"


FACTOR_THINGS: Final = (
    Thing("engine", lambda run: run.engine.id, ENGINE, lambda run: f"{run.engine.name} ({run.engine.id})"),
    Thing("model", lambda run: run.model.id, MODEL, lambda run: f"{run.model.name} ({run.model.id[:12]})"),
    Thing("profile", lambda run: run.profile, PROFILE),
    Thing("phone", lambda run: run.device.serialno, PHONE, _phone_name),
)
_TASK: Final = (
    Thing("workload", lambda run: run.workload),
    Thing("virtual", lambda run: yes_no(run.virtual)),
    Thing("prompts", lambda run: run.prompts),
)
PROTOCOL: Final = Thing("protocol", _protocol_name)
"""In a word; two of them are compared rule by rule."""


def _measured_launches(run: RunHeader) -> int:
    return sum(step.kind == "measured" for step in own_steps(run.steps, run.arm).values())
