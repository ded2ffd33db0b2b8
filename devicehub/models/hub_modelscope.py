"""ModelScope, by modelscope_hub; imported in the child process alone.

That is the client that the `modelscope` package itself depends on: 2 MB without a framework, where the other
brings 69 MB of pipelines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelscope_hub import HubApi, ProgressCallback
from modelscope_hub.errors import (
    APIError,
    AuthenticationError,
    FileDownloadError,
    FileIntegrityError,
    NetworkError,
    NotExistError,
    PermissionDeniedError,
)

from devicehub.models.hubs import RemoteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.models.fetching import Trouble

_BRANCH: Final = "master"
_KIND: Final = "model"


class ModelScope:
    """The hub that MODELSCOPE_ENDPOINT names, else modelscope.cn."""

    def __init__(self) -> None:
        self._api = HubApi()

    def list(self, repo: str, revision: str | None) -> tuple[str, list[RemoteFile]]:
        """The branch and its files with their SHA-256; these hold when the branch moves on."""
        files = self._api.list_repo_files(repo, _KIND, revision=revision or _BRANCH)
        told = [
            RemoteFile(path=file.path, size=file.size, sha256=file.sha256)
            for file in files
            if file.type != "tree"
        ]
        return revision or _BRANCH, told

    def fetch(
        self, repo: str, revision: str | None, file: RemoteFile, folder: Path, received: Callable[[int], None]
    ) -> None:
        """Download one file; the library goes on at its own part of it."""
        listed = {"Path": file.path, "Size": file.size, "Sha256": file.sha256, "Type": "blob"}
        try:
            self._api.download_repo(
                repo,
                _KIND,
                revision=revision or _BRANCH,
                local_dir=folder,
                file_list=[listed],
                max_workers=1,
                progress_callbacks=[_callback(received)],
            )
        except FileDownloadError as error:
            # It stands for the errors of its files, which here are one.
            raise next(iter(error.failed_files.values()), error) from error

    def describe(self, error: BaseException) -> tuple[Trouble, str] | None:
        """What an error of modelscope_hub means."""
        line = (str(error).splitlines() or [""])[0]
        match error:
            case NotExistError():
                return "not_found", ""
            case AuthenticationError() | PermissionDeniedError():
                return "private", ""
            case FileIntegrityError():
                return "wrong_hash", line
            case NetworkError():
                return "offline", f"{self._api.legacy.endpoint}: {line}"
            case APIError():
                return "other", line
        return None


def _callback(received: Callable[[int], None]) -> type[ProgressCallback]:
    class Telling(ProgressCallback):
        def __init__(self, filename: str, file_size: int) -> None:
            super().__init__(filename, file_size)
            self.done = 0

        def update(self, size: int) -> None:
            self.done += size
            received(self.done)

    return Telling
