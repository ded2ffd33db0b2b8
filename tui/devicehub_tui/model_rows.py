"""The catalogue's rows, variants of one source together, and the lines about one. Knows no Textual."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from devicehub.units import format_bytes
from devicehub_tui import format as show
from devicehub_tui.columns import Field, Row
from devicehub_tui.run_lines import fact, heading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.model import EngineView, HolderView, LastFigures, ModelView
    from devicehub_tui.format import Cell
    from devicehub_tui.run_lines import Lines

FIELDS: Final = (
    Field("kind", "kind", 0, 6),
    Field("name", "name", 1, 20, 40),
    Field("state", "state", 2, 10),
    Field("size", "size ", 3, 10, right=True),
    Field("weights", "weights", 4, 16, 20),
    Field("phones", "phones", 5, 6, right=True),
    Field("cosine", "cosine", 6, 6, right=True),
    Field("about", "about", 7, 14, 34),
    Field("id", "id", 8, 22, 40),
)
_LOW_COSINE: Final = 0.9
"""What an export at 4 bits must reach."""


def rows_of(
    models: Mapping[str, ModelView], engines: Mapping[str, EngineView], words: str, *, by_size: bool
) -> list[Row]:
    """What is shown, in its order.

    Args:
        models: by row key.
        engines: by row key.
        words: each must be in what a thing is called; a model's source and recipe count.
        by_size: the largest first; else by name, variants of one source under a title.
    """
    everything: dict[str, ModelView | EngineView] = {**models, **engines}
    wanted = words.lower().split()
    shown = [key for key in everything if _matches(key, models.get(key), wanted)]
    if by_size:
        return [Row(key) for key in sorted(shown, key=lambda key: -everything[key].size)]
    counts = Counter(models[key].source for key in shown if key in models)
    groups: dict[str, list[str]] = {}
    for key in shown:
        source = models[key].source if key in models else None
        group = f"source {source}" if source is not None and counts[source] > 1 else key
        groups.setdefault(group, []).append(key)
    rows: list[Row] = []
    for group in sorted(groups, key=lambda name: (name.startswith("engine "), _plain(name))):
        keys = sorted(groups[group], key=_plain)
        if len(keys) > 1:
            rows.append(Row(group, f"{_name(group)}: {show.some(len(keys), 'variant')}"))
        rows += [Row(key) for key in keys]
    return rows


def variants_of(models: Mapping[str, ModelView], group: str) -> list[ModelView]:
    """The models under a title, the smallest first."""
    return sorted((one for one in models.values() if one.source == _name(group)), key=lambda one: one.size)


def model_cells(model: ModelView, holders: Sequence[HolderView] | None) -> dict[str, Cell]:
    """A model's cells by column.

    Args:
        model: of the catalogue.
        holders: of all models; None while nobody was asked.
    """
    fixture = "has a fixture" if model.fixture else (model.fixture_reason or "no fixture")
    held = [one for one in holders or () if one.model == model.name]
    others = any(one.same is False for one in held)
    return {
        "kind": ("model", "busy"),
        "name": (model.name, ""),
        "state": _state(model),
        "size": (f"{format_bytes(model.size)} ", ""),
        "weights": (_weights(model), "dim"),
        "phones": show.NONE if holders is None else (f"{len(held)}{'!' if others else ' '}", _held(others)),
        "cosine": _cosine(model),
        "about": (fixture, "dim"),
        "id": (model.id, "dim"),
    }


def engine_cells(engine: EngineView) -> dict[str, Cell]:
    """An engine's cells by column."""
    return {
        "kind": ("engine", "figure"),
        "name": (engine.name, ""),
        "state": ("✓ ready", "good"),
        "size": (f"{format_bytes(engine.size)} ", ""),
        "weights": ("", ""),
        "phones": ("", ""),
        "cosine": ("", ""),
        "about": (f"{engine.abi} {engine.version or ''}".strip(), "dim"),
        "id": (engine.id, "dim"),
    }


