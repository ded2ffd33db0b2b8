"""Two runs side by side as lines: what differs, then the ratios or the refusal. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub_tui import format as show
from devicehub_tui.run_lines import heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.api.contract import Comparison, Facet, Figure
    from devicehub.api.model import RunView
    from devicehub_tui.format import Cell
    from devicehub_tui.run_lines import Lines

_LABEL: Final = 20
_NAMES: Final = {"prefill_tok_s": "prefill tok/s", "decode_tok_s": "decode tok/s", "load_ms": "load ms"}
_CONCLUSIONS: Final[dict[str | None, Cell]] = {
    "faster": ("▲ B is faster", "good"),
    "slower": ("▼ B is slower", "bad"),
    "no_difference": ("= no difference that matters", "dim"),
    "inconclusive": ("? inconclusive", "warn"),
    None: ("no claim", "dim"),
}


def side_by_side(a: RunView, b: RunView, width: int) -> Lines:
    """What both runs are, differences marked; as wide as there is room."""
    column = max(12, (width - _LABEL - 4) // 2)
    rows = (
        ("run", a.id, b.id),
        ("phone", a.product or a.serial or "-", b.product or b.serial or "-"),
        ("model", a.model, b.model),
        ("engine", a.engine or "-", b.engine or "-"),
        ("profile", a.profile or "-", b.profile or "-"),
        ("kind", a.workload, b.workload),
        ("protocol", a.protocol or "-", b.protocol or "-"),
        ("launches", str(a.launches or "-"), str(b.launches or "-")),
        ("ended", show.verdict(a)[0], show.verdict(b)[0]),
        ("prefill tok/s", _figure(a.prefill_tok_s, a), _figure(b.prefill_tok_s, b)),
        ("decode tok/s", _figure(a.decode_tok_s, a), _figure(b.decode_tok_s, b)),
        ("fidelity", _share(a.fidelity), _share(b.fidelity)),
    )
    head: list[Cell] = [
        (" " * (_LABEL + 2), ""),
        (_cell("A", column), "title"),
        (_cell("B", column), "title"),
    ]
    return [head, *(_row(label, left, right, column) for label, left, right in rows)]


def _figure(value: float | None, run: RunView) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}{' virtual' if run.virtual else ''}{' ?' if run.trusted is False else ''}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{int(value * 1000 + 1e-9) / 10:g} %"


def _row(label: str, a: str, b: str, column: int) -> list[Cell]:
    differs = a != b and label != "run"
    return [
        ("≠ " if differs else "  ", "warn"),
        (f"{label:<{_LABEL}}", "dim"),
        (_cell(a, column), "title" if differs else ""),
        (_cell(b, column), "title" if differs else ""),
    ]


def _cell(text: str, column: int) -> str:
    return f"{text if len(text) < column else text[: column - 2] + '…':<{column}}"


_ONE_FACTOR: Final = "Only one of engine, model, profile and phone may differ"


def outcome(found: Comparison, width: int) -> Lines:
    """What they say of each other, or the refusal with its reasons."""
    if found.unlike:
        allowed = f"Only the {found.by} may differ" if found.by else _ONE_FACTOR
        return [
            heading("Refused"),
            [("✗ They are unlike, so nothing is concluded. ", "bad"), (f"{allowed}; here does:", "")],
            *_facets(found.unlike, width),
            *_titled("Differs as well", found.shown, width),
        ]
    lines: Lines = [heading(f"B beside A{f', by {found.by}' if found.by else ''}")]
    if found.figures:
        titles = f"  {'':<{_LABEL}}{'B / A':<7}{'95 % interval' if found.paired else ''}"
        lines.append([(titles, "dim")])
    for name, figure in found.figures.items():
        lines.append(_figure_line(_NAMES.get(name, name), figure))
    if not found.figures:
        lines.append([("neither run has a figure", "dim")])
    if found.paired:
        lines.append([(f"{show.some(found.pairs, 'pair')} of neighbouring launches", "dim")])
    elif found.unpaired_reason:
        lines.append([(f"medians without a claim: {found.unpaired_reason}", "dim")])
    if found.virtual:
        lines.append([("virtual: simulated phones; these speeds are not a phone's", "virtual")])
    lines += [[("left out: ", "dim"), (sentence, "")] for sentence in found.left_out]
    lines += _titled("Differs, and does not forbid it", found.shown, width)
    if found.unknown:
        lines += [[], [("not known of either, so taken as alike: ", "dim"), (", ".join(found.unknown), "")]]
    return lines


def _figure_line(name: str, figure: Figure) -> list[Cell]:
    line: list[Cell] = [(f"  {name:<{_LABEL}}", "dim")]
    if figure.ratio is None:
        return [*line, ("no ratio", "dim")]
    line.append((f"{figure.ratio:.3f}", "figure"))
    if figure.low is not None and figure.high is not None:
        line.append((f"  {figure.low:.3f} to {figure.high:.3f}", ""))
    word, meaning = _CONCLUSIONS.get(figure.conclusion, (str(figure.conclusion), ""))
    line.append((f"  {word}", meaning))
    if figure.more_pairs is not None:
        line.append((f"; {figure.more_pairs} more pairs would decide", "dim"))
    return line


def _titled(title: str, facets: Sequence[Facet], width: int) -> Lines:
    return [[], heading(title), *_facets(facets, width)] if facets else []


def _facets(facets: Iterable[Facet], width: int) -> Lines:
    column = max(12, (width - _LABEL - 4) // 2)
    return [
        [
            (f"≠ {facet.what[:_LABEL]:<{_LABEL}}", "dim"),
            (_cell(facet.a or "not known", column), ""),
            (_cell(facet.b or "not known", column), ""),
        ]
        for facet in facets
    ]
