"""MnnLlmChat: what the app writes to logcat under the tag MNN_DEBUG."""

from __future__ import annotations

import re
from typing import Final

from devicehub.workloads.record import NUMBER, Record, finite, whole

TAG: Final = "MNN_DEBUG"

_PERF: Final = re.compile(
    rf"PERF \| prefill: (?P<prompt>\d+) tok in (?P<prefill_s>{NUMBER})s \((?P<prefill>{NUMBER}) t/s\)"
    rf" \| decode: (?P<decode>\d+) tok in (?P<decode_s>{NUMBER})s \((?P<speed>{NUMBER}) t/s\)",
    re.IGNORECASE,
)
_BEGIN: Final = re.compile(r"createLLM BeginLoad\b\s*(?P<config>.*)")
_MODEL: Final = re.compile(r"([^/\s]+)/[^/]*\.json\s*$")
_MOST_REPLIES: Final = 10_000


class ChatReader:
    """Messages of one process of the app become one record per reply."""

    def __init__(self) -> None:
        self.started = False
        self.records: list[Record] = []
        self._began_s: float | None = None
        self._load_ms: float | None = None
        self._model: str | None = None

    def take(self, message: str, at_s: float | None, *, source: str = "logcat") -> bool:
        """Read one message; whether it is one of the app's that count."""
        if message.startswith("createLLM "):
            return self._take_load(message, at_s)
        match = _PERF.match(message)
        if match is None:
            return False
        self.started = True
        if len(self.records) < _MOST_REPLIES:
            self.records.append(self._record(match, source))
        return True

    def _take_load(self, message: str, at_s: float | None) -> bool:
        begin = _BEGIN.match(message)
        if begin:
            self.started = True
            self._began_s, self._load_ms = at_s, None
            model = _MODEL.search(begin["config"])
            self._model = model[1] if model else None
            return True
        if message.startswith("createLLM EndLoad"):
            self.started = True
            if self._began_s is not None and at_s is not None and at_s >= self._began_s:
                self._load_ms = round((at_s - self._began_s) * 1000, 3)
            return True
        return False

    def _record(self, match: re.Match[str], source: str) -> Record:
        return Record(
            tool="mnn_chat",
            source=source,
            model=self._model,
            prompt_tokens=whole(match["prompt"]),
            decode_tokens=whole(match["decode"]),
            prefill_s=finite(match["prefill_s"]),
            decode_s=finite(match["decode_s"]),
            prefill_tok_s=finite(match["prefill"]),
            decode_tok_s=finite(match["speed"]),
            load_ms=self._load_ms,
        )
