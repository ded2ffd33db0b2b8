"""From the text of a campaign to its plan: what is wrong with it, and which cells it means."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.api.campaign_model import ProblemView
from devicehub.campaign.asks import column_asks
from devicehub.campaign.baseline import read_baseline
from devicehub.campaign.file import MOST_CELLS, BaselineTable, CampaignFile, check_campaign, parse_duration_s
from devicehub.campaign.fit import HubHost, phone_ref
from devicehub.campaign.plan import EVAL, Asked, make_plan
from devicehub.campaign.planned import ThingRef
from devicehub.campaign.sweep_grid import grid
from devicehub.deploy.holding import read_holdings
from devicehub.device.select import CAN_WAIT, check_selector, left_out, select
from devicehub.dispatch import comparing
from devicehub.dispatch.asking import DEFAULT_PROTOCOLS, check_ask
from devicehub.dispatch.run_id import new_run_id
from devicehub.errors import AdbError, AskError, ConfigError, HubError, InputError, SelectionError
from devicehub.profiles.load import did_you_mean, find_profiles, protocol_file, run_profile
from devicehub.profiles.places import line_of
from devicehub.workloads.suite_file import read_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from devicehub.api.contract import CampaignText
    from devicehub.api.services import Services
    from devicehub.campaign.baseline import Baseline
    from devicehub.campaign.planned import Plan
    from devicehub.device.model import Device
    from devicehub.runs.ask import RunAsk
    from devicehub.settings import Home
    from devicehub.workloads.suite import Suite

_MOST_SEED: Final = 2**31
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass
class Draft:
    """A campaign's text as far as it could be read.

    Attributes:
        suites: by the file that the campaign names.
        asks: what its runs are asked, by column key.
        launches: measured ones of a cell, by column key.
    """

    asked: CampaignText
    file: CampaignFile
    suites: dict[str, Suite] = field(default_factory=dict)
    baseline: Baseline | None = None
    asks: dict[str, RunAsk] = field(default_factory=dict)
    launches: dict[str, int] = field(default_factory=dict)

    @property
    def selectors(self) -> Sequence[str]:
        """Which phones are meant."""
        return self.asked.selectors or self.file.phones


class Campaigning:
    """Checks and plans campaigns."""

    def __init__(self, services: Services) -> None:
        self._hub = services

    def read(self, asked: CampaignText) -> tuple[Draft | None, list[ProblemView]]:
        """Read a campaign and list all that is wrong with it, by the lines of its file."""
        file, found = check_campaign(asked.text, asked.place)
        problems = [ProblemView(line=one.line, key=one.key or "", problem=one.problem) for one in found]
        if file is None:
            return None, problems
        draft = Draft(asked, file)
        seen = [*self._names(draft), *self._files(draft)]
        if not (problems or seen):
            seen += self._asks(draft)
        problems += [
            ProblemView(line=_line(asked.text, key, value), key=key, problem=problem)
            for key, value, problem in seen
        ]
        return draft, sorted(problems, key=lambda one: (one.line or 0, one.key))

    def _names(self, draft: Draft) -> Iterator[tuple[str, str, str]]:
        """Names that stand for nothing: (key, name, problem)."""
        file, catalogue = draft.file, self._hub.catalogue
        base = file.baseline or BaselineTable()
        known_profiles = find_profiles("runs", catalogue.home)
        asked: tuple[tuple[str, tuple[str | None, ...], Callable[[str], object]], ...] = (
            ("models", file.models, catalogue.models.get),
            ("engines", file.engines, catalogue.engines.get),
            ("baseline.model", (base.model,), catalogue.models.get),
            ("baseline.engine", (base.engine,), catalogue.engines.get),
        )
        for key, names, get in asked:
            yield from _missing(key, names, get)
        for key, profiles in (("profiles", file.profiles), ("baseline.profile", (base.profile,))):
            for name in profiles:
                if name and name not in known_profiles:
                    yield (
                        key,
                        name,
                        f"{name}: no run profile has this name{did_you_mean(name, known_profiles)}",
                    )
                elif name:
                    yield from _missing(key, (name,), lambda each: run_profile(each, catalogue.home))
        if file.protocol:
            yield from _missing(
                "protocol", (file.protocol,), lambda each: protocol_file(each, catalogue.home)
            )
        for selector in file.phones:
            yield from _bad_selector("phones", selector)
        for number, table in enumerate(file.limit):
            for selector in table.phones:
                yield from _bad_selector(f"limit[{number}].phones", selector)

    def _files(self, draft: Draft) -> Iterator[tuple[str, str, str]]:
        """Files that are not there, or not what they should be; reads suites and baseline on the way."""
        file, files = draft.file, draft.asked.files
        for name in file.suites:
            if name not in files:
                yield "suites", name, f"{name}: there is no such file beside the campaign's"
                continue
            try:
                suite = read_suite(files[name], name)
            except HubError as error:
                yield "suites", name, str(error)
                continue
            if suite.name in {one.name for one in draft.suites.values()}:
                yield "suites", name, f"{name}: another suite is called {suite.name} as well"
            draft.suites[name] = suite
        if file.evaluation is not None:
            named = [("files", name) for name in file.evaluation.files]
            named += [("text", name) for name in (file.evaluation.text,) if name is not None]
            for key, name in named:
                if name not in files:
                    yield f"eval.{key}", name, f"{name}: there is no such file beside the campaign's"
        yield from self._baseline(draft)

    def _baseline(self, draft: Draft) -> Iterator[tuple[str, str, str]]:
        base = draft.file.baseline
        if base is None or not (base.name or base.file):
            return
        key, name = ("baseline.name", base.name) if base.name else ("baseline.file", base.file or "")
        assert name is not None
        text = draft.asked.files.get(name)
        if base.name:
            try:
                text = baseline_path(self._hub.catalogue.home, base.name).read_text(encoding="utf-8")
            except (InputError, OSError, UnicodeDecodeError):
                text = None
        if text is None:
            remedy = "save one with `devicehub campaign baseline save`"
            yield key, name, f"{name}: there is no such baseline; {remedy}"
            return
        try:
            draft.baseline = read_baseline(text, name)
        except HubError as error:
            yield key, name, str(error)

    def _asks(self, draft: Draft) -> Iterator[tuple[str, str, str]]:
        """What the runs are to be asked, and whether that can be."""
        file, home = draft.file, self._hub.catalogue.home
        workload = protocol_file(file.protocol, home).workload if file.protocol else None
        if workload is not None and workload not in file.columns():
            yield (
                "protocol",
                file.protocol or "",
                f"{file.protocol} is for workload {workload}, which is not asked",
            )
            return
        draft.asks = column_asks(file, draft.suites, draft.asked.files, protocol_workload=workload)
        for key, ask in draft.asks.items():
            compared = file.baseline is not None and key in comparing.DEFAULT_PROTOCOLS
            try:
                asked = check_ask(
                    ask, home, protocols=comparing.DEFAULT_PROTOCOLS if compared else DEFAULT_PROTOCOLS
                )
            except (AskError, InputError, ConfigError) as error:
                yield _key_of(str(error), key, file), "", str(error)
                continue
            draft.launches[key] = _launches(key, ask, asked.protocol.launches if asked.protocol else None)

    async def plan(self, draft: Draft, *, campaign_id: str | None = None) -> Plan:
        """The plan for the phones that are there now.

        Raises:
            AskError: it has too many cells.
            SelectionError: no phone is meant, or none of them can be used.
        """
        await self._hub.phones.settled()
        devices = self._hub.phones.devices()
        chosen, twins = _one_each(select(devices, draft.selectors, CAN_WAIT))
        _check_size(draft.file, len(chosen), len(draft.asks))
        holdings = await self._holdings(chosen)
        why = [f"{twin.serial} has the serial number of another phone" for twin in twins]
        now_s = self._hub.clock.wall_s()
        host = HubHost(
            self._hub.catalogue,
            chosen,
            draft.asks,
            holdings=holdings,
            lengths=self._hub.store.run_lengths,
            baseline=draft.baseline,
        )
        asked = Asked(
            file=draft.file,
            text=draft.asked.text,
            phones=[phone_ref(device) for device in chosen],
            models={name: self._thing(host, name) for name in _models(draft.file)},
            suites={file: suite.name for file, suite in draft.suites.items()},
            launches=draft.launches,
        )
        return make_plan(
            asked,
            host,
            plan_id=campaign_id or new_run_id(now_s),
            name=Path(draft.asked.place).stem,
            created=now_s,
            seed=secrets.randbelow(_MOST_SEED),
            missing="; ".join(filter(None, [left_out(devices, draft.selectors, [*chosen, *twins]), *why]))
            or None,
            max_duration_s=_duration_s(draft.asked.max_duration),
        )

    @staticmethod
    def _thing(host: HubHost, name: str) -> ThingRef:
        model = host.model(name)
        return ThingRef(name=model.name, id=model.id)

    async def _holdings(self, devices: Iterable[Device]) -> dict[str, dict[str, str]]:
        async def ask(device: Device) -> tuple[str, dict[str, str]]:
            assert device.identity is not None
            try:
                held = await read_holdings(self._hub.phones.transport(device))
            except AdbError:
                held = {}  # then all counts as to be pushed
            return device.identity.serialno, held

        found = await asyncio.gather(*(ask(device) for device in devices if not device.is_host))
        return dict(found)


def baseline_path(home: Home, name: str) -> Path:
    """Where a saved baseline lies.

    Raises:
        InputError: the name cannot be a file's.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"baseline {name}", "cannot be its name", remedy="use letters, digits and ._-")
    return home.baselines / f"{name}.json"


