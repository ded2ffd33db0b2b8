"""Whether figures that stand in two places are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.workloads.perf_block import PerfBlock
    from devicehub.workloads.record import Record

_FIGURES: Final = (
    "prefill_tok_s", "decode_tok_s", "prefill_tok_s_std", "decode_tok_s_std", "load_ms",
)  # fmt: skip
_ROUNDED: Final = 0.02
"""Both print two decimals; llm_bench's JSON cuts them off, its table rounds."""
_LOAD_ROUNDED_MS: Final = 20.0
_SHARE: Final = 1e-5
"""A speed of millions has fewer digits than two decimals in a float."""


def compare_rows(table: Sequence[Record], file: Sequence[Record]) -> list[str]:
    """Say where llm_bench's table and its JSON file differ: one sentence per row; none where they agree.

    Rows are matched by their tokens, in their order: one launch measures one configuration.
    """
    left = list(table)
    differences = []
    for row in file:
        twin = next((record for record in left if _tokens(record) == _tokens(row)), None)
        if twin is None:
            differences.append(f"{row.test or 'a row'} stands in the JSON file alone")
            continue
        left.remove(twin)
        differences += _differences(twin, row)
    if len(left) > 0:
        differences += [f"{record.test or 'a row'} stands in the table alone" for record in left]
    return differences


def _tokens(record: Record) -> tuple[int, int]:
    return record.prompt_tokens or 0, record.decode_tokens or 0


def _differences(table: Record, file: Record) -> list[str]:
    found = []
    for name in _FIGURES:
        printed, written = getattr(table, name), getattr(file, name)
        if printed is None or written is None:
            continue
        rounded = _LOAD_ROUNDED_MS if name == "load_ms" else _ROUNDED
        if abs(printed - written) > rounded + _SHARE * abs(written):
            found.append(f"{table.test}: {name} is {printed:g} in the table and {written:g} in the JSON file")
    return found


def compare_blocks(stdout: PerfBlock, log: PerfBlock) -> list[str]:
    """Say which fields of a block differ that one process printed to both stdout and the log."""
    shared = [name for name in stdout.fields if name in log.fields]
    return [
        f"{name} is {stdout.fields[name]} on stdout and {log.fields[name]} in the log"
        for name in shared
        if stdout.fields[name] != log.fields[name]
    ]