def model_lines(
    model: ModelView,
    holders: Sequence[HolderView] | None,
    names: Mapping[str, str],
    last: Mapping[str, LastFigures],
) -> Lines:
    """What is known of a model.

    Args:
        model: of the catalogue.
        holders: of all models; None while nobody was asked.
        names: what to call each phone.
        last: the newest figures of each phone.
    """
    origin = [f"exported from {model.source}" if model.source else "", model.pulled or ""]
    recipe = f"recipe {model.recipe}" if model.recipe else ""
    cosine, meaning = _cosine(model)
    rows: list[tuple[str, str, show.Meaning]] = [
        ("from", ", ".join(part for part in (*origin, recipe) if part), ""),
        ("weights", _weights(model), ""),
        ("cosine", f"{cosine} of its logits with the source's" if model.cosine is not None else "", meaning),
        ("phones", _phones(model, holders, names), ""),
        ("fidelity", _fidelity(model, names, last), ""),
        ("fixture", "answers are known" if model.fixture else model.fixture_reason or "none", ""),
        ("files", f"{show.some(len(model.files), 'file')}, {format_bytes(model.size)}", ""),
        ("folder", model.root, ""),
        ("SHA-256", model.sha256[:16], ""),
    ]
    lines: Lines = [heading(model.name)]
    lines += [[("! ", "warn"), (warning, "")] for warning in model.warnings]
    lines += [fact(label, value, tone) for label, value, tone in rows if value]
    return lines


def group_lines(group: str, models: Mapping[str, ModelView]) -> Lines:
    """The variants of one source beside each other, the smallest first."""
    found = variants_of(models, group)
    width = max((len(one.name) for one in found), default=0)
    lines: Lines = [heading(f"variants of {_name(group)}")]
    for one in found:
        cosine, meaning = _cosine(one)
        lines.append(
            [
                (f"{one.name:<{width}}  {format_bytes(one.size):>10}  ", ""),
                (f"{cosine:>6}  ", meaning),
                (_weights(one), "dim"),
            ]
        )
    return lines


def engine_lines(engine: EngineView) -> Lines:
    """What is known of an engine."""
    logcat = {True: "into the phone's log", False: "to stdout", None: "not known where"}[engine.logcat]
    rows = (
        ("programs", ", ".join(engine.programs)),
        ("ABI", engine.abi),
        ("version", engine.version or ""),
        ("prints", logcat),
        ("pages", f"{engine.page_align // 1024} KiB" if engine.page_align else ""),
        ("from", engine.origin or ""),
        ("SHA-256", engine.sha256[:16]),
    )
    return [heading(engine.id), *(fact(label, value) for label, value in rows if value)]


def _matches(key: str, model: ModelView | None, wanted: Sequence[str]) -> bool:
    text = f"{key} {model.source or ''} {model.recipe or ''}" if model is not None else key
    return all(word in text.lower() for word in wanted)


def _plain(key: str) -> str:
    return _name(key).lower()


def _name(key: str) -> str:
    return key.partition(" ")[2]


def _weights(model: ModelView) -> str:
    return model.quant or ""


def _state(model: ModelView) -> Cell:
    if model.state == "ok":
        return ("! warnings", "warn") if model.warnings else ("✓ ready", "good")
    return (f"✗ {model.state}", "bad")


def _held(others: bool) -> show.Meaning:
    return "warn" if others else ""


def _cosine(model: ModelView) -> Cell:
    if model.cosine is None:
        return show.NONE
    return (f"{model.cosine:.4f}", "good" if model.cosine >= _LOW_COSINE else "warn")


def _phones(model: ModelView, holders: Sequence[HolderView] | None, names: Mapping[str, str]) -> str:
    if holders is None:
        return "not asked yet"
    held = [one for one in holders if one.model == model.name]
    said = [
        f"{names.get(one.device, one.device)}{'' if one.same else ' (holds another of this name)'}"
        for one in held
    ]
    return ", ".join(said) or "none of those that were asked holds it"


def _fidelity(model: ModelView, names: Mapping[str, str], last: Mapping[str, LastFigures]) -> str:
    said = [
        f"{show.fidelity(figures)[0].strip()} {names.get(device, device)}"
        for device, figures in last.items()
        if figures.model == model.name and figures.fidelity is not None
    ]
    return ", ".join(said)
