"""What a phone's system asks of the part that plays installed apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.sim.android.commands import Answer


class AppService(Protocol):
    """Installed packages, running apps, and what is in front."""

    async def answer(self, argv: Sequence[str], *, pid: int) -> Answer | None:
        """Run am, pm, input, or what concerns apps of cmd and dumpsys; None for anything else."""

    def kill_by_lmkd(self, name: str) -> bool:
        """Let lmkd end an app for want of memory; whether it ran."""

    def stop_answering(self, name: str) -> bool:
        """Let Android find that an app does not answer, and say so; whether it ran."""

    def end_all(self) -> None:
        """End every app without a word, as a reboot or the end of Android's own process does."""

    def install(self, words: Sequence[str], apk: Path) -> Answer:
        """Install a package: what `pm install` with these options prints."""
