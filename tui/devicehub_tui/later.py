"""Work that is begun when somebody awaits it. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

T = TypeVar("T")


class Later(Generic[T]):
    """A coroutine to be, with what it is given; where the app's end comes first, nothing was begun."""

    def __init__(self, work: Callable[..., Coroutine[Any, Any, T]], *about: object) -> None:
        self._work = work
        self._about = about

    def __await__(self) -> Generator[Any, Any, T]:
        """Begin, and go on to the end."""
        return self._work(*self._about).__await__()
