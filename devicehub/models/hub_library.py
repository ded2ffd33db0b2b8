"""What is asked of a hub's library, whichever hub it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.models.fetching import Trouble
    from devicehub.models.hubs import RemoteFile


class Library(Protocol):
    """One hub, reached through its own library; in a child process."""

    def list(self, repo: str, revision: str | None) -> tuple[str, list[RemoteFile]]:
        """The commit, or the branch where the hub tells no commit, and all its files."""

    def fetch(
        self, repo: str, revision: str | None, file: RemoteFile, folder: Path, received: Callable[[int], None]
    ) -> None:
        """Bring one file to its path below a folder, going on where an earlier try was cut.

        Args:
            repo: `ORG/NAME`.
            revision: as `list` told it.
            file: which.
            folder: of the repository.
            received: is told how many bytes of it are here.
        """

    def describe(self, error: BaseException) -> tuple[Trouble, str] | None:
        """What an error of the library means, and its words; None where it is none of the known."""
