"""MnnLlmChat: what the app writes to logcat under the tag MNN_DEBUG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.workloads.record import NUMBER, Record, finite, whole

if TYPE_CHECKING:
    from devicehub.android.logcat import Entry

TAG: Final = "MNN_DEBUG"

_PERF: Final = re.compile(
    rf"PERF \| prefill: (?P<prompt>\d+) tok in (?P<prefill_s>{NUMBER})s \((?P<prefill>{NUMBER}) t/s\)"
    rf" \| decode: (?P<decode>\d+) tok in (?P<decode_s>{NUMBER})s \((?P<speed>{NUMBER}) t/s\)",
    re.IGNORECASE,
)
_BEGIN: Final = re.compile(r"createLLM BeginLoad\b\s*(?P<config>.*)")
_MODEL: Final = re.compile(r"([^/\s]+)/[^/]*\.json\s*$")
# Messages that hold a prompt, an answer or a config (llm_session.cpp); what else they seem to say, those say.
_QUOTES: Final = re.compile(
    r"submitNative (?:prompt_string_for_debug|Result)|ResponseWithHistory Result|Detected multimodal content"
    r"|extra_config: |dumped config: |Updated config applied|LLM not initialized yet, config saved"
    r"|Found (?:image|video) tag with path"
)
_TO_THE_NANOSECOND: Final = re.compile(r"\.\d{9}\b")
_MOST_REPLIES: Final = 10_000


class ChatReader:
    """Messages of one process of the app become one record per reply.

    Attributes:
        load_ms: how long the last load took that ended.
        model: the folder of the model that was loaded last.
    """

    def __init__(self) -> None:
        self.started = False
        self.records: list[Record] = []
        self.load_ms: float | None = None
        self.model: str | None = None
        self._began_s: float | None = None
        self._last: tuple[int | None, str] | None = None

    def quotes(self, entry: Entry) -> bool:
        """Whether an entry is somebody's text: a prompt, an answer, a config, or a further line of a message.

        A message of several lines stands in the log as so many entries of one thread and one stamp; only in
        nanoseconds can another message not have the same.
        """
        if entry.tag != TAG:
            return False
        stamp = entry.stamp or ""
        here = (entry.tid, stamp)
        goes_on = here == self._last and _TO_THE_NANOSECOND.search(stamp) is not None
        self._last = here
        return goes_on or _QUOTES.match(entry.message) is not None

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
            self._began_s, self.load_ms = at_s, None
            model = _MODEL.search(begin["config"])
            self.model = model[1] if model else None
            return True
        if message.startswith("createLLM EndLoad"):
            self.started = True
            if self._began_s is not None and at_s is not None and at_s >= self._began_s:
                self.load_ms = round((at_s - self._began_s) * 1000, 3)
            return True
        return False

    def _record(self, match: re.Match[str], source: str) -> Record:
        return Record(
            tool="mnn_chat",
            source=source,
            model=self.model,
            prompt_tokens=whole(match["prompt"]),
            decode_tokens=whole(match["decode"]),
            prefill_s=finite(match["prefill_s"]),
            decode_s=finite(match["decode_s"]),
            prefill_tok_s=finite(match["prefill"]),
            decode_tok_s=finite(match["speed"]),
            load_ms=self.load_ms,
        )
