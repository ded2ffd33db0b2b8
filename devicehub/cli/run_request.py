"""From the options of `devicehub run` to what is asked of each phone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.device.model import Device
    from devicehub.dispatch.request import MediaFile, RunRequest
    from devicehub.hub import Hub
    from devicehub.models.catalog import Model
    from devicehub.profiles.load import RunProfile
    from devicehub.runner.contract import Limits
    from devicehub.workloads.llm_bench import BenchOptions
    from devicehub.workloads.mnn_chat_plan import AppPlan

_MOST_MEDIA_MIB: Final = 512
_BENCH_ONLY: Final = ("prompt_tokens", "decode_tokens", "repeats")
_LIMITS: Final = {
    "time": ("wall_s", "SECONDS"),
    "temp": ("temp_mc", "CELSIUS"),
    "battery": ("battery_percent", "PERCENT"),
    "space": ("free_mib", "MIB"),
}


@dataclass(frozen=True)
class Asked:
    """What the options say, checked as far as no phone is needed.

    Attributes:
        options: as click gives them, by name.
        prompts: the prompt file to send; empty where none was given.
        media: the files of this host that they name.
    """

    options: Mapping[str, Any]
    prompts: bytes
    media: Mapping[str, MediaFile]
    overrides: Mapping[str, Any]
    limits: Limits

    @property
    def workload(self) -> str:
        """The workload's name."""
        return str(self.options["workload"])


def check_options(options: Mapping[str, Any]) -> Asked:
    """Check the options.

    Raises:
        UsageError: options that do not go together, or a limit that is none.
        InputError: a prompt or a setting that cannot be used.
    """
    from devicehub.workloads.config import parse_overrides

    workload, prompt, file = options["workload"], options["prompt"], options["prompt_file"]
    if workload == "custom" and options["profile"] is None:
        raise click.UsageError("--workload custom needs --profile, a profile that says what to start")
    if workload != "bench" and (given := [name for name in _BENCH_ONLY if options[name] is not None]):
        raise click.UsageError(f"--{given[0].replace('_', '-')} is for --workload bench")
    if workload == "bench" and (prompt is not None or file is not None):
        raise click.UsageError("llm_bench takes no prompt; it makes its own of --prompt-tokens")
    if workload == "app" and options["engine"] is not None:
        raise click.UsageError("MnnLlmChat brings its own engine; leave --engine out")
    prompts = b""
    if workload == "demo" or prompt is not None or file is not None:
        prompts = read_prompts(prompt, file, join_lines=options["join_lines"])
    media = read_media(prompts, file.parent if file else Path()) if workload == "demo" else {}
    return Asked(
        options, prompts, media, parse_overrides(options["settings"]), parse_limits(options["limits"])
    )


def make_request(
    hub: Hub, model: Model, device: Device, asked: Asked, *, profile: RunProfile | None
) -> RunRequest:
    """What is asked of one phone."""
    from devicehub.dispatch.request import RunRequest
    from devicehub.runs.retry import RetryPolicy
    from devicehub.settings import patience_s

    options, workload = asked.options, asked.workload
    is_app = workload == "app"
    return RunRequest(
        run_id=hub.new_run_id(),
        engine=None if is_app else hub.engine_for(device, options["engine"]),
        model=model,
        profile=profile,
        prompts=asked.prompts,
        media=asked.media,
        workload=workload,
        overrides=asked.overrides,
        no_think=options["no_think"],
        bench=_bench_options(options) if workload == "bench" else None,
        app=_app_plan(model, asked) if is_app else None,
        custom=profile.custom if profile else None,
        launches=options["launches"],
        limits=asked.limits,
        sample_hz=options["sample_hz"],
        strict=options["strict"],
        detach=options["detach"],
        retries=RetryPolicy(retries=options["retries"]),
        patience_s=patience_s(),
    )


def load_profile(hub: Hub, asked: Asked) -> RunProfile | None:
    """The run profile; None for the app, which reads the model's own configuration.

    Raises:
        UsageError: it is for another workload, or takes no prompts where there are some, or the reverse.
    """
    from devicehub.profiles.load import run_profile

    if asked.workload == "app":
        return None
    profile = run_profile(asked.options["profile"] or "default", hub.home)
    if profile.custom is None:
        if asked.workload == "custom":
            raise click.UsageError(
                f"profile {profile.id} names no command, so it is not for --workload custom"
            )
    elif asked.workload != "custom":
        raise click.UsageError(f"profile {profile.id} names a command of its own; give --workload custom")
    elif profile.custom.takes_prompts and not asked.prompts:
        raise click.UsageError(
            f"profile {profile.id} takes a prompt; give --prompt TEXT or --prompt-file FILE"
        )
    elif asked.prompts and not profile.custom.takes_prompts:
        raise click.UsageError(
            f"the command of profile {profile.id} takes no prompt: it names no {{prompts}}"
        )
    return profile


def _app_plan(model: Model, asked: Asked) -> AppPlan:
    from devicehub.deploy.targets import model_target
    from devicehub.workloads.mnn_chat_plan import AppPlan, plan_benchmark, plan_prompts

    benchmark = plan_benchmark(
        profile=asked.options["profile"], overrides=asked.overrides, has_prompts=bool(asked.prompts)
    )
    return AppPlan(
        model_dir=model_target(model).directory,
        model_name=model.name,
        prompts=plan_prompts(asked.prompts),
        benchmark=benchmark,
    )


def _bench_options(options: Mapping[str, Any]) -> BenchOptions:
    from devicehub.workloads.llm_bench import BenchOptions

    given = {name: options[name] for name in _BENCH_ONLY if options[name] is not None}
    return BenchOptions(**given)


def parse_limits(texts: Sequence[str]) -> Limits:
    """The limits of `--limit WHAT=N`; of a repeated one the last counts.

    Raises:
        UsageError: it is no limit, no whole number, or no time at all.
    """
    from devicehub.runner.contract import Limits

    values: dict[str, int] = {}
    for text in texts:
        what, equals, number = text.partition("=")
        if what not in _LIMITS or not equals or not (number.isascii() and number.isdecimal()):
            known = ", ".join(f"{name}={unit}" for name, (_, unit) in _LIMITS.items())
            raise click.UsageError(f"--limit {text}: is no limit; write one of {known}")
        if what == "time" and int(number) == 0:
            raise click.UsageError("--limit time=0: leaves no time to run in")
        field, _ = _LIMITS[what]
        values[field] = int(number) * (1000 if field == "temp_mc" else 1)
    return Limits(**values)


def read_media(prompts: bytes, folder: Path) -> dict[str, MediaFile]:
    """The files that the prompts name, by their paths as they stand there; the engine fetches URLs itself.

    Raises:
        InputError: one of them cannot be read.
    """
    from devicehub.cli.files import read_file
    from devicehub.dispatch.request import MediaFile
    from devicehub.workloads.media import find_tags, phone_name

    found: dict[str, MediaFile] = {}
    for tag in find_tags(prompts):
        if not tag.is_url and tag.path not in found:
            content = read_file(
                folder / tag.path, remedy=f"the prompt names it in <{tag.kind}>", most_mib=_MOST_MEDIA_MIB
            )
            found[tag.path] = MediaFile(phone_name(tag, content), content)
    return found


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
