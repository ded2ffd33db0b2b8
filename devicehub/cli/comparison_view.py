"""What a person sees of a comparison."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.figures import fidelity_text, flag_lines
from devicehub.cli.output import emphasize, print_table
from devicehub.columns import text_width
from devicehub.measure.compare import MARGIN
from devicehub.profiles.schema import MOST_LAUNCHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.measure.compare import Comparison, Figure
    from devicehub.measure.thing import Facet
    from devicehub.runs.model import FigureName, RunRecord

_WIDTH: Final = 80
_CELL: Final = 26
"""Columns of a run's value where both runs' stand side by side."""
_VALUE: Final = 50
_UNKNOWN: Final = "not known"
_NAMES: Final[dict[FigureName, tuple[str, str]]] = {
    "prefill_tok_s": ("prefill", "prefill tok/s"),
    "decode_tok_s": ("decode", "decode tok/s"),
    "load_ms": ("load", "load ms"),
}


def _share(context: click.Context, option: click.Parameter, percent: float) -> float:
    return percent / 100


MARGIN_OPTION: Final = click.option(
    "--margin",
    type=click.FloatRange(0.1, 50),
    default=MARGIN * 100,
    show_default=True,
    callback=_share,
    metavar="PERCENT",
    help="The largest difference that does not matter.",
)
"""Gives a command the argument `margin`, as a share."""


def exit_code(comparison: Comparison) -> ExitCode:
    """0 for runs that were compared, whatever came of it, 1 for unlike ones."""
    return ExitCode.FAILED if comparison.unlike else ExitCode.OK


def print_comparison(comparison: Comparison, a: RunRecord, b: RunRecord) -> None:
    """Print what two runs say of each other, or why they may not be compared; within 80 columns.

    Args:
        comparison: of the two.
        a: the first one's record.
        b: the second one's.
    """
    print(emphasize(f"\n{_title(comparison)}"))
    if comparison.unlike:
        _print_unlike(comparison)
    else:
        _print_figures(comparison)
    _section("answers")
    for letter, record in (("A", a), ("B", b)):
        _say(f"{letter}: {fidelity_text(record)}", indent=3)
    for letter, record in (("A", a), ("B", b)):
        for line in flag_lines(record):
            _say(f"{letter}: {line}", indent=3)
    _print_conditions(comparison)


def _title(comparison: Comparison) -> str:
    by = f" by {comparison.by}" if comparison.by else ""
    return f"A {comparison.a} and B {comparison.b}, compared{by}"


def _print_unlike(comparison: Comparison) -> None:
    allowed = "nothing" if comparison.by is None else f"only the {comparison.by}"
    _say(f"They are unlike, so nothing is concluded: {allowed} may differ beside what follows from it.")
    _print_facets(comparison.unlike)


def _print_figures(comparison: Comparison) -> None:
    if not comparison.differs:
        _say(f"Both have the same {comparison.by or 'engine, model, profile and phone'}.")
    if not comparison.figures:
        _say("Neither run has a figure.")
        return
    print_rows = _paired_rows if comparison.paired else _unpaired_rows
    print()
    print_rows(comparison)
    print()
    for line in _explanations(comparison):
        _say(line)
    for line in comparison.left_out:
        _say(f"left out: {line}", indent=2)


def _paired_rows(comparison: Comparison) -> None:
    rows = [
        (_NAMES[name][1], _plain(figure.a), _plain(figure.b), *_interval(figure), _conclusion(figure))
        for name, figure in comparison.figures.items()
    ]
    print_table(("", "A", "B", "B/A", "95 % interval", "B beside A"), rows)


def _unpaired_rows(comparison: Comparison) -> None:
    rows = [
        (_NAMES[name][1], _plain(figure.a), _plain(figure.b), _ratio(figure.ratio))
        for name, figure in comparison.figures.items()
    ]
    print_table(("", "A", "B", "B/A"), rows)


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) >= 1e6 else f"{value:.{1 if abs(value) >= 1000 else 2}f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if 0.001 <= value < 100 else f"{value:.1g}"


def _interval(figure: Figure) -> tuple[str, str]:
    if figure.low is None or figure.high is None:
        return _ratio(figure.ratio), "-"
    return _ratio(figure.ratio), f"{_ratio(figure.low)} to {_ratio(figure.high)}"


def _conclusion(figure: Figure) -> str:
    if figure.conclusion == "no_difference":
        return f"no difference > {figure.margin * 100:g} %"
    return figure.conclusion or "-"


def _explanations(comparison: Comparison) -> list[str]:
    of_suite = any(facet.what == "suite" for facet in comparison.conditions)
    if comparison.paired:
        lines = [_pairs_line(comparison)]
        for name, figure in comparison.figures.items():
            if figure.conclusion == "inconclusive":
                lines.append(f"{_NAMES[name][0]}: {_more(figure, of_suite=of_suite)}")
    else:
        lines = [
            f"Medians {_launches(comparison)} and their ratio, without a claim: {comparison.unpaired_reason}."
            " What drifted between the two runs stands in the ratio as well.",
            "`devicehub compare` makes runs that can be paired.",
        ]
    if comparison.virtual:
        lines.append(
            "virtual: the engine ran on this host in a simulated phone; its speeds are not a phone's"
        )
    return lines


def _launches(comparison: Comparison) -> str:
    """Over how many launches the medians are."""
    counts = {(figure.launches_a, figure.launches_b) for figure in comparison.figures.values()}
    found = [f"{a}" if a == b else f"{a} and {b}" for a, b in sorted(counts)]
    return f"over {' or '.join(found)} launches"


def _pairs_line(comparison: Comparison) -> str:
    pairs = "1 pair" if comparison.pairs == 1 else f"{comparison.pairs} pairs"
    how = "at the same time on both phones" if comparison.by == "phone" else "one right after the other"
    margin = next(iter(comparison.figures.values())).margin * 100
    return (
        f"{pairs} of launches made {how}; A and B are medians {_launches(comparison)}, the ratio is of "
        "the pairs. "
        f"A difference of {margin:g} % or less does not matter here (--margin)."
    )


def _more(figure: Figure, *, of_suite: bool) -> str:
    if figure.pairs == 0:
        return "inconclusive: no pair has this figure on both sides"
    if figure.pairs == 1:
        return "inconclusive: one pair has no spread; make several launches"
    if figure.more_pairs is None or figure.power is None:
        return "inconclusive, and no number of pairs within reach would decide: the launches differ too much"
    more = "1 more pair" if figure.more_pairs == 1 else f"{figure.more_pairs} more pairs"
    advice = f"inconclusive; {more} would decide with a chance of about {figure.power * 100:g} %"
    pairs = figure.pairs + figure.more_pairs
    if pairs > MOST_LAUNCHES:
        return f"{advice}; {MOST_LAUNCHES} is the most, so make the phone quieter or the margin wider"
    anew = f"a suite of {pairs} prompts" if of_suite else f"--launches {pairs}"
    return f"{advice}: compare anew with {anew}"


def _print_conditions(comparison: Comparison) -> None:
    alike = [facet for facet in comparison.conditions if facet.a == facet.b]
    _section("of both")
    print_table(("", ""), [(facet.what, _cut(facet.a or _UNKNOWN, _VALUE)) for facet in alike])
    if comparison.unknown:
        _say(f"{_UNKNOWN} of either, so taken as alike: {', '.join(comparison.unknown)}", indent=2)
    if comparison.shown:
        _section("differs as well" if comparison.unlike else "differs, and does not forbid to compare")
        _print_facets(comparison.shown)


def _print_facets(facets: Sequence[Facet]) -> None:
    rows = [(facet.what, *_cut_apart(facet.a or _UNKNOWN, facet.b or _UNKNOWN)) for facet in facets]
    print_table(("", "A", "B"), [(_cut(what, _CELL - 2), *values) for what, *values in rows])


def _section(title: str) -> None:
    print(emphasize(f"\n{title}"))


def _say(text: str, *, indent: int = 0) -> None:
    """Print a sentence, wrapped; later lines are indented."""
    print(textwrap.fill(text, _WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False))


def _cut_apart(a: str, b: str) -> tuple[str, str]:
    """Both texts within a cell; where that would make them look the same, from shortly before they part."""
    cells = _cut(a, _CELL), _cut(b, _CELL)
    if a == b or cells[0] != cells[1]:
        return cells
    alike = next(
        (index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    parting = max(alike - _CELL // 4, 0)
    return _cut(f"…{a[parting:]}", _CELL), _cut(f"…{b[parting:]}", _CELL)


def _cut(text: str, width: int) -> str:
    """The text within so many columns of a terminal, its middle left out where it is longer."""
    if text_width(text) <= width:
        return text
    head, tail = "", ""
    for first, last in zip(text, reversed(text), strict=True):
        if text_width(head + first + tail) + 1 > width:
            break
        head += first
        if text_width(head + last + tail) + 1 > width:
            break
        tail = last + tail
    return f"{head}…{tail}"
