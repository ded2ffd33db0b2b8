"""`devicehub api`: what other programs need to know of the API."""

from __future__ import annotations

import click

from devicehub.cli.output import print_json


@click.group("api")
def command() -> None:
    """Describe the API that the hub serves."""


@command.command("schema")
def schema() -> None:
    """Print every method, topic and code as JSON Schema."""
    from devicehub.api.schema import describe_api

    print_json(describe_api())
