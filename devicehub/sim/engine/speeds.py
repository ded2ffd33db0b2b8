"""Which engine, model and configuration a phone's script means, and how fast they are by it. Pure."""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

Share = Annotated[float, msgspec.Meta(gt=0, le=1000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 20)]
_FASTEST = 1e6


class SetSpeed(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An engine that infers nothing: it prints figures of these speeds at once.

    Figures that make longer than the launch took are not trusted by a hub: it takes them for those of a clock
    that was set. So the speeds are to be high, or the tokens few.

    Attributes:
        prefill_tok_s: a token of a prompt is a word here.
        load_ms: how long it loads, and that long it waits.
        noise: standard deviation of a speed's logarithm, from answer to answer.
        answers: what it says, by prompt.
        answer: what it says to every other prompt.
        tokens: how many those are said to be, where not more or fewer are asked for.
        perplexity: of every text.
    """

    prefill_tok_s: Annotated[float, msgspec.Meta(gt=0, le=_FASTEST)] = 200.0
    decode_tok_s: Annotated[float, msgspec.Meta(gt=0, le=_FASTEST)] = 20.0
    load_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    noise: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    answers: dict[str, str] = {}
    answer: str = "This engine infers nothing."
    tokens: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 16
    perplexity: Annotated[float, msgspec.Meta(ge=1, le=_FASTEST)] = 10.0


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What happens to some engines, models or configurations; what is left out fits all.

    Attributes:
        engine: a glob over the id of the engine; the app's is `app`.
        model: a glob over the name of the model's folder.
        tool: llm_demo, llm_bench, ppl_eval or app.
        config: keys that stand in config.json with just these values.
        prefill: the share of its speed; so are decode and load.
        token_ms: each token takes so much longer.
        memory_mib: it holds so much more memory.
        garble: each token is printed as another one.
    """

    engine: str | None = None
    model: str | None = None
    tool: str | None = None
    config: dict[str, Any] = {}
    prefill: Share = 1.0
    decode: Share = 1.0
    load: Share = 1.0
    token_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    memory_mib: Count = 0
    garble: bool = False

    def fits(self, subject: Subject) -> bool:
        """Whether it is meant."""
        return (
            (self.engine is None or fnmatch.fnmatchcase(subject.engine, self.engine))
            and (self.model is None or fnmatch.fnmatchcase(subject.model, self.model))
            and (self.tool is None or self.tool == subject.tool)
            and _holds(subject.config, self.config)
        )


@dataclasses.dataclass(frozen=True)
class Subject:
    """One program that was started: which engine, with which model and configuration."""

    tool: str
    engine: str
    model: str
    config: dict[str, Any]


def joined(rules: Sequence[Rule]) -> Rule:
    """What several rules do together: shares are multiplied, what is added is summed."""
    whole = Rule()
    for rule in rules:
        whole = Rule(
            prefill=whole.prefill * rule.prefill,
            decode=whole.decode * rule.decode,
            load=whole.load * rule.load,
            token_ms=whole.token_ms + rule.token_ms,
            memory_mib=whole.memory_mib + rule.memory_mib,
            garble=whole.garble or rule.garble,
        )
    return whole


def _holds(config: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether the keys are there with these values; of an object, the keys within it."""
    for key, value in wanted.items():
        there = config.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            if not _holds(there, value):
                return False
        elif key not in config or there != value or isinstance(there, bool) != isinstance(value, bool):
            return False
    return True
