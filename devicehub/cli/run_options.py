"""The options that `devicehub run` and `devicehub compare` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

_COMMON: Final = (
    click.option(
        "--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, terms or `local`."
    ),
    click.option("--engine", metavar="ENGINE", help="Default: the one engine that fits the phone."),
    click.option("--profile", metavar="PROFILE", help="A run profile [default]."),
    click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A key of config.json."),
    click.option("--prompt", metavar="TEXT", help="What the model is asked."),
    click.option(
        "--prompt-file", type=click.Path(path_type=Path), metavar="FILE", help="One prompt a line."
    ),
    click.option(
        "--suite",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Prompts of a TOML file, a launch each, and what the answers must be.",
    ),
    click.option("--join-lines", is_flag=True, help="Make one prompt of all lines."),
    click.option("--no-think", is_flag=True, help="Ask a thinking model for an answer without thinking."),
)  # fmt: skip
_FIGURE: Final = (
    click.option(
        "--gate",
        multiple=True,
        metavar="WHAT=VALUE",
        help="Change the protocol's gate: temp=CELSIUS, zone=NAME, cap=SECONDS, or off.",
    ),
    click.option("--steady", is_flag=True, help="Ask the phone for clocks that it can hold (Android 11)."),
    click.option("--verify-output", is_flag=True, help="Ask the model its fixture again."),
    click.option(
        "--prompt-tokens", type=click.IntRange(0), metavar="N", help="llm_bench: prompt length [512]."
    ),
    click.option(
        "--decode-tokens", type=click.IntRange(0), metavar="N", help="llm_bench: tokens decoded [128]."
    ),
    click.option(
        "--repeats", type=click.IntRange(1, 1000), metavar="N", help="llm_bench: in one launch [5]."
    ),
)
_COURSE: Final = (
    click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="WHAT=N",
        help="End it on the phone: time=SECONDS, temp=CELSIUS, battery=PERCENT, space=MIB.",
    ),
    click.option(
        "--sample-hz",
        type=click.FloatRange(0.2, 10),
        default=1.0,
        show_default=True,
        help="How often the phone is sampled.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(0, 10),
        default=1,
        show_default=True,
        help="Attempts after one that the phone or its cable ended.",
    ),
    click.option("--strict", is_flag=True, help="Refuse where this would only warn."),
)


def shared_options(
    *, workloads: Collection[str], workload: str, protocol: str, launches: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command the options of a run.

    Args:
        workloads: which of them the command takes.
        workload: the one where none is named.
        protocol: the help of --protocol.
        launches: the help of --launches.
    """
    chosen = (
        click.option(
            "--workload",
            type=click.Choice(tuple(workloads)),
            default=workload,
            show_default=True,
            help="llm_demo with prompts, llm_bench, the app MnnLlmChat, questions, or a profile's command."
            if "custom" in workloads
            else "llm_demo with prompts, llm_bench, or the app MnnLlmChat.",
        ),
    )
    made = (
        click.option("--protocol", metavar="PROTOCOL", help=protocol),
        click.option("--launches", type=click.IntRange(1, 100), metavar="N", help=launches),
    )
    options: Sequence[Callable[[Callable[..., Any]], Callable[..., Any]]] = (
        *_COMMON[:2],
        *chosen,
        *_COMMON[2:],
        *made,
        *_FIGURE,
        *_COURSE,
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
