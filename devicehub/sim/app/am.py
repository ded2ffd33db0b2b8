"""The words of `am start` and its kin: what they ask for, and how Android names it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.sim.app.spec import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

CHAT: Final = f"{PACKAGE}.chat.ChatActivity"
MAIN: Final = f"{PACKAGE}.main.MainActivity"
ACTIVITIES: Final = frozenset((CHAT, MAIN, f"{PACKAGE}.mainsettings.MainSettingsActivity"))
"""The exported ones of MnnLlmChat's AndroidManifest.xml."""
API_SERVICE: Final = "com.alibaba.mnnllm.api.openai.service.OpenAIService"

_FLAGS: Final = ("-D", "-N", "-W", "-S", "--streaming", "--track-allocation", "--activity-clear-top")
_WITH_VALUE: Final = ("-a", "-c", "-d", "-t", "-i", "-f", "-n", "-p", "-R", "--user", "--display")
_EXTRAS: Final = ("--es", "-e", "--ez", "--ei", "--el", "--ef", "--eu", "--ecn")
_LAUNCHER: Final = "android.intent.category.LAUNCHER"
SETTINGS: Final = "com.android.settings"
_ACTIONS: Final = {"android.settings.SETTINGS": (SETTINGS, f"{SETTINGS}.Settings")}
"""Screens of the phone's own, by what asks for them."""


class UsageError(Exception):
    """Words that am refuses; the text is its own."""


@dataclass
class Intent:
    """What is to be started.

    Attributes:
        package: as named.
        name: the full class name.
        extras: by key; all as text.
        wait: the command waits until the screen is drawn.
        stop_first: the app is to be stopped before.
    """

    package: str = ""
    name: str = ""
    action: str = ""
    categories: list[str] = field(default_factory=list)
    extras: dict[str, str] = field(default_factory=dict)
    wait: bool = False
    stop_first: bool = False

    @property
    def component(self) -> str:
        """`package/.Class`, or with the class in full where it lies elsewhere."""
        return short_component(self.package, self.name)

    def inner(self) -> str:
        """As the log has it."""
        return "{" + str(self)[len("Intent { ") : -len(" }")] + "}"

    def __str__(self) -> str:
        parts = [f"act={self.action}"] if self.action else []
        parts += [f"cat=[{','.join(self.categories)}]"] if self.categories else []
        parts += [f"cmp={self.component}"] if self.name else []
        parts += ["(has extras)"] if self.extras else []
        return f"Intent {{ {' '.join(parts)} }}"


def short_component(package: str, name: str) -> str:
    """A component as Android shows it."""
    return f"{package}/{name.removeprefix(package) if name.startswith(f'{package}.') else name}"


def parse_intent(words: Sequence[str]) -> Intent:
    """Read the words after `am start` or `am start-foreground-service`.

    Raises:
        UsageError: am would refuse them.
    """
    intent = Intent()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in _FLAGS:
            intent.wait |= word == "-W"
            intent.stop_first |= word == "-S"
        elif word in _WITH_VALUE:
            _apply(intent, word, _value(rest, word))
        elif word == "--esn":
            intent.extras[_value(rest, word)] = ""
        elif word in _EXTRAS:
            key = _value(rest, word)
            intent.extras[key] = _value(rest, word)
        elif word.startswith("-"):
            raise UsageError(f"Error: Unknown option: {word}")
        else:
            _apply(intent, "-n" if "/" in word else "-p", word)
    if not intent.name and intent.action in _ACTIONS:
        intent.package, intent.name = _ACTIONS[intent.action]
    elif not intent.name and intent.package and (not intent.categories or _LAUNCHER in intent.categories):
        intent.name = MAIN
    return intent


def _apply(intent: Intent, option: str, value: str) -> None:
    if option == "-n":
        package, slash, name = value.partition("/")
        if not slash or not package or not name:
            raise UsageError(f"Error: Bad component name: {value}")
        intent.package, intent.name = package, f"{package}{name}" if name.startswith(".") else name
    elif option == "-p":
        intent.package = value
    elif option == "-a":
        intent.action = value
    elif option == "-c":
        intent.categories.append(value)


def _value(rest: list[str], option: str) -> str:
    if not rest:
        raise UsageError(f'Error: Argument expected after "{option}"')
    return rest.pop(0)
