"""`devicehub profiles`: list, show and check the TOML files that hold what is data, not code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.exit_codes import ExitCode
from devicehub.errors import InputError
from devicehub.profiles.load import (
    Located,
    Problem,
    check_file,
    did_you_mean,
    find_profiles,
    load_file,
    summary_of,
)
from devicehub.profiles.schema import KINDS
from devicehub.settings import find_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.api.contract import SettleProfile
    from devicehub.cli.at_hub import Place

_SETTLE_S: Final = 60.0


@click.group("profiles")
def command() -> None:
    """List, show and check profiles: what is known of SoCs, how to run models.

    Your own lie under $DEVICEHUB_HOME/profiles/KIND; one there stands in for the packaged one of its name.
    """


@command.command("list")
@click.argument("kind", required=False, type=click.Choice(sorted(KINDS)))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_command(kind: str | None, *, as_json: bool) -> None:
    """List profiles, of one KIND or all."""
    from devicehub.cli.output import print_json, print_table, terminal_width

    home = find_home()
    located = [
        profile
        for name in ([kind] if kind else sorted(KINDS))
        for profile in find_profiles(name, home).values()
    ]
    entries = [_entry(profile) for profile in located]
    if as_json:
        print_json(entries)
    else:
        keys = ("kind", "id", "origin", "summary")
        print_table(keys, [[entry[key] for key in keys] for entry in entries], room=terminal_width())


@command.command("show", short_help="Print one, or what it comes to on a phone.")
@click.argument("name")
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="What it comes to on this phone.")
@click.option("--model", metavar="MODEL", help="Whose own values stand below; with --on.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="As of a run; with --on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def show_command(
    name: str,
    selectors: tuple[str, ...],
    model: str | None,
    overrides: tuple[str, ...],
    *,
    as_json: bool,
    place: Place,
) -> ExitCode:
    """Print the profile NAME, or KIND/NAME where two kinds have one of that name.

    With --on, of a run profile: the config.json that it makes on that phone, where each value comes from (the
    model, the profile, the phone, --set), and why it is so.
    """
    from devicehub.api.contract import SettleProfile
    from devicehub.workloads.config import parse_overrides

    if selectors:
        params = SettleProfile(
            profile=name.removeprefix("runs/"),
            selectors=list(selectors),
            model=model,
            overrides=parse_overrides(overrides),
        )
        return _show_settled(params, place, as_json=as_json)
    if model is not None or overrides:
        raise click.UsageError("--model and --set go with --on")
    _show_file(name, as_json=as_json)
    return ExitCode.OK


def _show_settled(params: SettleProfile, place: Place, *, as_json: bool) -> ExitCode:
    from devicehub.api.contract import PROFILE_SETTLE
    from devicehub.cli.output import print_json, print_table, say, terminal_width
    from devicehub.cli.profile_view import settled_notes, settled_rows

    view = place.ask(PROFILE_SETTLE, params, timeout_s=_SETTLE_S)
    if as_json:
        print_json(view)
    else:
        width = terminal_width()
        below = f" over {view.model}" if view.model else ""
        click.echo(f"# {view.profile} on {view.serial}{below}")
        print_table(("key", "value", "from"), settled_rows(view), room=width)
        for line in settled_notes(view, width):
            click.echo(line)
    if view.refused is not None:
        say(f"devicehub: {view.refused}")
        return ExitCode.FAILED
    return ExitCode.OK


def _show_file(name: str, *, as_json: bool) -> None:
    from devicehub.cli.output import print_json

    profile = _find(name)
    if as_json:
        print_json({**_entry(profile), "profile": load_file(profile.path, KINDS[profile.kind])})
        return
    load_file(profile.path, KINDS[profile.kind])
    click.echo(f"# {profile.path}")
    click.echo(profile.path.read_text(encoding="utf-8"), nl=False)


@command.command("check", short_help="List all that is wrong with profiles.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check_command(files: tuple[Path, ...], *, as_json: bool) -> ExitCode:
    """Check FILES, or every profile there is, and list all that is wrong with them.

    A file's kind is the name of the folder that it lies in.
    """
    from devicehub.cli.output import print_json, say

    problems: list[Problem] = []
    profiles = [_given(path) for path in files] if files else list(_all_profiles(problems))
    for profile in profiles:
        problems += check_file(profile.path, KINDS[profile.kind])[1]
    if as_json:
        print_json([_problem_entry(problem) for problem in problems])
    else:
        for problem in problems:
            click.echo(str(problem))
    say(f"{len(profiles)} profiles checked, {len(problems) or 'no'} problems")
    return ExitCode.FAILED if problems else ExitCode.OK


@command.command("schema", short_help="Print the JSON Schema of one kind.")
@click.argument("kind", type=click.Choice(sorted(KINDS)))
def schema_command(kind: str) -> None:
    """Print what profiles of KIND may hold as a JSON Schema, for an editor that checks TOML by one."""
    from devicehub.cli.output import print_json
    from devicehub.profiles.json_schema import profile_schema

    print_json(profile_schema(kind))


def _entry(profile: Located) -> dict[str, Any]:
    return {
        "kind": profile.kind,
        "id": profile.id,
        "summary": summary_of(profile),
        "origin": "own" if profile.own else "packaged",
        "file": str(profile.path),
    }


def _problem_entry(problem: Problem) -> dict[str, Any]:
    return {
        "file": str(problem.file),
        "key": problem.key,
        "line": problem.line,
        "problem": problem.problem,
    }


def _find(name: str) -> Located:
    kind, slash, id_ = name.rpartition("/")
    home = find_home()
    known = {
        f"{profile.kind}/{profile.id}": profile
        for each in sorted(KINDS)
        for profile in find_profiles(each, home).values()
    }
    hits = [
        profile
        for profile in known.values()
        if profile.id == id_.lower() and (not slash or profile.kind == kind)
    ]
    if len(hits) > 1:
        raise InputError(name, "stands for several profiles", remedy=f"write {hits[0].kind}/{id_}")
    if not hits:
        close = did_you_mean(name, known) or did_you_mean(id_, [profile.id for profile in known.values()])
        raise InputError(name, f"there is no such profile{close}", remedy="see `devicehub profiles list`")
    return hits[0]


def _given(path: Path) -> Located:
    if path.is_dir():
        raise InputError(path, "is a folder", remedy="name the files in it, or none to check all profiles")
    if not path.exists():
        raise InputError(path, "there is no such file", remedy="check the path")
    kind = path.absolute().parent.name
    if kind not in KINDS or path.suffix != ".toml":
        raise InputError(
            path, "is no profile", remedy=f"a profile lies in {'/ or '.join(KINDS)}/ and ends in .toml"
        )
    return Located(kind, path.stem, path, own=True)


def _all_profiles(problems: list[Problem]) -> Iterator[Located]:
    """Every profile; files of the user's that no kind would read are added to the problems."""
    home = find_home()
    for kind in sorted(KINDS):
        yield from find_profiles(kind, home).values()
    problems += _stray_problems(home.profiles)


def _stray_problems(folder: Path) -> Sequence[Problem]:
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in KINDS and path.is_dir():
            problems.append(Problem(path, None, None, "no kind of profile" + did_you_mean(path.name, KINDS)))
        elif path.suffix == ".toml":
            problems.append(
                Problem(path, None, None, f"lies in no folder of {', '.join(KINDS)}: it is not read")
            )
    return problems
