"""The engine's own times against the agent's clock: a launch that stood still in between. Pure.

llm_demo times loading, tuning, each part of the prompts, decoding and sampling, and nothing else: not its
start by the phone's linker, the chat template and the tokenizer, the text that it prints, the release of the
weights at its end. llm_bench gives speeds of what it measured; from them follow the times of its repetitions,
and about that of the one before that does not count; it tells nothing of loading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from devicehub.units import MB

if TYPE_CHECKING:
    from devicehub.runs.model import Launch, RunHeader
    from devicehub.workloads.record import Record

MOST_APART: Final = 0.05
"""Of the launch's time on the agent's clock."""
_START_S: Final = 2.0
"""Start and end of a process, shell and linker included, on a slow phone."""
_VIRTUAL_START_S: Final = 30.0
"""A virtual phone's engine is a Python program on a host that may be busy."""
_RELEASE_SHARE: Final = 0.5
"""Of the time of loading: the memory of the weights goes back at the end, which no timer sees."""
_SLOWEST_FLASH_BYTES_S: Final = 100 * MB
_ROUNDING_S: Final = 0.5


class _Timed(NamedTuple):
    """What an engine says of its time.

    Attributes:
        least_s: what it certainly took.
        most_s: with all that it may well have taken besides.
    """

    least_s: float
    most_s: float


def find_stall(launch: Launch, header: RunHeader) -> str | None:
    """Say that a launch took other time than the engine's own times explain; None where nothing tells that.

    Args:
        launch: as it was read.
        header: of its run.
    """
    took_s = launch.duration_s
    # A cold launch tunes its kernels and writes caches, of which nobody tells the time.
    if took_s is None or launch.verdict != "succeeded" or launch.cold:
        return None
    timed = _timed(launch, header)
    if timed is None:
        return None
    start_s = _VIRTUAL_START_S if header.virtual else _START_S
    missing_s = took_s - timed.most_s
    if missing_s > MOST_APART * took_s + start_s:
        return (
            f"the launch took {took_s:.1f} s, of which the engine's own times explain "
            f"{timed.most_s:.1f} s: it stood still, or something held it up"
        )
    if timed.least_s > took_s * (1 + MOST_APART) + _ROUNDING_S:
        return (
            f"the engine counted {timed.least_s:.1f} s in a launch of {took_s:.1f} s: "
            "the clock that it goes by was set"
        )
    return None


def _timed(launch: Launch, header: RunHeader) -> _Timed | None:
    # The engine fetches a picture that a prompt names by URL, which no timer of it sees.
    if header.workload == "demo" and len(launch.records) == 1 and not header.media:
        return _timed_demo(launch.records[0])
    if header.workload == "bench":
        return _timed_bench(launch.records, header.options)
    return None


def _timed_demo(record: Record) -> _Timed | None:
    if record.load_ms is None or record.prefill_s is None or record.decode_s is None:
        return None
    load_s = record.load_ms / 1000
    parts_s = (record.prefill_s, record.decode_s, record.sample_s, record.vision_s, record.audio_s)
    own_s = sum(part_s or 0.0 for part_s in parts_s) + load_s + (record.tuning_ms or 0.0) / 1000
    return _Timed(own_s, own_s + _RELEASE_SHARE * load_s)


def _timed_bench(records: list[Record], options: dict[str, Any]) -> _Timed | None:
    """The times of the repetitions, from mean speeds; further arguments may make other tests of them."""
    repeats = options.get("repeats")
    if not isinstance(repeats, int) or options.get("extra") or not records:
        return None
    once_s = spread_s = 0.0
    for record in records:
        for tokens, speed, deviation in (
            (record.prompt_tokens, record.prefill_tok_s, record.prefill_tok_s_std),
            (record.decode_tokens, record.decode_tok_s, record.decode_tok_s_std),
        ):
            if not tokens:
                continue
            if not speed:
                return None
            once_s += tokens / speed
            # The mean of the times is longer than the time of the mean speed, by about the variance.
            spread_s += tokens / speed * min((deviation or 0.0) / speed, 1.0) ** 2
    sizes = [record.model_size_bytes for record in records if record.model_size_bytes]
    if not once_s or not sizes:
        return None
    load_s = max(sizes) / _SLOWEST_FLASH_BYTES_S
    # The first repetition touches everything for the first time and may well take three times as long.
    return _Timed(
        repeats * once_s, repeats * (once_s + spread_s) + 3 * once_s + load_s * (1 + _RELEASE_SHARE)
    )
