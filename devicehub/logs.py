"""How the hub logs: lines for people or for machines, with the phone and the run on each.

A record's `action` is a stable name beside its sentence: `log.info("...", extra={"action": "run_moved"})`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Format = Literal["human", "json"]

_FILE_BYTES: Final = 5 * MIB
_FILES: Final = 3
_NAMES: Final = ("serial", "run", "action")
_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", *_NAMES}
"""What every record has; all else came by `extra`."""

_about: ContextVar[dict[str, str] | None] = ContextVar("devicehub_log_about", default=None)


@contextlib.contextmanager
def about(*, serial: str | None = None, run: str | None = None) -> Iterator[None]:
    """Put the phone and the run on all that is logged in the block, and in tasks that it starts."""
    given = {name: value for name, value in (("serial", serial), ("run", run)) if value is not None}
    before = _about.set({**(_about.get() or {}), **given})
    try:
        yield
    finally:
        _about.reset(before)


class _Marks(logging.Filter):
    """Adds what `about` says to records that do not say it themselves."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_about.get() or {}).items():
            if getattr(record, name, None) is None:
                setattr(record, name, value)
        return True


class HumanFormatter(logging.Formatter):
    """`12:34:56 warning SERIAL RUN: text`, in the host's local time."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback where there is one."""
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        level = "" if record.levelno == logging.INFO else f" {record.levelname.lower()}"
        marks = "".join(
            f" {getattr(record, name)}" for name in ("serial", "run") if getattr(record, name, None)
        )
        line = f"{moment:%Y-%m-%d %H:%M:%S}{level}{marks}: {_printable(record.getMessage())}"
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, action, serial, run, text, and extras."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the text holds."""
        moment = datetime.fromtimestamp(record.created, UTC)
        found: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        for name in _NAMES:
            found[name] = getattr(record, name, None)
        found["text"] = record.getMessage()
        if record.exc_info:
            found["traceback"] = self.formatException(record.exc_info)
        found |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        return json.dumps(found, default=str)


def start_logging(style: Format, level: str, *, file: Path | None = None) -> None:
    """Send all that is logged to stderr, or into a file that is rotated at 5 MiB, of which three are kept."""
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=_FILE_BYTES, backupCount=_FILES - 1, encoding="utf-8", errors="replace"
        )
    handler.setFormatter(JsonFormatter() if style == "json" else HumanFormatter())
    handler.addFilter(_Marks())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("websockets").setLevel(logging.WARNING)  # it tells of each connection
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _printable(text: str) -> str:
    """A text on one line; what a phone or a model says must not look like another record."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
