"""Draws a chart with plotext."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual_plotext import PlotextPlot

from devicehub_tui.curves import named_marks, time_ticks, value_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import RenderResult

    from devicehub_tui.curves import Chart

Rgb = tuple[int, int, int]
_DARK: Final[tuple[Rgb, ...]] = ((122, 162, 247), (224, 175, 104), (143, 206, 122), (185, 156, 240))
_LIGHT: Final[tuple[Rgb, ...]] = ((36, 86, 179), (138, 90, 0), (35, 112, 42), (109, 63, 181))
_FAINT_DARK: Final[Rgb] = (90, 98, 116)
_FAINT_LIGHT: Final[Rgb] = (170, 174, 180)


_BEHIND_DARK: Final[Rgb] = (20, 23, 31)
_BEHIND_LIGHT: Final[Rgb] = (251, 251, 250)
"""The window's own, as the themes have it; plotext puts white behind words."""
_SCALE: Final = 8
"""Columns on the left of a plot, for its values."""


class Plot(PlotextPlot):
    """One chart; its title tells the newest values."""

    DEFAULT_CSS = """
    Plot {
        height: 1fr; width: 1fr; color: $text-muted;
        border-top: solid $border-blurred; border-title-color: $text-muted;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        # Without colours of plotext's own: the window's show through.
        self.theme = "clear"
        self.border_title = "no reading yet"
        self._shown: tuple[Chart, Sequence[tuple[float, str]], bool] | None = None

    def show(self, chart: Chart, marks: Sequence[tuple[float, str]]) -> None:
        """Draw a chart; the marks are times with what began then."""
        dark = self.app.current_theme.dark
        if (chart, marks, dark) == self._shown:
            return
        self._shown = (chart, marks, dark)
        colours, faint = (_DARK, _FAINT_DARK) if dark else (_LIGHT, _FAINT_LIGHT)
        plot = self.plt
        plot.clear_figure()
        self.border_title = _title(chart)
        plot.xaxes(True, False)
        plot.yaxes(True, False)
        plot.yfrequency(3)
        plot.xlim(-chart.span_s, 0)
        plot.xticks(*time_ticks(chart.span_s))
        low, high = value_axis(chart)
        plot.ylim(low, high)
        for at_s, _ in marks:
            plot.vline(at_s, faint)
        for at_s, phase in named_marks(marks, chart.span_s, self.size.width - _SCALE):
            plot.text(phase, at_s, high, color=faint, background=_BEHIND_DARK if dark else _BEHIND_LIGHT)
        plain = 0
        for curve in chart.curves:
            colour = faint if curve.capped else colours[plain % len(colours)]
            plain += not curve.capped
            plot.plot(list(curve.times_s), list(curve.values), color=colour, marker="braille")
        self.refresh()

    def render(self) -> RenderResult:
        """The chart; nothing where nothing was read."""
        return super().render() if self._shown is not None and self._shown[0].curves else ""


def _title(chart: Chart) -> str:
    newest = [f"{curve.name} {curve.values[-1]:.4g}".strip() for curve in chart.curves if not curve.capped]
    return f"{chart.title}: {', '.join(newest)} {chart.unit}" if newest else f"{chart.title}: not known"
