"""A model in an engine that infers nothing: what it answers and how fast is set by the phone's script.

It is for campaigns of thousands of runs: the tools print what they print, with the figures of these speeds,
and take the time of their loading alone.
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.engine.pace import pause_us
from devicehub.sim.engine.wheel import Context, Status, WheelModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.engine.profile import Profiler
    from devicehub.sim.engine.speeds import Rule, SetSpeed
    from devicehub.sim.engine.stdio import Stdio

_MICRO: Final = 1_000_000
_GARBLED: Final = "!"


class SetSpeedModel(WheelModel):
    """Stands where a model of the wheel stands; the wheel is never loaded.

    Args:
        config_path: of config.json; one that cannot be read is an empty configuration, as for the wheel.
        speed: what it prints.
        rule: by which shares of it, and whether its answers are right.
        stdio: where its answers go.
    """

    def __init__(self, config_path: str, speed: SetSpeed, rule: Rule, stdio: Stdio) -> None:
        self._speed = speed
        self._rule = rule
        self._stdio = stdio
        self._values = _read(config_path)
        self._loaded = False
        self._failed = False
        self._asked = ""
        self._prompt = self._tokens = self._prefill_us = self._decode_us = 0
        self._chance = random.SystemRandom()

    def config(self) -> dict[str, Any]:
        """The configuration as it was given."""
        return dict(self._values)

    def set_config(self, values: dict[str, Any]) -> None:
        """Lay values over the configuration."""
        self._values |= values

    def load(self) -> bool:
        """Be loaded when its time is over."""
        if self._speed.load_ms > 0:
            pause_us(self._speed.load_ms / self._rule.load / 1e3)
        self._loaded = True
        return True

    def tune(self) -> None:
        """Nothing is tuned."""

    def encode(self, prompt: bytes) -> list[int]:
        """A token a word."""
        self._asked = prompt.decode(errors="replace")
        return list(range(1, len(prompt.split()) + 1))

    def encode_chat(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """A token a word of all messages."""
        return self.encode(" ".join(message["content"] for message in messages).encode())

    def respond(self, ids: Sequence[int], max_new_tokens: int) -> None:
        """Say the answer at once; a negative maximum is the configuration's own."""
        self._begin(len(ids), max_new_tokens)
        text = self._speed.answers.get(self._asked, self._speed.answer)
        self._stdio.out(f"{_GARBLED * len(text) if self._rule.garble else text}\n")

    def respond_silently(self, ids: Sequence[int], max_new_tokens: int) -> int:
        """Answer without a word, as many tokens as are asked for; how long it took, in microseconds."""
        self._begin(len(ids), max_new_tokens, tokens=max(max_new_tokens, 0))
        return self._prefill_us + self._decode_us

    def surprise(self, ids: Sequence[int], *, shift: int = 0) -> list[float]:
        """Each token is foretold as badly as the perplexity says, and ten times as badly where it garbles."""
        perplexity = self._speed.perplexity * (10 if self._rule.garble else 1)
        return [math.log(perplexity)] * (len(ids) - 1)

    def profile(self, profiler: Profiler) -> None:
        """There are no operators to tell of."""

    def begin_prefill(self) -> None:
        """Nothing is prepared."""

    def begin_decode(self) -> None:
        """Nothing is prepared."""

    def step(self) -> None:
        """Go on by a token."""
        self._tokens += 1
        self._decode_us += self._us(1, self._speed.decode_tok_s * self._rule.decode)

    def stopped(self) -> bool:
        """The answer was said as a whole."""
        return False

    def fail(self) -> None:
        """Refuse from now on."""
        self._failed = True

    def context(self) -> Context:
        """The figures of the last answer."""
        failed = self._failed or not self._loaded
        return Context(
            status=int(Status.INTERNAL_ERROR if failed else Status.NORMAL_FINISHED),
            prompt_len=self._prompt,
            gen_seq_len=self._tokens,
            prefill_us=self._prefill_us,
            decode_us=self._decode_us,
            sample_us=0,
            vision_us=0,
            audio_us=0,
            pixels_mp=0.0,
            audio_input_s=0.0,
            output_tokens=[1] * self._tokens,
        )

    def text_of(self, tokens: Sequence[int]) -> str:
        """The answer."""
        return self._speed.answer if tokens else ""

    def _begin(self, prompt: int, limit: int, *, tokens: int | None = None) -> None:
        if tokens is None:
            tokens = self._speed.tokens if limit < 0 else min(limit, self._speed.tokens)
        self._prompt, self._tokens = prompt, tokens
        self._prefill_us = self._us(prompt, self._speed.prefill_tok_s * self._rule.prefill)
        self._decode_us = self._us(tokens, self._speed.decode_tok_s * self._rule.decode)

    def _us(self, tokens: int, tok_s: float) -> int:
        noise = self._chance.lognormvariate(0.0, self._speed.noise) if self._speed.noise else 1.0
        more_us = tokens * self._rule.token_ms * 1e3
        return round(tokens / (tok_s * noise) * _MICRO + more_us)


def _read(path: str) -> dict[str, Any]:
    try:
        values = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
