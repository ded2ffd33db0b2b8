"""Options that say which hub a command talks to, and the way there."""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from devicehub.cli.output import run_async, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from devicehub.api.client import Client
    from devicehub.api.contract import Method, Params
    from devicehub.api.place import Where
    from devicehub.runs.ask import CompareAsk, RunAsk

P = TypeVar("P", bound="Params | RunAsk | CompareAsk")
R = TypeVar("R")

NAME: Final = "cli"
"""How commands call themselves: they share the phones as one client."""


@dataclass(frozen=True)
class Place:
    """The hub that the options name; none of them means this user's own."""

    url: str | None = None
    ca: Path | None = None
    token_file: Path | None = None

    def where(self) -> Where:
        """The hub as the API's client takes it."""
        from devicehub.api.place import Where
        from devicehub.settings import find_home

        return Where(home=find_home(), url=self.url, ca=self.ca, token_file=self.token_file)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A connection to it; this user's own is started where it does not run.

        Raises:
            HubUnreachable: there is none.
        """
        from devicehub.api.client import connect

        async with connect(self.where(), name=NAME, start=self.url is None, tell=say) as client:
            yield client

    def ask(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """What the hub answers to one question; for commands that ask nothing else.

        Raises:
            HubError: as `Client.call`.
        """

        async def ask() -> R:
            async with self.client() as client:
                return await client.call(method, params, timeout_s=timeout_s)

        return run_async(ask())

    def options(self) -> list[str]:
        """The words that name the same hub on another command line."""
        words: list[str] = []
        for name, value in (("--hub", self.url), ("--ca", self.ca), ("--token-file", self.token_file)):
            if value is not None:
                words += [name, str(value)]
        return words


def named_phones(selectors: Sequence[str], environ: Mapping[str, str] = os.environ) -> list[str]:
    """The words after `--on`; without any, the phone that ANDROID_SERIAL names."""
    named = environ.get("ANDROID_SERIAL")
    return list(selectors) or ([named] if named else [])


def at_hub(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a hub; it takes them as `place`."""

    @click.option(
        "--hub", "hub_url", metavar="URL", help="Another hub than this user's own: wss://HOST:PORT."
    )
    @click.option(
        "--ca", type=click.Path(path_type=Path, exists=True), help="The certificate to trust for --hub."
    )
    @click.option(
        "--token-file", type=click.Path(path_type=Path, exists=True), help="The file with the token of --hub."
    )
    @functools.wraps(function)
    def with_place(
        *args: Any, hub_url: str | None, ca: Path | None, token_file: Path | None, **rest: Any
    ) -> Any:
        if hub_url is None and (ca or token_file):
            raise click.UsageError("--ca and --token-file belong to --hub")
        return function(*args, place=Place(hub_url, ca, token_file), **rest)

    return with_place
