"""What an app may read of the shell's files: folders o+rx, files o+r, and no symbolic link.

SELinux lets apps read files and folders below /data/local/tmp, but not follow links there; the rest is the
mode's bits for others, which the shell's and the app's uid have nothing else in common to pass.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

MODELS_FOLDER: Final = "/data/local/tmp/mnn_models"
_SHARED: Final = "/data/local/tmp"


class PhonePaths:
    """Paths of the phone as this process reaches them."""

    def __init__(self, root: str = "") -> None:
        self._root = root

    def host(self, path: str) -> str:
        """Where a path of the phone lies for this process."""
        return path if self._root and path.startswith(f"{self._root}/") else self._root + path

    def phone(self, path: str) -> str:
        """The reverse of `host`."""
        return path.removeprefix(self._root) if self._root else path

    def readable(self, path: str) -> bool:
        """Whether the app may read a file."""
        return self._allowed(path, stat.S_IROTH) and Path(self.host(path)).is_file()

    def listable(self, path: str) -> bool:
        """Whether the app may list a folder."""
        return self._allowed(path, stat.S_IROTH | stat.S_IXOTH) and Path(self.host(path)).is_dir()

    def models(self) -> list[str]:
        """The folders in which the app finds a model of its own accord, as LocalModelsProvider.kt looks."""
        if not self.listable(MODELS_FOLDER):
            return []
        names = sorted(place.name for place in Path(self.host(MODELS_FOLDER)).iterdir())
        folders = [f"{MODELS_FOLDER}/{name}" for name in names]
        return [folder for folder in folders if self.exists(f"{folder}/config.json")]

    def exists(self, path: str) -> bool:
        """Whether the app sees that a file is there, which takes no right to read it."""
        return self._allowed(path, 0) and Path(self.host(path)).exists()

    def _allowed(self, path: str, wanted: int) -> bool:
        parts = Path(os.path.normpath(path)).parts
        for count in range(2, len(parts) + 1):
            place = str(Path(*parts[:count]))
            last = count == len(parts)
            # The folders above the shell's own are Android's business, and passable.
            if not place.startswith(f"{_SHARED}/"):
                continue
            try:
                mode = os.lstat(self.host(place)).st_mode
            except OSError:
                return False
            need = wanted if last else stat.S_IXOTH
            if stat.S_ISLNK(mode) or mode & need != need:
                return False
        return True
