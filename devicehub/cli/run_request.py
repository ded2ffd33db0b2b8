"""From the options of `devicehub run` and `compare` to what is asked of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from devicehub.cli.at_hub import named_phones
from devicehub.errors import InputError
from devicehub.files import read_file
from devicehub.units import MIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.cli.at_hub import Place
    from devicehub.runs.ask import RunAsk
    from devicehub.workloads.suite import Suite

_LIMITS: Final = {
    "time": ("wall_s", "SECONDS"),
    "temp": ("temp_mc", "CELSIUS"),
    "battery": ("battery_percent", "PERCENT"),
    "space": ("free_mib", "MIB"),
}
_SAME_NAME: Final = (
    "workload", "engine", "profile", "protocol", "gate", "launches", "prompt_tokens", "decode_tokens",
    "repeats", "join_lines", "no_think", "sample_hz", "retries", "steady", "energy", "measure_cost",
    "verify_output", "strict",
)  # fmt: skip
"""The options that are fields of `RunAsk` as they are."""
_MOST_EVAL_BYTES: Final = MIB - 64 * 1024
"""Of the files of workload eval, as JSON: a request to the hub holds a MiB."""
START_S: Final = 90.0
"""How long the hub may take to check what it is asked; it may have to look at the phones first."""


def make_ask(
    model: str,
    selectors: Sequence[str],
    options: Mapping[str, Any],
    place: Place,
) -> RunAsk:
    """What the options ask for.

    Args:
        model: a name of the catalogue.
        selectors: the words after `--on`; without any, the phone that ANDROID_SERIAL names is meant.
        options: as click gives them, by name.
        place: the hub; one elsewhere is given what files hold, not their paths.

    Raises:
        UsageError: a setting or a limit that is none, two prompts or none where the workload takes some.
        InputError: a file cannot be read, or files hold more than the hub takes at once.
        ConfigError: the suite is wrong.
    """
    from devicehub.runs.ask import RunAsk
    from devicehub.settings import patience_s

    prompt, file, suite = options["prompt"], options["prompt_file"], options["suite"]
    given = sum(said is not None for said in (prompt, file, suite))
    if given > 1 or (options["workload"] == "demo" and not given):
        raise click.UsageError("give either --prompt TEXT or --prompt-file FILE, or --suite FILE")
    return RunAsk(
        model=model,
        selectors=tuple(named_phones(selectors)),
        spread="any" if options.get("any_phone") else "each",
        start_below_c=options.get("cooler_than"),
        overrides=dict(read_settings(options["settings"])),
        limits=parse_limits(options["limits"]),
        prompt=prompt,
        prompts_file=str(file.absolute()) if file is not None and place.url is None else None,
        prompts=_read_prompts(file) if file is not None and place.url is not None else None,
        suite=_read_suite(suite) if suite is not None else None,
        **_read_eval(options.get("eval_files", ()), options.get("perplexity")),
        media_folder=_media_folder(prompt, file) if options["workload"] == "demo" and not place.url else None,
        patience_s=patience_s(),
        **{name: options[name] for name in _SAME_NAME if name in options},
    )


def check_here(ask: RunAsk, place: Place, *, comparing: bool = False) -> None:
    """Check what is asked of this user's own hub before that is started for it.

    Raises:
        AskError: things that do not go together.
        InputError: a prompt or a protocol that cannot be used.
    """
    from devicehub.dispatch import comparing as comparisons
    from devicehub.dispatch.asking import DEFAULT_PROTOCOLS, check_ask
    from devicehub.settings import find_home

    if place.url is None:
        protocols = comparisons.DEFAULT_PROTOCOLS if comparing else DEFAULT_PROTOCOLS
        check_ask(ask, find_home(), protocols=protocols)


def _read_prompts(file: Path) -> str:
    try:
        return read_file(file, remedy="give a text file").decode()
    except UnicodeDecodeError:
        raise InputError(str(file), "is not UTF-8", remedy="save the file as UTF-8") from None


def _read_suite(file: Path) -> Suite:
    from devicehub.workloads.suite_file import read_suite

    return read_suite(_read_prompts(file), file)


def _read_eval(files: Sequence[Path], text: Path | None) -> dict[str, Any]:
    """The fields of workload eval.

    Raises:
        UsageError: two files have one name.
        InputError: one cannot be read, or all together are too large.
    """
    if not files and text is None:
        return {}
    found: dict[str, str] = {}
    for file in files:
        if file.name in found:
            raise click.UsageError(
                f"--eval-file: two files are called {file.name}; results could not tell them"
            )
        found[file.name] = _read_prompts(file)
    perplexity = _read_prompts(text) if text is not None else None
    size = len(msgspec.json.encode((found, perplexity)))
    if size > _MOST_EVAL_BYTES:
        raise InputError(
            "the files of workload eval",
            f"hold {format_bytes(size)} together, and the hub takes {format_bytes(_MOST_EVAL_BYTES)} at once",
            remedy="make several runs of them, or shorten the text",
        )
    return {"eval_files": found, "perplexity_text": perplexity}


def _media_folder(prompt: str | None, file: Path | None) -> str | None:
    """Where the pictures and sounds lie that the prompts name; None where they cannot name any."""
    if file is None and (prompt is None or "</" not in prompt):
        return None
    return str((file.parent if file else Path()).absolute())


def read_settings(texts: Sequence[str]) -> Mapping[str, Any]:
    """The configuration that `--set KEY=VALUE` asks for.

    Raises:
        UsageError: one of them is not key=value.
    """
    from devicehub.workloads.config import parse_overrides

    try:
        return parse_overrides(texts)
    except InputError as error:
        raise click.UsageError(str(error)) from error


def parse_limits(texts: Sequence[str]) -> dict[str, int]:
    """The limits of `--limit WHAT=N`, by the names that the agent has for them; of a repeated one the last.

    Raises:
        UsageError: it is no limit, no whole number, or no time at all.
    """
    values: dict[str, int] = {}
    for text in texts:
        what, equals, number = text.partition("=")
        if what not in _LIMITS or not equals or not (number.isascii() and number.isdecimal()):
            known = ", ".join(f"{name}={unit}" for name, (_, unit) in _LIMITS.items())
            raise click.UsageError(f"--limit {text}: is no limit; write one of {known}, in whole numbers")
        if what == "time" and int(number) == 0:
            raise click.UsageError("--limit time=0: leaves no time to run in")
        field, _ = _LIMITS[what]
        values[field] = int(number) * (1000 if field == "temp_mc" else 1)
    return values
