"""The hub as tests see it: asked and waited for, without a loop of one's own."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from devicehub.testing.threads import wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.api.client import Client
    from devicehub.api.contract import Method, Params
    from devicehub.cli.at_hub import Place
    from devicehub.runs.ask import CompareAsk, RunAsk

P = TypeVar("P", bound="Params | RunAsk | CompareAsk")
R = TypeVar("R")

NAME: Final = "pytest"
"""How tests call themselves: they share the phones with others as one client."""


@dataclass(frozen=True)
class TestHub:
    """The hub that a session of tests uses: the user's own, started where none runs, or a private one.

    Attributes:
        url: of a private hub; None for the user's own.
        token_file: holds the private hub's token.
    """

    __test__ = False

    url: str | None = None
    token_file: str | None = None

    @property
    def is_private(self) -> bool:
        """Whether it ends with the session."""
        return self.url is not None

    @property
    def place(self) -> Place:
        """The hub as commands take it."""
        from devicehub.cli.at_hub import Place

        return Place(url=self.url, token_file=Path(self.token_file) if self.token_file else None)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A connection to it, for the time of the block; raises as `api.client.connect` does."""
        from devicehub.api.client import connect

        async with connect(self.place.where(), name=NAME, start=not self.is_private) as client:
            yield client

    def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """What the hub answers to a question of `api.contract`; raises as `Client.call` does."""

        async def ask() -> Any:
            async with self.client() as client:
                return await client.call(method, params, timeout_s=timeout_s)

        answer: R = wait_for(ask())
        return answer
