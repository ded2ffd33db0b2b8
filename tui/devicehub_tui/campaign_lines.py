"""One campaign as lines: how it stands, and what is known of one of its cells. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub_tui import campaign_rows
from devicehub_tui import format as show
from devicehub_tui.campaign_grid import settings_text
from devicehub_tui.run_lines import fact, heading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.campaign_model import CampaignView, CellView, FigureSummary
    from devicehub_tui.format import Cell
    from devicehub_tui.run_lines import Lines

FIGURES: Final[dict[str, tuple[str, int]]] = {
    "prefill_tok_s": ("prefill tok/s", 1),
    "decode_tok_s": ("decode tok/s", 2),
    "load_ms": ("load ms", 0),
    "ttft_ms": ("first token ms", 0),
    "peak_memory_mib": ("memory MiB", 0),
    "joules_per_token": ("J/token", 3),
    "perplexity": ("perplexity", 3),
}
"""What a figure is called, and its digits after the point; any other is a share."""
LESS_IS_BETTER: Final = frozenset({"load_ms", "ttft_ms", "peak_memory_mib", "joules_per_token", "perplexity"})
_LABEL: Final = 16
_BAR: Final = 20
_SCALE: Final = 31
_BESIDE: Final = 0.1
"""A ratio's line shows so much on either side of 1, in so many columns."""
_WIDE: Final = 108
"""Columns from which on it is shown."""


def head_lines(view: CampaignView, shared: str, width: int) -> Lines:
    """Its name and what all its cells have in common; how far it is; the sentence."""
    first: list[Cell] = [campaign_rows.state(view), (f"  {view.name}", "title"), (f"  {view.id}", "dim")]
    if view.virtual:
        first.append(("  virtual", "virtual"))
    if shared:
        first.append((f"  all: {shared}", "dim"))
    done = campaign_rows.done(view)
    second: list[Cell] = [
        (f"{show.bar(done, view.cells, _BAR)}▏", "busy"),
        (f"{done}/{view.cells} cells", ""),
    ]
    for cell in campaign_rows.marks(view.counts):
        second += [("  ", ""), cell]
    if left := campaign_rows.left(view):
        second.append((f"  {left} left" if left != "·" else "", "dim"))
    third: list[Cell] = [(view.sentence, "")]
    if view.waits_for:
        third = [("! ", "warn"), (view.waits_for, "")]
    return [_cut(line, width) for line in (first, second, third)]


def _cut(line: list[Cell], width: int) -> list[Cell]:
    """One line of a head, however long its parts are."""
    kept: list[Cell] = []
    room = width
    for text, meaning in line:
        if len(text) > room:
            kept.append((f"{text[: max(0, room - 1)]}…", meaning))
            break
        kept.append((text, meaning))
        room -= len(text)
    return kept


def cell_lines(cell: CellView, width: int) -> Lines:
    """All that is known of a cell; the conclusion comes first."""
    sign, meaning = campaign_rows.mark(cell.state)
    word = campaign_rows.WORDS.get(cell.state, cell.state)
    lines: Lines = [[(f"{sign} {word}{f': {cell.reason}' if cell.reason else ''}", meaning)]]
    if cell.sentence:
        lines.append([(cell.sentence, "")])
    lines += figure_lines(cell.figures, width)
    if cell.fidelity is not None:
        lines.append([(f"{'fidelity':<{_LABEL}}", "dim"), (f"{_share(cell.fidelity):>9}", "figure")])
    lines.append(fact("cell", f"{cell.number}: {cell.name}"))
    lines.append(fact("phone", _phone(cell)))
    if cell.settings:
        lines.append(fact("settings", settings_text(cell.settings)))
    waits = cell.state in ("waiting", "running")
    lines.append(fact("runs", ", ".join(cell.runs) or ("none yet" if waits else "none")))
    if cell.attempt > 1:
        lines.append(fact("attempt", str(cell.attempt)))
    return lines


def _phone(cell: CellView) -> str:
    known = [cell.product, cell.serial, cell.soc, cell.vendor if cell.vendor != "unknown" else None]
    moved = "moved here from the phone of its name: " if cell.moved else ""
    return moved + " · ".join(part for part in known if part)


def figure_lines(figures: Mapping[str, FigureSummary], width: int) -> Lines:
    """Each figure with its launches; beside a baseline the ratio, its interval and where that lies."""
    lines: Lines = []
    for name in [*(name for name in FIGURES if name in figures), *(figures.keys() - FIGURES.keys())]:
        figure = figures[name]
        title = FIGURES[name][0] if name in FIGURES else name
        line: list[Cell] = [
            (f"{title:<{_LABEL}}", "dim"),
            (f"{amount(name, figure.median):>9}", "figure"),
            (f"  {launches(figure.launches)}", "dim"),
        ]
        if figure.ratio is not None:
            line += _ratio(name, figure, wide=width >= _WIDE)
        lines.append(line)
    return lines


def launches(number: int) -> str:
    """`1 launch`, `6 launches`."""
    return f"{number} launch{'es' * (number != 1)}"


def _ratio(name: str, figure: FigureSummary, *, wide: bool) -> list[Cell]:
    base = f" of {amount(name, figure.base):<8}" if figure.base is not None else ""
    line: list[Cell] = [(f"  {figure.ratio:.3f}", "figure"), (base, "dim")]
    if figure.low is not None and figure.high is not None:
        line.append((f" {f'{figure.low:.3f} to {figure.high:.3f}':<16}", ""))
        if wide:
            line.append((f"  -10% {interval(figure)} +10%", "dim"))
    return line


def interval(figure: FigureSummary) -> str:
    """`[     |-o-:   ]`: a ratio and its interval from -10 to +10 %; `:` is no change, `<` and `>` go on."""
    if figure.ratio is None or figure.low is None or figure.high is None:
        return ""
    signs = [" "] * _SCALE
    low, at, high = (_place(ratio) for ratio in (figure.low, figure.ratio, figure.high))
    signs[low : high + 1] = ["-"] * (high + 1 - low)
    signs[_SCALE // 2] = ":"
    signs[low], signs[high], signs[at] = "|", "|", "o"
    if figure.low < 1 - _BESIDE:
        signs[0] = "<"
    if figure.high > 1 + _BESIDE:
        signs[-1] = ">"
    return f"[{''.join(signs)}]"


def _place(ratio: float) -> int:
    return max(0, min(_SCALE - 1, round((ratio - 1 + _BESIDE) / (2 * _BESIDE) * (_SCALE - 1))))


def amount(name: str, value: float | None) -> str:
    """A figure with as many digits as tell something."""
    if value is None:
        return "·"
    return f"{value:.{FIGURES[name][1]}f}" if name in FIGURES else _share(value)


def _share(value: float) -> str:
    return f"{int(value * 1000 + 1e-9) / 10:g} %"


def note_lines(notes: Sequence[str]) -> Lines:
    """What a reader should know of the campaign."""
    lines: Lines = [[(note, "")] for note in notes]
    return [[], heading("Notes"), *lines] if lines else []


def views_line(shown: str, counted: Mapping[str, int]) -> list[Cell]:
    """What can be shown of a campaign; what is shown stands in brackets."""
    line: list[Cell] = [("v ", "dim")]
    for name, number in counted.items():
        here = name == shown
        line.append((f"[{name} {number}]" if here else f" {name} {number} ", "title" if here else "dim"))
    return line
