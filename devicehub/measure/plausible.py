"""Decoding that is faster than the phone's memory can give it the weights: a warning. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.runs.model import Flag
from devicehub.units import MB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Launch, RunHeader
    from devicehub.workloads.record import Record

_GB: Final = 1000 * MB
_LEAST_BYTES: Final = 128 * MB
"""Of smaller weights a good part stays in the caches of the processor."""
_LEAST_TOKENS: Final = 16
_ROUNDING: Final = 1.05


def find_implausible(
    header: RunHeader, launches: Sequence[Launch], *, reads_bytes: int | None, memory_gb_s: float | None
) -> Flag | None:
    """A flag where a launch decoded more tokens a second than the memory can read weights for.

    Args:
        header: of the run; of virtual phones nothing is said.
        launches: of the run.
        reads_bytes: what each token must read of the weights; None where that is not known, or a part may do.
        memory_gb_s: the most that the memory of the phone's SoC gives; None where it is not known.
    """
    if header.virtual or reads_bytes is None or memory_gb_s is None or reads_bytes < _LEAST_BYTES:
        return None
    speeds = [_tok_s(row, header) for launch in launches for row in launch.records]
    fastest = max((speed for speed in speeds if speed is not None), default=0.0)
    needed_gb_s = fastest * reads_bytes / _GB
    if needed_gb_s <= memory_gb_s * _ROUNDING:
        return None
    return Flag(
        slug="implausible",
        sentence=f"{fastest:.1f} tok/s of decoding read {needed_gb_s:.0f} GB/s of weights, and the memory of "
        f"{header.device.soc.name or header.device.soc.model} gives {memory_gb_s:.0f} at most: "
        "did the engine use all of the model?",
    )


def _tok_s(row: Record, header: RunHeader) -> float | None:
    """A row's decode speed; llm_demo counts the first token of each answer, which the prefill gave."""
    speed, tokens = row.decode_tok_s, row.decode_tokens
    if speed is None or tokens is None or tokens < _LEAST_TOKENS:
        return None
    given = max(header.prompts, 1) if row.tool != "llm_bench" else 0
    return speed * max(tokens - given, 0) / tokens
