"""Writes the safe mends of a model's configuration into its folder."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from devicehub.errors import InputError
from devicehub.files import publish
from devicehub.lint.fixes import mend_config, mend_json
from devicehub.lint.keys import default_of
from devicehub.models.check import CONFIG, QNN_CONFIG, inspect_model

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.lint.fixes import Mended


def mend_folder(root: Path) -> list[str]:
    """Mend what is safe to mend; what was changed, each with its file's name.

    Each file is replaced whole, or stays as it is; a link is replaced by a file.

    Raises:
        InputError: there is no such folder, or a file cannot be written.
    """
    found = inspect_model(root)
    present = {*found.files, *found.left_out}
    llm = found.config.get("llm_config", default_of("llm_config"))
    changes: list[str] = []
    if isinstance(llm, str) and llm in present:
        # The exporter's: its text is mended, its values are not.
        changes += _write(root / llm, mend_json(_read(root / llm)))
    for name in (CONFIG, QNN_CONFIG):
        if name in present:
            mended = mend_config(_read(root / name), llm_config=found.llm_config, files=present)
            changes += _write(root / name, mended)
    return changes


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""  # told as unreadable


def _write(file: Path, mended: Mended | None) -> list[str]:
    if mended is None or not mended.changes:
        return []
    try:
        publish(file, mended.text, mode=stat.S_IMODE(file.stat().st_mode))
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        problem = f"cannot be mended ({reason})"
        raise InputError(file, problem, remedy="check the permissions of its folder") from error
    return [f"{file.name}: {change}" for change in mended.changes]
