"""The options by which a command keeps what a sweep chose; apart, so that no start waits for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def profile_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--save-profile` and `--prefer`."""
    options = (
        click.option(
            "--save-profile", metavar="NAME", help="Of a sweep: keep the chosen setting as a run profile."
        ),
        click.option(
            "--prefer",
            type=click.Choice(["balanced", "decode", "prefill", "memory", "fidelity"]),
            default="balanced",
            show_default=True,
            help="What the setting of --save-profile is chosen by.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function
