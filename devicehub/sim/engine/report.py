"""The figures that llm_demo prints, in its words. Pure."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from devicehub.sim.engine.wheel import Context

_LOAD_LINE: Final = 321
_TUNING_LINE: Final = 330
NAN: Final = "-nan" if platform.machine() in ("x86_64", "AMD64", "i686") else "nan"
"""0/0 has its sign bit set on x86 and clear on Arm; printf shows it."""


@dataclass
class Totals:
    """What adds up over the prompts of one file; times in microseconds."""

    prompt_tokens: int = 0
    decode_tokens: int = 0
    prefill_us: int = 0
    decode_us: int = 0
    sample_us: int = 0
    audio_e2e_us: int = 0
    audio_e2e_input_s: float = 0.0

    def add(self, context: Context) -> None:
        """Count one answer."""
        self.prompt_tokens += context.prompt_len
        self.decode_tokens += context.gen_seq_len
        self.prefill_us += context.prefill_us
        self.decode_us += context.decode_us
        self.sample_us += context.sample_us


def load_time(seconds: float) -> str:
    """The row after loading."""
    return f"main, {_LOAD_LINE}, cost time: {seconds * 1e3:f} ms\n"


def tuning_time(seconds: float) -> str:
    """The row after tuning."""
    return f"main, {_TUNING_LINE}, cost time: {seconds * 1e3:f} ms\n"


def no_outputs(tokens: int, *, decoding: bool) -> str:
    """What the newest sources say after a forward pass that failed."""
    seq_len, key = (1, 1) if decoding else (tokens, 100)
    return (
        f"[Error]: onForward returned no outputs. seqLen={seq_len}, inDecode={int(decoding)}, inputs=4, "
        f"moduleKey=({key},0)\n"
    )


def perf_block(totals: Totals, last: Context) -> list[str]:
    """The rows of the block, as many as llm_demo has calls of printf.

    Sources: sums over the prompts for tokens and their times, the last prompt's state for vision and audio.
    """
    vision_s = last.vision_us / 1e6
    audio_s = last.audio_us / 1e6
    prefill_s = totals.prefill_us / 1e6
    decode_s = totals.decode_us / 1e6
    vision_speed = _ratio(last.pixels_mp, vision_s) if last.pixels_mp > 0 else 0.0
    rows = [
        "\n#################################",
        f"prompt tokens num = {totals.prompt_tokens}",
        f"decode tokens num = {totals.decode_tokens}",
        f" vision time = {vision_s:.2f} s",
        f" pixels_mp = {last.pixels_mp:.2f} MP",
        f"  audio process time = {audio_s:.2f} s",
        f"  audio input time = {last.audio_input_s:.2f} s",
        f"prefill time = {prefill_s:.2f} s",
        f" decode time = {decode_s:.2f} s",
        f" sample time = {totals.sample_us / 1e6:.2f} s",
        f"prefill speed = {_figure(_ratio(totals.prompt_tokens, prefill_s), 2)} tok/s",
        f" decode speed = {_figure(_ratio(totals.decode_tokens, decode_s), 2)} tok/s",
        f" vision speed = {_figure(vision_speed, 3)} MP/s",
        f" audio RTF = {_figure(_ratio(audio_s, last.audio_input_s), 3)} ",
    ]
    if totals.audio_e2e_input_s > 0:
        audio_e2e_s = totals.audio_e2e_us / 1e6
        rows.append(f" audio E2E time = {audio_e2e_s:.2f} s")
        rows.append(f" audio E2E RTF = {_figure(audio_e2e_s / totals.audio_e2e_input_s, 3)} ")
    rows.append("##################################")
    return [row + "\n" for row in rows]


def _ratio(amount: float, over: float) -> float:
    if over:
        return amount / over
    return math.copysign(math.inf, amount) if amount else math.nan


def _figure(value: float, digits: int) -> str:
    return NAN if math.isnan(value) else f"{value:.{digits}f}"
