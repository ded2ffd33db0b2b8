"""`devicehub run`: a model on a phone, and its counters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from devicehub.cli.output import run_async
from devicehub.cli.run_view import carry_all, finish
from devicehub.errors import InputError

if TYPE_CHECKING:
    from devicehub.errors import HubError
    from devicehub.runs.model import RunRecord


@click.command("run")
@click.argument("model")
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, or terms.")
@click.option("--engine", metavar="ENGINE", help="Default: the one engine that fits the phone.")
@click.option("--profile", default="default", show_default=True, help="A run profile.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A key of config.json.")
@click.option("--prompt", metavar="TEXT", help="What the model is asked.")
@click.option("--prompt-file", type=click.Path(path_type=Path), metavar="FILE", help="One prompt a line.")
@click.option("--join-lines", is_flag=True, help="Make one prompt of all lines.")
@click.option("--no-think", is_flag=True, help="Ask a thinking model for an answer without thinking.")
@click.option("--json", "as_json", is_flag=True, help="Print the run record; of several phones one a line.")
def command(
    model: str,
    selectors: tuple[str, ...],
    engine: str | None,
    profile: str,
    settings: tuple[str, ...],
    prompt: str | None,
    prompt_file: Path | None,
    join_lines: bool,
    no_think: bool,
    as_json: bool,
) -> None:
    """Run MODEL of the catalogue on phones and read its counters.

    The exit status is 0 when every run succeeded, 1 when one did not.
    """
    from devicehub.workloads.config import parse_overrides

    prompts = read_prompts(prompt, prompt_file, join_lines=join_lines)
    overrides = parse_overrides(settings)

    async def run() -> list[RunRecord | HubError]:
        from devicehub.dispatch.request import RunRequest
        from devicehub.hub import open_hub
        from devicehub.profiles.load import run_profile

        hub = await open_hub()
        chosen = hub.models.get(model)
        run_file = run_profile(profile, hub.home)
        pairs = [
            (
                RunRequest(
                    run_id=hub.new_run_id(),
                    engine=hub.engine_for(device, engine),
                    model=chosen,
                    profile=run_file,
                    prompts=prompts,
                    overrides=overrides,
                    no_think=no_think,
                ),
                device,
            )
            for device in await hub.select(selectors)
        ]
        return await carry_all(hub, pairs, as_json=as_json)

    finish(run_async(run()), as_json=as_json)


def read_prompts(prompt: str | None, file: Path | None, *, join_lines: bool) -> bytes:
    """The prompt file to send, from --prompt or --prompt-file.

    Raises:
        UsageError: neither was given, or both.
        InputError: the file cannot be read, or llm_demo would not read it as it is meant.
    """
    from devicehub.cli.files import read_file
    from devicehub.workloads.prompts import encode_prompts

    if prompt is not None and file is None:
        return encode_prompts(prompt, join_lines=join_lines, one_prompt=True, place="--prompt")
    if file is None or prompt is not None:
        raise click.UsageError("give either --prompt TEXT or --prompt-file FILE")
    try:
        text = read_file(file, remedy="give a text file").decode()
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{file} line {line}", "is not UTF-8", remedy="save the file as UTF-8") from error
    return encode_prompts(text, join_lines=join_lines, place=str(file))
