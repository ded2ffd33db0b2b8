"""What the screen remembers from one time to the next: its look, and what was chosen last."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class Memory:
    """Named values in one JSON file; one that cannot be read or written is as if it were empty."""

    def __init__(self, path: Path | None) -> None:
        """`path` None remembers nothing beyond this object."""
        self._path = path
        self._values: dict[str, Any] = {}
        if path is not None:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                self._values = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])

    def get(self, name: str) -> Any:
        """A value that was kept; None where there is none."""
        return self._values.get(name)

    def put(self, name: str, value: Any) -> None:
        """Keep a value of JSON's kinds."""
        if self._values.get(name) == value:
            return
        self._values[name] = value
        if self._path is None:
            return
        part = self._path.with_name(f".{self._path.name}.part")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.format(msgspec.json.encode(self._values)))
            part.replace(self._path)