def _key_of(problem: str, column: str, file: CampaignFile) -> str:
    """The key of the file that a problem with a column's runs comes from."""
    named = problem.removeprefix("--").split(" ")[0].rstrip(":")
    if named in msgspec.structs.asdict(file) and getattr(file, named):
        return named
    return {"eval": "eval", "suite": "suites"}.get(column.partition(":")[0], "workloads")


def _duration_s(text: str | None) -> float | None:
    if text is None:
        return None
    found = parse_duration_s(text)
    if found is None:
        raise AskError(f"--max-duration {text}: is no duration; write one as 90s, 30m, 8h or 2d")
    return found


def _one_each(devices: Iterable[Device]) -> tuple[list[Device], list[Device]]:
    """Those with a serial number of their own, and the twins of these: cells go by that number."""
    first: dict[str, Device] = {}
    twins = []
    for device in devices:
        assert device.identity is not None
        if first.setdefault(device.identity.serialno, device) is not device:
            twins.append(device)
    return list(first.values()), twins


def _check_size(file: CampaignFile, phones: int, columns: int) -> None:
    settings = grid(file.sweep) if file.sweep is not None else [{}]
    assert not isinstance(settings, str)  # or its file would not have been taken
    counts = (phones, len(file.models), len(file.engines) or 1, len(file.profiles), columns, len(settings))
    if (cells := math.prod(counts)) > MOST_CELLS:
        raise AskError(
            f"this campaign has {cells} cells, and {MOST_CELLS} are the most: name fewer phones, models, "
            "engines, profiles, workloads or settings"
        )


