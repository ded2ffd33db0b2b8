"""The fixtures of the catalogue: kept beside its entries, found by what a model holds."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import psutil

from devicehub.demo_model import demo_fixture_file
from devicehub.errors import InputError
from devicehub.manifest import unreadable, unwritable
from devicehub.models.fixture import Fixture, NoFixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.settings import Home

_FOLDER: Final = "fixtures"
_SUFFIX: Final = ".json"
_SCRATCH: Final = ".scratch-"


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two."""

    fixture: Fixture | None = None
    reason: str | None = None


class FixtureShelf:
    """What was made of fixtures under the user's data folder, and what ships with DeviceHub."""

    def __init__(self, home: Home) -> None:
        self._folder = home.models / _FOLDER

    def find(self, model_id: str) -> Fixture | NoFixture | None:
        """The fixture of the content with this manifest id, or why it has none; None where none was made.

        One that was made here goes before one that ships.
        """
        file = self._file(model_id)
        try:
            stored = msgspec.json.decode(file.read_bytes(), type=_Stored)
        except FileNotFoundError:
            return _shipped().get(model_id)
        except OSError as error:
            return NoFixture(reason=str(unreadable(file, error)))
        except msgspec.MsgspecError as error:
            remedy = "run `devicehub models check MODEL --fixture`"
            return NoFixture(reason=str(InputError(file, f"is damaged ({error})", remedy=remedy)))
        if stored.fixture is not None:
            return stored.fixture
        return NoFixture(reason=stored.reason or "the host said nothing of why")

    def put(self, model_id: str, made: Fixture | NoFixture) -> None:
        """Keep what was made of a content, in place of what was made before.

        Raises:
            InputError: it cannot be written.
        """
        stored = _Stored(fixture=made) if isinstance(made, Fixture) else _Stored(reason=made.reason)
        file = self._file(model_id)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".making-", dir=self._folder)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(encode_fixture(stored))
                Path(temporary).replace(file)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(file, error) from error

    def drop(self, model_id: str) -> None:
        """Forget what was made of a content.

        Raises:
            InputError: it cannot be removed.
        """
        try:
            self._file(model_id).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self._file(model_id), error) from error

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the catalogue's disk, gone afterwards, as is what killed processes left.

        Raises:
            InputError: it cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for left in self._folder.glob(f"{_SCRATCH}*"):
                owner = left.name.removeprefix(_SCRATCH).partition("-")[0]
                if not (owner.isdecimal() and psutil.pid_exists(int(owner))):
                    shutil.rmtree(left, ignore_errors=True)
            folder = tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-", dir=self._folder)
        except OSError as error:
            raise unwritable(self._folder, error) from error
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _file(self, model_id: str) -> Path:
        return self._folder / f"{model_id}{_SUFFIX}"


def encode_fixture(value: msgspec.Struct) -> bytes:
    """As a file that a person can read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


@cache
def _shipped() -> dict[str, Fixture]:
    """By the manifest id of the content that answered."""
    fixture = msgspec.json.decode(demo_fixture_file().read_bytes(), type=Fixture)
    return {fixture.model_id: fixture}
