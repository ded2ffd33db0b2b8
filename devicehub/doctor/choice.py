"""Holds engine, model and run profile against phones: what a run would find out before its first push."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.deploy.targets import engine_target, model_target
from devicehub.dispatch.asking import check_ask, load_profile, make_request
from devicehub.dispatch.config_fit import judge_config
from devicehub.dispatch.engine_fit import judge_engine, obstacles, parts_left_out
from devicehub.dispatch.header import check_fit, fits, make_config, merged_config
from devicehub.doctor.model import HOST, Sheet
from devicehub.doctor.phone_judge import Needs
from devicehub.errors import HubError, InputError
from devicehub.models.memory import memory_needed_kib
from devicehub.runs.ask import RunAsk

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.adb.client import Transport
    from devicehub.device.model import Device
    from devicehub.dispatch.asking import Asked, Catalogue
    from devicehub.dispatch.request import RunRequest
    from devicehub.doctor.model import Row
    from devicehub.doctor.phone_facts import PhoneLook
    from devicehub.models.catalog import Model

PROMPT: Final = "Say yes."
MOST_TOKENS: Final = 8
_INVENTORY_S: Final = 20.0


@dataclass(frozen=True)
class Wish:
    """What a run is to be made of, by names; None is what `run` would take by itself."""

    engine: str | None = None
    model: str | None = None
    profile: str | None = None

    def ask(self, model: str) -> RunAsk:
        """The short run of it that tells whether it works."""
        return RunAsk(
            model=model,
            engine=self.engine,
            profile=self.profile,
            prompt=PROMPT,
            overrides={"max_new_tokens": MOST_TOKENS},
            retries=0,
        )


@dataclass(frozen=True)
class Fit:
    """Engine, model and profile on one phone.

    Attributes:
        rows: what speaks for and against it.
        needs: what it takes of the phone; None where it is not known what would be run.
        request: the run, where there can be one.
    """

    rows: list[Row]
    needs: Needs | None = None
    request: RunRequest | None = None


def choose_model(catalogue: Catalogue, name: str | None) -> tuple[Model | None, list[Row]]:
    """The model that is named, or the only one; and a row that says so.

    Raises:
        InputError: there is none of that name, or its files have changed.
    """
    sheet = Sheet(HOST)
    names = [model.name for model in catalogue.models.list()] if name is None else [name]
    if not names:
        remedy = "`devicehub models pull` brings one, `devicehub models add DIR` takes an exported one"
        sheet.problem("model", "the catalogue has none", remedy)
        return None, sheet.rows
    if len(names) > 1:
        sheet.warning("model", f"not judged: there are {', '.join(names)}", "name one with --model")
        return None, sheet.rows
    try:
        model = catalogue.models.get(names[0])
    except InputError as error:
        if name is not None:
            raise
        sheet.problem("model", f"{names[0]}: {error.place} {error.problem}", error.remedy)
        return None, sheet.rows
    sheet.ok("model", model.name)
    return model, sheet.rows


async def hold_against(
    look: PhoneLook,
    wish: Wish,
    model: Model | None,
    catalogue: Catalogue,
    transport: Callable[[Device], Transport],
) -> Fit:
    """Hold a wish against one phone as it was met.

    Raises:
        AskError: the profile is of another workload.
        InputError: something that is named is not there.
    """
    sheet = Sheet(look.device.serial)
    if model is None:
        _engine_alone(sheet, look.device, wish, catalogue)
        return Fit(sheet.rows)
    asked = await asyncio.to_thread(check_ask, wish.ask(model.name), catalogue.home)
    request = _request(sheet, look.device, model, asked, wish, catalogue)
    if request is None or look.device.facts is None:
        return Fit(sheet.rows)
    _judge(sheet, look, request)
    needs = await _needs(look, request, transport)
    return Fit(sheet.rows, needs, request)


def _engine_alone(sheet: Sheet, device: Device, wish: Wish, catalogue: Catalogue) -> None:
    """Without a model no configuration is known: only whether there is an engine."""
    try:
        engine = catalogue.engine_for(device, wish.engine)
    except InputError as error:
        _no_engine(sheet, device, error, wish, catalogue)
        return
    found = obstacles(engine, device)
    for one in found:
        sheet.finding("engine", one)
    if not found:
        sheet.ok("engine", f"{engine.id}: nothing speaks against it")


def _request(
    sheet: Sheet, device: Device, model: Model, asked: Asked, wish: Wish, catalogue: Catalogue
) -> RunRequest | None:
    profile = load_profile(asked, catalogue.home)
    try:
        catalogue.engine_for(device, wish.engine)
    except InputError as error:
        _no_engine(sheet, device, error, wish, catalogue)
        return None
    try:
        request = make_request(catalogue, model, device, asked, run_id="", profile=profile)
        make_config(request)
    except InputError as error:
        sheet.problem("config", f"{error.place} {error.problem}", error.remedy)
        return None
    return request


def _no_engine(sheet: Sheet, device: Device, error: InputError, wish: Wish, catalogue: Catalogue) -> None:
    if wish.engine is not None:
        raise error
    fitting = [
        engine
        for engine in catalogue.engines.list()
        if fits(engine, device) and not obstacles(engine, device)
    ]
    if len(fitting) > 1:
        names = ", ".join(engine.name for engine in fitting)
        sheet.warning("engine", f"not judged: it takes {names}", "name one with --engine")
    else:
        sheet.problem("engine", error.problem, error.remedy)


def _judge(sheet: Sheet, look: PhoneLook, request: RunRequest) -> None:
    state = look.facts.state if look.facts is not None else None
    assert request.engine is not None
    config = merged_config(request)
    about_engine = judge_engine(request, config, look.device, state)
    for found in about_engine:
        sheet.finding("engine", found)
    if not about_engine:
        sheet.ok("engine", f"{request.engine.id} suits it")
    about_config = judge_config(request, config)
    for found in about_config:
        sheet.finding("config", found)
    if not about_config:
        profile = request.profile.id if request.profile else "none"
        sheet.ok("config", f"{request.model.name} with profile {profile}: nothing against it")
    if any(row.state == "problem" for row in sheet.rows):
        return
    try:
        check_fit(request, look.device)
    except InputError as error:
        sheet.problem("run", f"{error.place} {error.problem}", error.remedy)


async def _needs(look: PhoneLook, request: RunRequest, transport: Callable[[Device], Transport]) -> Needs:
    memory_kib = memory_needed_kib(request.model, make_config(request))
    if look.device.is_host:
        return Needs(memory_kib, 0)
    assert request.engine is not None
    without = parts_left_out(request.engine, look.device, request)
    targets = (engine_target(request.engine, without), model_target(request.model))
    whole = sum(target.manifest.size for target in targets)
    if look.facts is None:
        return Needs(memory_kib, whole)
    way = transport(look.device)
    try:
        async with asyncio.timeout(_INVENTORY_S):
            plans = [await target.plan(way) for target in targets]
    except (HubError, TimeoutError):
        return Needs(memory_kib, whole)
    rooms = [plan.available for plan in plans if plan.available is not None]
    return Needs(memory_kib, sum(plan.bytes_to_send for plan in plans), min(rooms, default=None))