def _models(file: CampaignFile) -> list[str]:
    base = file.baseline.model if file.baseline else None
    return list(dict.fromkeys([*file.models, *([base] if base else [])]))


def _launches(key: str, ask: RunAsk, of_protocol: int | None) -> int:
    if ask.suite is not None:
        return len(ask.suite.prompts)
    if key == EVAL:
        return len(ask.eval_files) + (ask.perplexity_text is not None)
    return of_protocol or ask.launches or 1


def _missing(
    key: str, names: Iterable[str | None], get: Callable[[str], object]
) -> Iterator[tuple[str, str, str]]:
    for name in names:
        if not name:
            continue
        try:
            get(name)
        except HubError as error:
            yield key, name, str(error)


def _bad_selector(key: str, selector: str) -> Iterator[tuple[str, str, str]]:
    try:
        check_selector(selector, place=key)
    except SelectionError as error:
        yield key, selector, str(error).removeprefix(f"{key} ")


def _line(text: str, key: str, value: str) -> int | None:
    """The line of a key, or of a value in its list, where that has several lines."""
    first = line_of(text, key)
    if first is None or not value:
        return first
    lines = text.splitlines()
    quoted = (f'"{value}"', f"'{value}'")
    for number in range(first, len(lines) + 1):
        if any(one in lines[number - 1] for one in quoted):
            return number
    return first
