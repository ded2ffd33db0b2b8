"""What all formats call things alike. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.campaign.result import CellState

STATE_WORDS: Final[Mapping[CellState, str]] = {
    "passed": "passed",
    "failed": "failed",
    "inconclusive": "inconclusive",
    "not_comparable": "not comparable",
    "not_run": "not run",
}
STATE_MARKS: Final[Mapping[CellState, str]] = {
    "passed": "+",
    "failed": "X",
    "inconclusive": "?",
    "not_comparable": "/",
    "not_run": "-",
}
"""One ASCII character each: a table of cells must be read without colour, and by any terminal."""
FIGURE_WORDS: Final[Mapping[str, str]] = {
    "prefill_tok_s": "prefill tok/s",
    "decode_tok_s": "decode tok/s",
    "load_ms": "load ms",
    "ttft_ms": "first token ms",
    "peak_memory_mib": "peak memory MiB",
    "joules_per_token": "J/token",
    "fidelity": "fidelity",
    "suite": "suite",
    "accuracy": "accuracy",
    "perplexity": "perplexity",
}
