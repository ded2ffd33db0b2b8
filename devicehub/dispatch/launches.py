"""The launches of each workload: which programs, with which arguments, on the phone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.deploy.targets import engine_target, model_target
from devicehub.errors import InputError
from devicehub.profiles.custom import Custom
from devicehub.runner.contract import LOG_TAGS, Command, engine_env, launch_dir
from devicehub.settings import PHONE_ROOT
from devicehub.workloads import custom, llm_bench, llm_demo, mnn_chat_plan
from devicehub.workloads.config import work_hash
from devicehub.workloads.kinds import Place, Start
from devicehub.workloads.media import rewrite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.dispatch.request import RunRequest
    from devicehub.runs.model import RunHeader

APP: Final = "app"
CUSTOM: Final = "custom"
_PROGRAMS: Final = {"demo": "llm_demo", "bench": "llm_bench"}


def program_of(request: RunRequest) -> str | None:
    """The engine's program that the workload starts; None for one of the phone's own.

    Raises:
        InputError: there is no such workload.
    """
    if request.custom is not None:
        return request.custom.program
    if request.workload not in _PROGRAMS:
        known = ", ".join((*_PROGRAMS, APP, CUSTOM))
        raise InputError(f"workload {request.workload}", "is not known", remedy=f"use one of {known}")
    return _PROGRAMS[request.workload]


def options_of(request: RunRequest) -> dict[str, Any]:
    """What the workload is asked beside config and prompts."""
    asked = request.app or request.bench or request.custom
    options: dict[str, Any] = {} if asked is None else msgspec.to_builtins(asked)
    return options


def app_plan_of(header: RunHeader) -> mnn_chat_plan.AppPlan:
    """What the app is asked in a run of workload app."""
    return msgspec.convert(header.options, mnn_chat_plan.AppPlan)


def custom_of(header: RunHeader) -> Custom:
    """The command of a run of workload custom, and what its output means.

    Raises:
        InputError: another version of the hub wrote it.
    """
    try:
        return msgspec.convert(header.options, Custom)
    except msgspec.ValidationError as error:
        raise InputError(
            f"run {header.id}",
            f"has a custom workload that this version cannot read: {error}",
            remedy="collect it with the version of devicehub that started it",
        ) from error


def log_tags_of(request: RunRequest) -> Sequence[str]:
    """What the capture of the phone's log keeps."""
    if request.custom is not None:
        return (*LOG_TAGS, *custom.log_tags(request.custom))
    return mnn_chat_plan.LOG_TAGS if request.workload == APP else LOG_TAGS


def result_files_of(request: RunRequest, config: Mapping[str, Any]) -> list[str]:
    """Names of what each launch writes for the hub to fetch."""
    return list(_start(request, config, Place("", "", "", "", ""), "").result_files)


def commands(request: RunRequest, header: RunHeader, phone_run_id: str, agent_dir: str) -> list[Command]:
    """One command per launch."""
    run_dir = f"{PHONE_ROOT}/runs/{phone_run_id}"
    engine_dir = engine_target(request.engine).directory if request.engine else ""
    work = work_hash(header.engine.id, request.model.id, header.config)
    found = []
    for number in range(1, header.launches_asked + 1):
        place = Place(
            engine_dir=engine_dir,
            model_dir=model_target(request.model).directory,
            work_dir=f"{PHONE_ROOT}/work/{work}",
            run_dir=run_dir,
            launch_dir=launch_dir(run_dir, number),
        )
        start = _start(request, header.config, place, agent_dir)
        is_app = request.workload == APP
        found.append(
            Command(
                start.argv,
                run_dir if is_app else place.work_dir,
                {} if is_app else engine_env(engine_dir),
                result_files=start.result_files,
            )
        )
    return found


def run_files(request: RunRequest, header: RunHeader, phone_run_id: str) -> dict[str, bytes]:
    """What goes into the run's folder before it starts; the prompts name their media where these lie then."""
    run_dir = f"{PHONE_ROOT}/runs/{phone_run_id}"
    places = {path: f"{run_dir}/{media.name}" for path, media in request.media.items()}
    files = {media.name: media.content for media in request.media.values()}
    own = {"config.json": config_file(header.config), "prompt.txt": rewrite(request.prompts, places)}
    return files | own


def config_file(config: Mapping[str, Any]) -> bytes:
    """The config.json that the engine is given."""
    return json.dumps(config, ensure_ascii=False, indent=2).encode()


def _start(request: RunRequest, config: Mapping[str, Any], place: Place, agent_dir: str) -> Start:
    if request.app is not None:
        return mnn_chat_plan.start(request.app, place, agent_dir)
    if request.bench is not None:
        return llm_bench.start(place, config, request.bench)
    if request.custom is not None:
        return custom.start(place, request.custom)
    program = f"{place.engine_dir}/{program_of(request)}"
    return Start(tuple(llm_demo.argv(program, place.config, place.prompts)))
