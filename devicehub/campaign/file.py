"""What a campaign's file may hold, and what is wrong in one. Pure."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from devicehub.campaign.limits import parse_demand
from devicehub.campaign.sweep_grid import grid
from devicehub.profiles.load import Problem, check_text
from devicehub.profiles.schema import MOST_LAUNCHES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.campaign.planned import Limit

_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Names = tuple[_Name, ...]
_Launches = Annotated[int, msgspec.Meta(ge=1, le=MOST_LAUNCHES)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]

WORKLOADS: Final = ("bench", "demo", "app")
"""What `workloads` may name; a suite or the table [eval] stands for its own."""
MOST_CELLS: Final = 5000
_DURATION: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|m|min|h|d)")
_UNITS_S: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class LimitTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[limit]]`: a demand, and for which cells; an empty list means all.

    Attributes:
        demand: `decode_tok_s >= 20`, `decode_tok_s no worse than 5 %`, `fidelity >= 99 %`.
        phones: selectors.
    """

    demand: _Name
    phones: _Names = ()
    models: _Names = ()
    engines: _Names = ()
    profiles: _Names = ()
    workloads: _Names = ()


class BaselineTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[baseline]`: what each cell is compared with; exactly one of its keys.

    Attributes:
        name: of a baseline saved on the hub's host.
        file: of one that lies beside the campaign's file.
    """

    engine: _Name | None = None
    model: _Name | None = None
    profile: _Name | None = None
    name: _Name | None = None
    file: _Name | None = None


class EvalTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[eval]`: questions with choices, in files of MNN's C-Eval layout, and a text for the perplexity."""

    files: _Names = ()
    text: _Name | None = None


class CampaignFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One campaign.

    Attributes:
        name: None takes the file's.
        phones: selectors; any of them may mean a phone.
        engines: empty takes the one that fits each phone.
        suites: files of prompt suites.
        prompt: of the workloads demo and app.
        protocol: for the workload that it is for; the others have their own.
        overrides: `[set]`, keys of config.json over every profile's.
        gate: what changes the protocol's gate, as `devicehub run --gate`.
        seed: of the order; None has one made.
        max_duration: `8h`.
        move: another phone of the same SoC may take a cell of a phone that has left.
        wait_for_phone: how long a phone may be away before its cells are not run.
    """

    name: _Name | None = None
    phones: _Names
    models: _Names
    engines: _Names = ()
    profiles: _Names = ("default",)
    workloads: _Names | None = None
    suites: _Names = ()
    prompt: _Name | None = None
    protocol: _Name | None = None
    launches: _Launches | None = None
    prompt_tokens: _Count | None = None
    decode_tokens: _Count | None = None
    repeats: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    gate: _Names = ()
    steady: bool = False
    energy: bool = False
    no_think: bool = False
    overrides: dict[str, Any] = msgspec.field(default={}, name="set")
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    max_duration: _Name | None = None
    move: bool = False
    wait_for_phone: _Name = "30m"
    evaluation: EvalTable | None = msgspec.field(default=None, name="eval")
    baseline: BaselineTable | None = None
    limit: tuple[LimitTable, ...] = ()
    sweep: dict[str, Any] | None = None

    def columns(self) -> tuple[str, ...]:
        """The workloads that are asked for, those of suites and [eval] apart."""
        if self.workloads is not None:
            return self.workloads
        return () if self.suites or self.evaluation else ("bench",)

    def named_files(self) -> list[str]:
        """The files that it names, as it names them."""
        evaluation = self.evaluation or EvalTable()
        single = [name for name in (evaluation.text, self.baseline and self.baseline.file) if name]
        return list(dict.fromkeys([*self.suites, *evaluation.files, *single]))

    def limits(self) -> list[Limit]:
        """The demands that can be read, in the order of their tables."""
        return [found for table in self.limit if not isinstance(found := parse_demand(table.demand), str)]

    def problems(self, _file_id: str) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        yield from self._list_problems()
        yield from self._workload_problems()
        for key in ("max_duration", "wait_for_phone"):
            value = getattr(self, key)
            if value is not None and parse_duration_s(value) is None:
                yield key, f"{value!r} is no duration; write one as 90s, 30m, 8h or 2d"
        yield from self._baseline_problems()
        for number, table in enumerate(self.limit):
            yield from self._limit_problems(f"limit[{number}]", table)
        if self.sweep is not None:
            settings = grid(self.sweep)
            if isinstance(settings, str):
                yield "sweep", settings
            if self.baseline is not None:
                yield "sweep", "is searched for the best setting; a baseline is for the cells of a campaign"

    def _list_problems(self) -> Iterator[tuple[str, str]]:
        for key in ("phones", "models", "engines", "profiles", "workloads", "suites", "gate"):
            values = getattr(self, key) or ()
            if key in ("phones", "models", "profiles") and not values:
                yield key, "is empty: name at least one"
            for value in sorted({value for value in values if values.count(value) > 1}):
                yield key, f"{value} is named twice"

    def _workload_problems(self) -> Iterator[tuple[str, str]]:
        for workload in self.workloads or ():
            if workload == "eval":
                yield "workloads", "eval is asked by a table [eval] with its files"
            elif workload not in WORKLOADS:
                yield "workloads", f"{workload} is none; there are {', '.join(WORKLOADS)}"
        if self.prompt is None and (asking := [name for name in self.columns() if name in ("demo", "app")]):
            yield "workloads", f'{asking[0]} needs a prompt: prompt = "..."'
        if self.evaluation is not None and not self.evaluation.files and self.evaluation.text is None:
            yield "eval", "names neither files nor a text"
        if not (self.columns() or self.suites or self.evaluation):
            yield "workloads", "is empty, and there are no suites: nothing would be run"

    def _baseline_problems(self) -> Iterator[tuple[str, str]]:
        if self.baseline is not None:
            given = [key for key in BaselineTable.__struct_fields__ if getattr(self.baseline, key)]
            if len(given) != 1:
                said = f"names {' and '.join(given)}" if given else "is empty"
                yield "baseline", f"{said}: give exactly one of engine, model, profile, name, file"

    def _limit_problems(self, place: str, table: LimitTable) -> Iterator[tuple[str, str]]:
        found = parse_demand(table.demand)
        if isinstance(found, str):
            yield f"{place}.demand", found
        elif found.is_relative and self.baseline is None:
            yield f"{place}.demand", "is held against a baseline, and there is no table [baseline]"
        lists = {"models": self.models, "engines": self.engines, "profiles": self.profiles}
        for key, known in lists.items():
            for value in getattr(table, key):
                if value not in known:
                    yield f"{place}.{key}", f"{value} is not among the campaign's {key}"
        columns = {*self.columns(), *self.suites, *(("eval",) if self.evaluation else ())}
        for value in table.workloads:
            if value not in columns:
                yield f"{place}.workloads", f"{value} is not among the campaign's workloads and suites"


def check_campaign(text: str, place: str) -> tuple[CampaignFile | None, Sequence[Problem]]:
    """Read a campaign's file and list all that is wrong in it, whatever there is to run.

    Args:
        text: of the file.
        place: how a person calls it.
    """
    return check_text(text, CampaignFile, Path(place))


def named_files(text: str) -> list[str]:
    """The files that a campaign's text names, as far as it can be read."""
    try:
        return msgspec.convert(tomllib.loads(text), CampaignFile).named_files()
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError):
        return []


def parse_duration_s(text: str) -> float | None:
    """`90s`, `30m`, `1.5h`, `2d` in seconds; None for what is none, and for nothing."""
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS_S[found[2]] if found else 0.0
    return seconds or None
