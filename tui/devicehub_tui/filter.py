"""What is typed after `/`: terms as `--on` takes them, and plain words. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.selector import Term, is_terms, parse_term

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from devicehub.api.model import DeviceView, RunView

_FIELDS: Final[dict[str, Callable[[DeviceView], str | int | None]]] = {
    "serial": lambda device: device.serial,
    "product": lambda device: device.product,
    "manufacturer": lambda device: device.manufacturer,
    "vendor": lambda device: device.vendor,
    "soc": lambda device: device.soc,
    "htp": lambda device: device.htp,
    "android": lambda device: device.android,
    "sdk": lambda device: device.sdk,
    "virtual": lambda device: "true" if device.virtual else "false",
    "state": lambda device: device.state,
    "model": lambda device: device.model or (device.last.model if device.last else None),
    "battery": lambda device: device.battery,
}
"""The keys of `--on`, and what only a screen knows."""

_RUN_FIELDS: Final[dict[str, Callable[[RunView], str | int | None]]] = {
    "state": lambda run: run.state,
    "cause": lambda run: run.cause,
    "model": lambda run: run.model,
    "engine": lambda run: run.engine,
    "profile": lambda run: run.profile,
    "workload": lambda run: run.workload,
    "protocol": lambda run: run.protocol,
    "product": lambda run: run.product,
    "serial": lambda run: run.serial,
    "virtual": lambda run: "true" if run.virtual else "false",
    "trusted": lambda run: None if run.trusted is None else "true" if run.trusted else "false",
    "client": lambda run: run.client,
}
RUN_KEYS: Final = tuple(_RUN_FIELDS)
"""What a filter of runs may name."""


@dataclass(frozen=True)
class Filter:
    """What a row must have to be shown: all of it.

    Attributes:
        words: in lower case, each somewhere in what names the phone.
        problem: why a part of the text is not understood yet; the rest holds.
    """

    terms: tuple[Term, ...] = ()
    words: tuple[str, ...] = ()
    problem: str | None = None

    def lets_pass(self, device: DeviceView) -> bool:
        """Whether a phone is shown."""
        return self._passes(lambda key: _FIELDS[key](device), lambda: _names(device))

    def lets_run_pass(self, run: RunView) -> bool:
        """Whether a run is shown; the filter was read with `RUN_KEYS`."""
        return self._passes(lambda key: _RUN_FIELDS[key](run), lambda: _run_names(run))

    def _passes(self, find: Callable[[str], str | int | None], name: Callable[[], str]) -> bool:
        if not all(term.holds(find(term.key)) for term in self.terms):
            return False
        if not self.words:
            return True
        named = name()
        return all(word in named for word in self.words)


def parse_filter(text: str, keys: Collection[str] = _FIELDS) -> Filter:
    """Read what is typed so far: terms and words between commas or blanks; `all` is everything."""
    terms: list[Term] = []
    words: list[str] = []
    problem = None
    for part in text.replace(",", " ").split():
        if part == "all":
            continue
        if not is_terms(part):
            words.append(part.lower())
        elif term := parse_term(part, keys):
            terms.append(term)
        else:
            problem = _problem(part, keys)
    return Filter(tuple(terms), tuple(words), problem)


def _problem(part: str, keys: Collection[str]) -> str:
    key = part.split("=")[0].split("<")[0].split(">")[0].rstrip("!")
    if key in keys:
        return f"`{part}` wants a value, as in android>=14"
    return f"`{key}` is no key; there are {', '.join(keys)}"


def _names(device: DeviceView) -> str:
    known = (
        *(device.serial, device.serialno, device.product, device.manufacturer, device.soc, device.soc_name),
        *(device.vendor, device.android, device.state, device.phase, device.model, device.run),
        *("virtual" if device.virtual else "", device.last.model if device.last else ""),
    )
    return "\n".join(name for name in known if name).lower()


def _run_names(run: RunView) -> str:
    known = (
        *(run.id, run.state, run.cause, run.model, run.engine, run.profile, run.workload, run.protocol),
        *(run.product, run.serial, run.serialno, run.client, "virtual" if run.virtual else ""),
    )
    return "\n".join(name for name in known if name).lower()
