"""What the phone's log lost: whose lines, where among those that were read, and whether that matters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devicehub.android.logcat import Entry

# logd until Android 11: "uid=2000(shell) llm_demo expire 12 lines", "... identical 3 lines"; the entry bears
# the ids of the process whose lines they were.
_CHATTY: Final = re.compile(r"\b(?P<kind>identical|expire) (?P<count>\d+) lines?\b", re.IGNORECASE)
# liblog counts what it could not send in event 1006: "liblog: 5", of the process that could not.
_DROPPED: Final = re.compile(r"\s*\[?(?:dropped[ =:]*)?(?P<count>\d{1,9})\]?\s*$", re.IGNORECASE)
_SKIPPED: Final = re.compile(r"skipping \d+ entries", re.IGNORECASE)
_ENDED: Final = re.compile(r"unexpected EOF", re.IGNORECASE)
_MOST: Final = 1000

CAPTURE_ENDED: Final = "the capture of the phone's log ended before the run did"
CAPTURE_FULL: Final = "the capture of the phone's log reached its bound before the run ended"


@dataclass(frozen=True)
class Loss:
    """Lines that were logged and not read.

    Attributes:
        at: how many entries had been read before.
        pid: whose lines they were; None where they may be anybody's.
        sentence: what tells of it.
        known: the lines were copies of the one before, so nothing is lost with them.
    """

    at: int
    pid: int | None
    sentence: str
    known: bool = False

    def touches(self, pid: int | None, first: int | None = None, last: int | None = None) -> bool:
        """Whether a process's lines may be missing between two entries, by number; None is no bound."""
        if self.known or (self.pid is not None and pid is not None and self.pid != pid):
            return False
        return (first is None or self.at > first) and (last is None or self.at <= last)


class LossReader:
    """Entries become losses, in the order of the log."""

    def __init__(self) -> None:
        self.all: list[Loss] = []

    def take(self, entry: Entry, at: int) -> bool:
        """Read an entry; whether it tells of lost ones."""
        if entry.tag not in ("chatty", "liblog", "logd", "logcat"):
            return False
        said = f"{entry.tag}: {entry.message.strip()[:200]}"
        chatty = _CHATTY.search(entry.message)
        dropped = _DROPPED.match(entry.message) if entry.tag == "liblog" else None
        if chatty:
            self._add(Loss(at, entry.pid, said, known=chatty["kind"].lower() == "identical"))
        elif dropped:
            if int(dropped["count"]):
                self._add(Loss(at, entry.pid, f"{said} lines could not be logged"))
        elif _SKIPPED.search(entry.message) or _ENDED.search(entry.message):
            self._add(Loss(at, None, said))
        else:
            return False
        return True

    def take_text(self, text: str, at: int) -> None:
        """Read a line that is no entry: logcat's own words when logd dropped it for being slow."""
        if _ENDED.search(text):
            self._add(Loss(at, None, f"logcat: {text.strip()[:200]}"))

    def end(self, at: int, *, captured: bool, wrapped: bool) -> None:
        """Take what the end of the capture tells."""
        if not captured or wrapped:
            self._add(Loss(at, None, CAPTURE_FULL if wrapped else CAPTURE_ENDED))

    def _add(self, loss: Loss) -> None:
        if len(self.all) < _MOST:
            self.all.append(loss)


def sentences(losses: Iterable[Loss]) -> list[str]:
    """What tells of them, each once."""
    return list(dict.fromkeys(loss.sentence for loss in losses))
