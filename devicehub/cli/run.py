"""`devicehub run`: a workload on a phone, and its counters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.output import run_async, say
from devicehub.cli.run_view import carry_all, finish, start_all
from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.device.model import Device
    from devicehub.dispatch.carrier import Outcome
    from devicehub.dispatch.request import RunRequest
    from devicehub.errors import HubError
    from devicehub.hub import Hub
    from devicehub.models.catalog import Model
    from devicehub.profiles.load import RunProfile
    from devicehub.runner.contract import Limits
    from devicehub.runs.model import RunHeader
    from devicehub.workloads.llm_bench import BenchOptions

_LIMITS: Final = {
    "time": ("wall_s", "SECONDS"),
    "temp": ("temp_mc", "CELSIUS"),
    "battery": ("battery_percent", "PERCENT"),
    "space": ("free_mib", "MIB"),
}


@click.command("run")
@click.argument("model")
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, or terms.")
@click.option("--engine", metavar="ENGINE", help="Default: the one engine that fits the phone.")
@click.option(
    "--workload",
    type=click.Choice(("demo", "bench")),
    default="demo",
    show_default=True,
    help="llm_demo with prompts, or llm_bench.",
)
@click.option("--profile", default="default", show_default=True, help="A run profile.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A key of config.json.")
@click.option("--prompt", metavar="TEXT", help="What the model is asked.")
@click.option("--prompt-file", type=click.Path(path_type=Path), metavar="FILE", help="One prompt a line.")
@click.option("--join-lines", is_flag=True, help="Make one prompt of all lines.")
@click.option("--no-think", is_flag=True, help="Ask a thinking model for an answer without thinking.")
@click.option(
    "--launches",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How often the engine is started.",
)
@click.option("--prompt-tokens", type=click.IntRange(0), metavar="N", help="llm_bench: prompt length [512].")
@click.option("--decode-tokens", type=click.IntRange(0), metavar="N", help="llm_bench: tokens decoded [128].")
@click.option("--repeats", type=click.IntRange(1, 1000), metavar="N", help="llm_bench: in one launch [5].")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="WHAT=N",
    help="End it on the phone: time=SECONDS, temp=CELSIUS, battery=PERCENT, space=MIB.",
)
@click.option(
    "--sample-hz",
    type=click.FloatRange(0.2, 10),
    default=1.0,
    show_default=True,
    help="How often the phone is sampled.",
)
@click.option(
    "--retries",
    type=click.IntRange(0, 10),
    default=1,
    show_default=True,
    help="Attempts after one that the phone or its cable ended.",
)
@click.option("--strict", is_flag=True, help="Refuse where this would only warn.")
@click.option("--detach", is_flag=True, help="Start it and leave it to the phone.")
@click.option("--json", "as_json", is_flag=True, help="Print the run record; of several phones one a line.")
def command(model: str, selectors: tuple[str, ...], *, as_json: bool, **asked: Any) -> None:
    """Run MODEL of the catalogue on phones and read its counters.

    The run goes on when the cable is pulled and when this command is killed: `devicehub runs` finds it again.
    The exit status is 0 when every run succeeded, 1 when one did not.
    """
    from devicehub.workloads.config import parse_overrides

    prompts = _prompts(asked)
    asked |= {"limits": parse_limits(asked["limits"]), "overrides": parse_overrides(asked["settings"])}

    async def run() -> list[Outcome | RunHeader | HubError]:
        from devicehub.hub import open_hub
        from devicehub.profiles.load import run_profile

        hub = await open_hub()
        for record in await hub.adopt():
            say(f"{record.device.serial}: collected run {record.id} of an earlier command: {record.state}")
        chosen = hub.models.get(model)
        profile = run_profile(asked["profile"], hub.home)
        pairs = [
            (_request(hub, chosen, device, asked, prompts=prompts, profile=profile), device)
            for device in await hub.select(selectors)
        ]
        if asked["detach"]:
            return [*await start_all(hub, pairs)]
        return [*await carry_all(hub, pairs, as_json=as_json)]

    finish(run_async(run()), as_json=as_json)


def _prompts(asked: Mapping[str, Any]) -> bytes:
    prompt, file, workload = asked["prompt"], asked["prompt_file"], asked["workload"]
    if workload == "bench":
        if prompt is not None or file is not None:
            raise click.UsageError("llm_bench takes no prompt; it makes its own of --prompt-tokens")
        return b""
    bench_only = [name for name in ("prompt_tokens", "decode_tokens", "repeats") if asked[name] is not None]
    if bench_only:
        raise click.UsageError(f"--{bench_only[0].replace('_', '-')} is for --workload bench")
    return read_prompts(prompt, file, join_lines=asked["join_lines"])


def _request(
    hub: Hub, model: Model, device: Device, asked: Mapping[str, Any], *, prompts: bytes, profile: RunProfile
) -> RunRequest:
    from devicehub.dispatch.request import RunRequest
    from devicehub.runs.retry import RetryPolicy
    from devicehub.settings import patience_s

    return RunRequest(
        run_id=hub.new_run_id(),
        engine=hub.engine_for(device, asked["engine"]),
        model=model,
        profile=profile,
        prompts=prompts,
        workload=asked["workload"],
        overrides=asked["overrides"],
        no_think=asked["no_think"],
        bench=_bench_options(asked) if asked["workload"] == "bench" else None,
        launches=asked["launches"],
        limits=asked["limits"],
        sample_hz=asked["sample_hz"],
        strict=asked["strict"],
        detach=asked["detach"],
        retries=RetryPolicy(retries=asked["retries"]),
        patience_s=patience_s(),
    )


def _bench_options(asked: Mapping[str, Any]) -> BenchOptions:
    from devicehub.workloads.llm_bench import BenchOptions

    options = {name: asked[name] for name in ("prompt_tokens", "decode_tokens", "repeats")}
    return BenchOptions(**{name: value for name, value in options.items() if value is not None})


def parse_limits(texts: Sequence[str]) -> Limits:
    """The limits of `--limit WHAT=N`; of a repeated one the last counts.

    Raises:
        InputError: it is no limit, or no whole number.
    """
    from devicehub.runner.contract import Limits

    values: dict[str, int] = {}
    for text in texts:
        what, equals, number = text.partition("=")
        if what not in _LIMITS or not equals or not (number.isascii() and number.isdecimal()):
            known = ", ".join(f"{name}={unit}" for name, (_, unit) in _LIMITS.items())
            raise InputError(f"--limit {text}", "is no limit", remedy=f"write one of {known}")
        field, _ = _LIMITS[what]
        values[field] = int(number) * (1000 if field == "temp_mc" else 1)
    return Limits(**values)


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
