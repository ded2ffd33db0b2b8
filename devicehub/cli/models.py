"""`devicehub models`: the hub's catalogue of MNN models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from devicehub.cli.at_hub import at_hub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.model import HolderView, LitterView, ModelView
    from devicehub.cli.at_hub import Place


_DELETE_S: Final = 600.0
"""Tens of gigabytes on a slow disk."""


@click.group("models")
def command() -> None:
    """Keep the catalogue of models: folders as llmexport writes them, left where they lie."""


@command.command("add", short_help="Check a folder and take it into the catalogue.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", help="Its name here and on phones; default: the folder's.")
@click.option("--no-fixture", is_flag=True, help="Do not ask it on this host what phones must answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def add_command(folder: Path, name: str | None, *, no_fixture: bool, as_json: bool, place: Place) -> None:
    """Check the model in DIR and take it into the catalogue; again after it changed.

    The files are hashed, not copied: the folder has to stay. Then the model answers a few prompts on this
    host; a phone whose answers are others gives no figure.
    """
    from devicehub.api.contract import MODEL_ADD, AddModel
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async

    params = AddModel(folder=str(folder.absolute()), name=name, fixture=not no_fixture)
    [result] = run_async(finish_jobs(place, MODEL_ADD, params))
    model = _read(result)
    if as_json:
        print_json(model)
    else:
        print(model.name)


@command.command("pull", short_help="Bring one from Hugging Face or ModelScope.")
@click.argument("source", metavar="SOURCE")
@click.option("--name", help="Its name here and on phones; default: the repository's.")
@click.option("--no-fixture", is_flag=True, help="Do not ask it on this host what phones must answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def pull_command(source: str, name: str | None, *, no_fixture: bool, as_json: bool, place: Place) -> None:
    """Bring SOURCE, hf:ORG/NAME or modelscope:ORG/NAME, to this host; @REVISION may follow.

    An MNN model (hf:taobao-mnn/..., modelscope:MNN/...) goes into the catalogue. A checkpoint is kept for
    `devicehub export`; its folder is printed. Every file is held against the hash that the hub tells, and
    what was cut is taken up by the next pull. Tokens are those of `hf auth login` and `ms-hub login`, mirrors
    those of HF_ENDPOINT and MODELSCOPE_ENDPOINT.
    """
    from devicehub.api.contract import MODEL_PULL, PullModel
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async, say
    from devicehub.units import format_bytes

    params = PullModel(source=source, name=name, fixture=not no_fixture)
    [result] = run_async(finish_jobs(place, MODEL_PULL, params))
    if as_json:
        print_json(result)
        return
    size, fetched = format_bytes(result["size"]), format_bytes(result["fetched"])
    say(f"{result['source']} at {result['revision'][:12]}: {size}, of which {fetched} came now")
    if result["model"] is not None:
        print(result["model"]["name"])
        return
    say("it is a checkpoint, which phones cannot load: export it with `devicehub export`")
    print(result["folder"])


@command.command("gc", short_help="Delete what was pulled or left over that nothing needs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only list it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: what is, or was, to go.")
@at_hub
def gc_command(*, yes: bool, dry_run: bool, as_json: bool, place: Place) -> None:
    """Delete pulled folders that no entry of the catalogue names, and what is half-made.

    That takes in checkpoints that were pulled for an export, and the parts of pulls that were cut: the next
    pull of those begins anew. Models that were added from elsewhere are never touched.
    """
    from devicehub.api.contract import MODEL_GC, MODEL_LITTER, Collect
    from devicehub.cli.exit_codes import ExitCode
    from devicehub.cli.output import print_json, say
    from devicehub.units import format_bytes

    found = place.ask(MODEL_LITTER)
    if dry_run or not found:
        _show_litter(found, as_json=as_json)
        if not found:
            say("nothing may go")
        return
    if not yes:
        _show_litter(found, as_json=False)
        size = format_bytes(sum(one.size for one in found))
        if not click.confirm(f"delete these {len(found)} ({size})?", default=False, err=True):
            say("nothing was deleted")
            raise SystemExit(ExitCode.FAILED)
    gone = place.ask(MODEL_GC, Collect(ids=[one.id for one in found]), timeout_s=_DELETE_S)
    if as_json:
        print_json(gone)
    say(f"deleted {len(gone)}: {format_bytes(sum(one.size for one in gone))}")


@command.command("watch", short_help="Take models in as they come to lie in a folder.")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--stop", is_flag=True, help="Watch DIR no longer; its models stay in the catalogue.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def watch_command(folder: Path | None, *, stop: bool, as_json: bool, place: Place) -> None:
    """Have the hub watch DIR, and take each model into the catalogue once it lies there whole.

    That goes on while the hub runs, and goes on with the next one. Without DIR, list the folders.
    """
    from devicehub.api.contract import MODEL_FOLDERS, MODEL_UNWATCH, MODEL_WATCH, WatchFolder
    from devicehub.cli.output import print_json, say

    if folder is None:
        if stop:
            raise click.UsageError("--stop needs DIR")
        folders = place.ask(MODEL_FOLDERS)
    else:
        method = MODEL_UNWATCH if stop else MODEL_WATCH
        folders = place.ask(method, WatchFolder(folder=str(folder.absolute())))
    if as_json:
        print_json(folders)
    elif folders:
        print("\n".join(folders))
    else:
        say("no folder is watched: devicehub models watch DIR")


@command.command("list", short_help="List them and whether they are as they were.")
@click.option("--phones", is_flag=True, help="Also ask the phones which of them they hold.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def list_command(*, phones: bool, as_json: bool, place: Place) -> None:
    """List the models, whether their files are as they were when added, and whether they have a fixture.

    Variants that were exported from one checkpoint stand together; the cosine is of a variant's logits with
    the checkpoint's. With --phones, phones that are ready are asked; of the others it is told what they held
    when they were asked last. `(other)` marks a phone that holds something else under the name.
    """
    from devicehub.api.contract import MODEL_HOLDERS, MODELS
    from devicehub.cli.output import print_table, say
    from devicehub.units import format_bytes

    models = place.ask(MODELS)
    holders = place.ask(MODEL_HOLDERS) if phones else []
    if as_json:
        _print_models(models, holders if phones else None)
        return
    if not models:
        say("no models yet: devicehub models add DIR, or devicehub models pull SOURCE")
        return
    models.sort(key=lambda model: (model.source or model.name, model.name))
    columns: dict[str, list[str | None]] = {
        "name": [model.name for model in models],
        "state": [model.state for model in models],
        "size": [format_bytes(model.size) for model in models],
        "fixture": ["yes" if model.fixture else "no" for model in models],
        "source": [model.source for model in models],
        "weights": [model.quant for model in models],
        "cosine": [None if model.cosine is None else f"{model.cosine:.4f}" for model in models],
        "phones": [_holders(model.name, holders) for model in models],
        "folder": [model.root for model in models],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    print_table(list(shown), list(zip(*shown.values(), strict=True)))
    for model in models:
        if model.fixture_reason is not None:
            say(f"{model.name}: no fixture: {model.fixture_reason}")


@command.command("check", short_help="Judge its files and settings; --fix mends what is safe.")
@click.argument("model", metavar="NAME|DIR")
@click.option("--fix", is_flag=True, help="Write what is safe to mend into its files, and say what.")
@click.option("--fixture", "anew", is_flag=True, help="Ask it again on this host what phones must answer.")
@click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="Hold it against their engines.")
@click.option("--engine", metavar="ID", help="Hold it against this engine.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def check_command(
    model: str,
    *,
    fix: bool,
    anew: bool,
    selectors: tuple[str, ...],
    engine: str | None,
    as_json: bool,
    place: Place,
) -> None:
    """Judge a model: one of the catalogue, whose files are hashed anew, or any folder.

    Told is what MNN would make of config.json, llm_config.json and the files beside them: what it drops
    without a word, what crashes it or garbles its answers, what it ignores, what is missing or cut. --fix
    removes comments and trailing commas, replaces deprecated keys and the like; keys keep their order, and
    what a person must decide stays.

    With --fixture the model also answers its prompts anew on this host, in place of what it answered before.
    The exit status is 1 where a file has changed, an error was found, or it cannot answer.
    """
    from devicehub.api.contract import MODEL_CHECK, CheckModel
    from devicehub.cli.engine_view import show_findings
    from devicehub.cli.exit_codes import ExitCode
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async, terminal_width

    folder = Path(model).expanduser()
    is_path = folder.name != model or folder.is_dir()
    params = CheckModel(
        name=model,
        folder=str(folder.absolute()) if is_path else None,
        fixture=anew,
        fix=fix,
        selectors=list(selectors),
        engine=engine,
    )
    [result] = run_async(finish_jobs(place, MODEL_CHECK, params))
    told = {key: result[key] for key in ("place", "ok", "problems", "findings", "mended")}
    if as_json:
        print_json({**(result["model"] or {}), **told})
    else:
        _show_check(result)
        root = f"{result['place']}/"
        findings = [{**one, "place": one["place"].removeprefix(root)} for one in result["findings"]]
        show_findings(findings, terminal_width())
    if not result["ok"]:
        raise SystemExit(ExitCode.FAILED)


@command.command("remove", short_help="Forget one; what was pushed stays on the phones.")
@click.argument("model")
@at_hub
def remove_command(model: str, *, place: Place) -> None:
    """Forget MODEL; its folder stays, and what was pushed stays on the phones."""
    from devicehub.api.contract import MODEL_REMOVE, Named
    from devicehub.cli.output import say

    say(f"removed {place.ask(MODEL_REMOVE, Named(name=model)).name}")


def _read(result: Mapping[str, Any]) -> ModelView:
    import msgspec

    from devicehub.api.model import ModelView

    return msgspec.convert(result["model"], ModelView)


def _holders(name: str, holders: Sequence[HolderView]) -> str | None:
    held = [one for one in holders if one.model == name]
    return ", ".join(one.device if one.same else f"{one.device} (other)" for one in held) or None


def _print_models(models: Sequence[ModelView], holders: Sequence[HolderView] | None) -> None:
    import msgspec

    from devicehub.cli.output import print_json

    if holders is None:
        print_json(models)
        return
    documents = []
    for model in models:
        held = [one for one in holders if one.model == model.name]
        documents.append({**msgspec.to_builtins(model), "phones": msgspec.to_builtins(held)})
    print_json(documents)


def _show_litter(found: Sequence[LitterView], *, as_json: bool) -> None:
    from devicehub.cli.output import print_json, print_table
    from devicehub.units import format_bytes

    if as_json:
        print_json(found)
    elif found:
        kinds = {"part": "not whole", "model": "model", "checkpoint": "checkpoint", "file": "left over"}
        rows = [[kinds[one.kind], format_bytes(one.size), one.source, one.path] for one in found]
        print_table(("kind", "size", "source", "path"), rows)


def _show_check(result: Mapping[str, Any]) -> None:
    """Print one line that sums it up."""
    found = None if result["model"] is None else _read(result)
    name = result["place"] if found is None else found.name
    parts = [] if found is None else [_summary(found, result["problems"])]
    kinds = [one["severity"] for one in result["findings"]]
    counts = {kind: kinds.count(kind) for kind in kinds}
    told = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()]
    if told or not result["problems"]:
        parts.append(", ".join(told) or "nothing is wrong with its settings")
    print(f"{name}: {'; '.join(parts)}")


def _summary(model: ModelView, problems: Sequence[str]) -> str:
    files = f"{len(model.files)} files"
    if problems:
        return f"{len(problems)} of {files} changed"
    fixture = model.fixture
    if fixture is None:
        return f"{files} as they were when added; no fixture: {model.fixture_reason}"
    return (
        f"{files} as they were when added; fixture of {fixture['prompts']} prompts "
        f"({fixture['engine']}, source {fixture['source']})"
    )
