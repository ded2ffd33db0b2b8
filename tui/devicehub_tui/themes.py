"""The dark and the light look: what each meaning is coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.theme import Theme

if TYPE_CHECKING:
    from devicehub_tui.format import Meaning

DARK: Final = Theme(
    name="devicehub-dark",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#e0af68",
    foreground="#c8d0e0",
    background="#14171f",
    surface="#1a1e28",
    panel="#232835",
    success="#8fce7a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={"border-blurred": "#2f3647", "scrollbar": "#3a4256", "scrollbar-background": "#1a1e28"},
)
LIGHT: Final = Theme(
    name="devicehub-light",
    primary="#2456b3",
    secondary="#0b6f8a",
    accent="#8a5a00",
    foreground="#22262f",
    background="#fbfbfa",
    surface="#f3f3f1",
    panel="#e6e7e6",
    success="#23702a",
    warning="#8a5a00",
    error="#b3203a",
    dark=False,
    variables={"border-blurred": "#c9cbcd", "scrollbar": "#b8bbc0", "scrollbar-background": "#ececea"},
)

_DARK_COLOURS: Final[dict[Meaning, str]] = {
    "": "#c8d0e0",
    "dim": "#7d879c",
    "title": "bold #e8ecf5",
    "good": "#8fce7a",
    "busy": "#7aa2f7",
    "warn": "#e0af68",
    "bad": "bold #f7768e",
    "figure": "bold #7dcfff",
    "virtual": "#b99cf0",
}
_LIGHT_COLOURS: Final[dict[Meaning, str]] = {
    "": "#22262f",
    "dim": "#6a707b",
    "title": "bold #0f1218",
    "good": "#23702a",
    "busy": "#2456b3",
    "warn": "#8a5a00",
    "bad": "bold #b3203a",
    "figure": "bold #0b6f8a",
    "virtual": "#6d3fb5",
}


def colours(*, dark: bool) -> dict[Meaning, str]:
    """What Rich calls the style of each meaning."""
    return _DARK_COLOURS if dark else _LIGHT_COLOURS


def row_backgrounds(*, dark: bool) -> tuple[str, str, str, str]:
    """Behind a plain row, the cursor's row, a marked row and a group's heading."""
    if dark:
        return "#14171f", "#2d3a57", "#222638", "#1d212c"
    return "#fbfbfa", "#cfdcf3", "#e9e6f5", "#ecedec"
