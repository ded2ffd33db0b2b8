"""Hugging Face, by huggingface_hub; imported in the child process alone.

Listing, token, endpoint (HF_ENDPOINT) and errors are the library's. Its `hf_hub_download` writes under a name
of its own for each process and deletes it when it fails, so nothing of it could be taken up again; its
`http_get`, which it downloads with itself, takes up a file at any byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import httpx
from huggingface_hub import HfApi, constants, get_hf_file_metadata, get_token, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoFile

from devicehub import __version__
from devicehub.models.hubs import RemoteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.models.fetching import Trouble

_PART: Final = ".incomplete"
_UNAUTHORIZED: Final = (401, 403)
_BLOCK: Final = 1 << 20


class HuggingFace:
    """The hub that HF_ENDPOINT names, else huggingface.co."""

    def __init__(self) -> None:
        # By default 10 MB: so much is lost when it is cut, and progress comes in such steps.
        constants.DOWNLOAD_CHUNK_SIZE = _BLOCK
        self._api = HfApi(library_name="devicehub", library_version=__version__)

    def list(self, repo: str, revision: str | None) -> tuple[str, list[RemoteFile]]:
        """The commit and its files; SHA-256 of those in LFS, git's own hash of the others."""
        commit = self._api.model_info(repo, revision=revision).sha
        tree = self._api.list_repo_tree(repo, recursive=True, revision=commit)
        files = [
            RemoteFile(
                path=file.path,
                size=file.size,
                sha256=file.lfs.sha256 if file.lfs is not None else None,
                git_sha1=None if file.lfs is not None else file.blob_id,
            )
            for file in tree
            if isinstance(file, RepoFile)
        ]
        return commit or revision or "main", files

    def fetch(
        self, repo: str, revision: str | None, file: RemoteFile, folder: Path, received: Callable[[int], None]
    ) -> None:
        """Download one file, from the byte on at which an earlier try was cut."""
        url = hf_hub_url(repo, file.path, revision=revision, endpoint=self._api.endpoint)
        found = get_hf_file_metadata(
            url, endpoint=self._api.endpoint, library_name="devicehub", library_version=__version__
        )
        headers = {"user-agent": f"devicehub/{__version__}"}
        # Large files lie with another server, which must not be told the user's token.
        if (token := get_token()) and urlsplit(found.location).netloc == urlsplit(url).netloc:
            headers["authorization"] = f"Bearer {token}"
        part = (folder / file.path).with_name(f"{(folder / file.path).name}{_PART}")
        if part.exists() and part.stat().st_size > file.size:
            part.unlink()
        with part.open("ab", buffering=0) as stream:
            begun = stream.tell()
            received(begun)
            http_get(
                found.location,
                stream,
                resume_size=begun,
                headers=headers,
                expected_size=file.size,
                tqdm_class=_bar(received),
            )
        part.replace(folder / file.path)

    def describe(self, error: BaseException) -> tuple[Trouble, str] | None:
        """What an error of huggingface_hub or httpx means."""
        if isinstance(error, GatedRepoError):
            return "private", "its owner grants access by request; accept the terms on its page, then log in"
        if isinstance(error, RepositoryNotFoundError):
            return "not_found", ""
        if isinstance(error, RevisionNotFoundError):
            return "not_found", "revision"
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code if error.response is not None else 0
            return (
                "private" if status in _UNAUTHORIZED else "other",
                f"{self._api.endpoint} answered {status}",
            )
        if isinstance(error, OfflineModeIsEnabled):
            return "offline", f"{self._api.endpoint}: HF_HUB_OFFLINE is set"
        if isinstance(error, httpx.TransportError):
            return "offline", f"{self._api.endpoint}: {error or type(error).__name__}"
        return None


def _bar(received: Callable[[int], None]) -> Any:
    """A class that looks to the library like a progress bar of tqdm."""

    class Bar:
        def __init__(self, *_args: object, initial: int = 0, **_rest: object) -> None:
            self.done = initial

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_args: object) -> None:
            return

        def update(self, size: int) -> None:
            self.done += size
            received(self.done)

        def close(self) -> None:
            return

    return Bar
