"""Every key, once: what it is called in the footer, and what it does. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        key: as Textual names it.
        shown: as the footer names it.
        action: the name of what it does: an `action_` method of the app, or of the screen where `local`.
        label: one or two words for the footer.
        help: a sentence for the help and the command palette.
        local: the screen does it, or says that there is nothing of the kind on it.
    """

    key: str
    shown: str
    action: str
    label: str
    help: str
    local: bool = False


KEYS: Final[tuple[Key, ...]] = (
    Key("space", "space", "mark", "mark", "Mark what is under the cursor, or unmark it.", local=True),
    Key(
        "a",
        "a",
        "mark_group",
        "all",
        "Mark all of the group, or all that are shown; or unmark them.",
        local=True,
    ),
    Key("slash", "/", "filter", "filter", "Show only what matches, as you type.", local=True),
    Key("o", "o", "order", "order", "Order by the next column.", local=True),
    Key("g", "g", "group", "group", "Group the phones by SoC, or do not.", local=True),
    Key("enter", "enter", "open", "open", "Open what is under the cursor.", local=True),
    Key("escape", "esc", "back", "back", "Go back, or leave the filter.", local=True),
    Key("tab", "tab", "pane", "pane", "Go to the next pane.", local=True),
    Key("1", "1", "fleet", "fleet", "All phones."),
    Key("2", "2", "runs", "runs", "All runs."),
    Key("3", "3", "models", "models", "Models and engines of the catalogue."),
    Key("4", "4", "campaigns", "QA", "QA campaigns: how far they are, and each of their cells."),
    Key("p", "p", "push", "push", "Push a model or an engine onto the marked phones."),
    Key(
        "R",
        "R",
        "repeat",
        "repeat",
        "Repeat the last run on each of the marked phones, at once; on a run: that run.",
    ),
    Key("e", "e", "export", "export", "Export a checkpoint to models; show the export that is under way."),
    Key("r", "r", "choose", "run", "Choose model, profile, prompt or protocol, and run it."),
    Key("exclamation_mark", "!", "shell", "shell", "A shell on the phone; this screen waits meanwhile."),
    Key("x", "x", "stop", "stop", "Stop the run; asks when it is more than one."),
    Key("l", "l", "logs", "logs", "Follow the logs of the marked phones."),
    Key("m", "m", "mirror", "mirror", "Show the phone's screen."),
    Key(
        "c", "c", "compare", "compare", "Compare the two marked runs, or the last runs of two marked phones."
    ),
    Key("d", "d", "doctor", "doctor", "Tell what stands in the way of a run, on host and phones."),
    Key("y", "y", "copy", "copy", "Copy what is under the cursor."),
    Key("q", "q", "quit", "quit", "Leave; the hub and its runs go on."),
    Key("question_mark", "?", "help", "help", "What every key does."),
    Key("ctrl+p", "^p", "command_palette", "find", "Find any of these by its name."),
)
"""In the order of the footer; the same on every screen."""

LOCAL: Final = frozenset(key.action for key in KEYS if key.local)


def footer_lines(width: int) -> list[list[Key]]:
    """The keys in lines of at most so many columns, two between each and the next."""
    lines: list[list[Key]] = [[]]
    used = 0
    for key in KEYS:
        needed = len(key.shown) + 1 + len(key.label)
        if lines[-1] and used + 2 + needed > width:
            lines.append([])
        used = needed if not lines[-1] else used + 2 + needed
        lines[-1].append(key)
    return lines
