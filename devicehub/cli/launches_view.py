"""A run's launches, a row each, and what they and the fixture's said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.cli.figures import fidelity_text
from devicehub.cli.output import emphasize, print_table, terminal_width
from devicehub.columns import wrap_text
from devicehub.runs.model import figure_of
from devicehub.units import format_celsius

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.runs.model import Answer, FigureName, Launch, RunRecord

_KINDS: Final = {"warmup": "warm-up"}


def show_launches(launches: Sequence[Launch]) -> None:
    """Print a row for each launch, then what it said where that differs from the one before."""
    if not launches:
        return
    print(emphasize("\nlaunches (prefill and decode in tok/s, load in ms)"))
    columns = {header: [cell(launch) for launch in launches] for header, cell in _COLUMNS}
    if all(launch.verdict == "succeeded" for launch in launches):
        del columns["result"]
    if all(launch.sampled for launch in launches):
        del columns["sampled"]
    shown = {header: cells for header, cells in columns.items() if any(cells) or header in _ALWAYS}
    for header in set(_FIGURES) & set(shown):
        width = max(len(cell or "-") for cell in shown[header])
        shown[header] = [(cell or "-").rjust(width) for cell in shown[header]]
    print_table(list(shown), list(zip(*shown.values(), strict=True)), room=terminal_width())
    if zones := {launch.gate.zone for launch in launches if launch.gate and launch.gate.zone}:
        print(f"gate: waited; temp: of {', '.join(sorted(zones))} when the launch began")
    said: str | None = None
    for launch in launches:
        if launch.text and launch.text != said:
            print(emphasize(f"\ntext of launch {launch.number}"))
            print(launch.text.rstrip("\n"))
            said = launch.text
        _show_lines(f"launch {launch.number}: crash", launch.crash)
        _show_lines(f"launch {launch.number}: holes in the log", launch.log_loss)


def show_fidelity(record: RunRecord) -> None:
    """Print how the fixture was answered; both texts where they are not the same."""
    answered = record.answered
    print(emphasize("\nfidelity"))
    room = terminal_width()
    print("\n".join(wrap_text(fidelity_text(record), room)))
    for number, answer in enumerate(answered.answers, 1):
        rows = [(f"prompt {number}", _one_line(answer.prompt)), ("", _matched(answer))]
        if answer.matched < answer.of:
            told = "nothing" if answer.text is None else _one_line(answer.text)
            rows += [("on the host", _one_line(answer.expected)), ("on the phone", told)]
        print_table(("", ""), [(name.ljust(len("on the phone")), text) for name, text in rows], room=room)


def _matched(answer: Answer) -> str:
    text = f"{answer.matched} of {answer.of} pieces as on the host"
    return f"{text}; the launch failed: {answer.cause}" if answer.cause else text


def _one_line(text: str) -> str:
    """A text that cannot break out of its place: line ends and what else is not printed become escapes."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _show_lines(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(emphasize(f"\n{title}"))
        for line in lines:
            print(f"  | {line}")


def _result(launch: Launch) -> str:
    return launch.cause or launch.verdict or "not judged"


def _exit(launch: Launch) -> str | None:
    """The exit status where it tells something: those of MNN's tools mean nothing by themselves."""
    return str(launch.exit_status) if launch.exit_status else None


def _cold(launch: Launch) -> str | None:
    return None if launch.cold is None else "cold" if launch.cold else "warm"


def _gate(launch: Launch) -> str | None:
    gate = launch.gate
    if gate is None:
        return None
    waited = f"{gate.waited_s:.0f} s"
    return f"{waited}, in vain" if gate.timed_out else waited


def _temperature(launch: Launch) -> str | None:
    return format_celsius(launch.gate.temp_mc) if launch.gate and launch.gate.temp_mc is not None else None


def _figure(name: FigureName, digits: int) -> Callable[[Launch], str | None]:
    def cell(launch: Launch) -> str | None:
        value = figure_of(launch, name)
        return None if value is None else f"{value:.{digits}f}"

    return cell


def _took(launch: Launch) -> str | None:
    return None if launch.duration_s is None else f"{launch.duration_s:.1f} s"


_FIGURES: Final = ("prefill", "decode", "load")
_ALWAYS: Final = ("", "kind", "result", "prefill", "decode")
"""The columns that stand also where no launch has anything to tell in them."""
_COLUMNS: Final[tuple[tuple[str, Callable[[Launch], Any]], ...]] = (
    ("", lambda launch: launch.number),
    ("kind", lambda launch: _KINDS.get(launch.kind, launch.kind)),
    ("result", _result),
    ("exit", _exit),
    ("took", _took),
    ("state", _cold),
    ("gate", _gate),
    ("temp", _temperature),
    ("sampled", lambda launch: "yes" if launch.sampled else "no"),
    ("prefill", _figure("prefill_tok_s", 2)),
    ("decode", _figure("decode_tok_s", 2)),
    ("load", _figure("load_ms", 1)),
)
