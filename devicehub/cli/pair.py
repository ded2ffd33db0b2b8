"""`devicehub pair`: phones over Wi-Fi, without a cable."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import print_json, run_async

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place


@click.command("pair")
@click.argument("address", metavar="HOST:PORT")
@click.option("--code", help="The six digits that the phone shows; asked for on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command(address: str, code: str | None, *, as_json: bool, place: Place) -> None:
    """Pair with a phone over the network.

    On the phone: Developer options, Wireless debugging, Pair device with pairing code. HOST:PORT and the code
    are what it shows there; the port is that of the pairing, not the one to connect to.
    """
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdigit()):
        raise click.UsageError(f"{address!r} is not HOST:PORT, as the phone shows it")
    if code is None:
        if not sys.stdin.isatty():
            raise click.UsageError("no terminal to ask for the code on; give it with --code")
        code = click.prompt("Code that the phone shows", err=True)

    async def pair(code: str) -> str:
        from devicehub.api.contract import PAIR, Pair

        async with place.client() as client:
            return await client.call(PAIR, Pair(address=address, code=code), timeout_s=60)

    said = run_async(pair(code))
    if as_json:
        print_json({"address": address, "said": said})
    else:
        print(said)
