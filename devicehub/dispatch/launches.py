"""What each step of a run starts on the phone: which program, with which arguments, on which files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.dispatch.eval_ask import EVAL, PERPLEXITY_PROGRAM, eval_file, eval_texts
from devicehub.errors import InputError
from devicehub.profiles.custom import Custom
from devicehub.runner.contract import LOG_TAGS, Command, engine_env, launch_dir
from devicehub.runs.steps import folder_number, own_steps
from devicehub.workloads import custom, llm_bench, llm_demo, mnn_chat_plan
from devicehub.workloads.config import work_hash
from devicehub.workloads.kinds import Place, Start
from devicehub.workloads.media import rewrite
from devicehub.workloads.prompts import encode_prompts
from devicehub.workloads.suite import encode_suite_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.dispatch.request import RunRequest
    from devicehub.runs.model import RunHeader
    from devicehub.runs.steps import Step

APP: Final = "app"
CUSTOM: Final = "custom"
_PROGRAMS: Final = {"demo": "llm_demo", "bench": "llm_bench"}
FIXTURE_PROGRAM: Final = "llm_demo"
"""What answers a fixture, whatever the workload starts."""
_FIXTURE_CONFIG: Final = "fixture.json"
_PROMPTS: Final = "prompt.txt"
_IDLE: Final = ("/system/bin/sleep", "60")
"""Long enough for the three readings of a battery gauge that changes each ten seconds."""


@dataclass(frozen=True)
class Half:
    """One run as the phone is told of it; a comparison has two.

    Attributes:
        phone_run_id: the name of its folder there.
        fixture_config: with which its fixture is answered, where that is asked.
    """

    request: RunRequest
    header: RunHeader
    phone_run_id: str
    fixture_config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_dir(self) -> str:
        """Its folder on the phone."""
        return f"{self.request.ground.root}/runs/{self.phone_run_id}"


def programs_of(request: RunRequest) -> set[str]:
    """The engine's programs that the workload starts; none where it starts one of the phone's own.

    Raises:
        InputError: there is no such workload.
    """
    if request.custom is not None:
        return {request.custom.program} if request.custom.program else set()
    if (asked := request.asked_eval) is not None:
        named = {"llm_demo": bool(asked.files), PERPLEXITY_PROGRAM: asked.text_sha256 is not None}
        return {program for program, is_asked in named.items() if is_asked}
    if request.workload not in _PROGRAMS:
        known = ", ".join((*_PROGRAMS, APP, EVAL, CUSTOM))
        raise InputError(f"workload {request.workload}", "is not known", remedy=f"use one of {known}")
    return {_PROGRAMS[request.workload]}


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
    """Names of what every launch of the workload writes for the hub to fetch; of eval each its own."""
    if request.workload == EVAL:
        return []
    return list(_start(request, config, Place("", "", "", "", ""), "").result_files)


def fetched_files(header: RunHeader, step: Step) -> Sequence[str]:
    """Names of what the launch of a step writes for the hub to fetch."""
    questions = eval_file(header, step)
    return header.result_files if questions is None else (questions[1],)


def commands(halves: Sequence[Half], agent_dir: str) -> list[Command]:
    """One command per step of the list, which all halves share."""
    steps = halves[0].header.steps
    return [_command(halves, number, step, agent_dir) for number, step in enumerate(steps, 1)]


def _command(halves: Sequence[Half], number: int, step: Step, agent_dir: str) -> Command:
    half = halves[step.arm]
    header, request = half.header, half.request
    ground = request.ground
    engine_dir = ground.engine_dir(request.engine) if request.engine else ""
    is_fixture = step.kind == "fixture"
    config = half.fixture_config if is_fixture else header.config
    place = Place(
        engine_dir=engine_dir,
        model_dir=ground.model_dir(request.model),
        work_dir=f"{ground.root}/work/{work_hash(header.engine.id, request.model.id, config)}",
        run_dir=half.run_dir,
        launch_dir=launch_dir(half.run_dir, folder_number(header.steps, number)),
        prompt_file=_prompt_file(step),
    )
    run_id = half.phone_run_id if step.arm else None
    if step.kind == "idle":
        return Command(_IDLE, place.run_dir, run_id=run_id)
    if is_fixture:
        argv = llm_demo.argv(f"{engine_dir}/{FIXTURE_PROGRAM}", place.config, place.prompts)
        return Command(
            argv,
            place.work_dir,
            engine_env(engine_dir),
            run_id=run_id,
            config=_FIXTURE_CONFIG,
            discards_cwd=True,
        )
    if request.workload == EVAL:
        return _eval_command(half, step, place)
    is_app = request.workload == APP
    start = _start(request, header.config, place, agent_dir)
    return Command(
        start.argv,
        half.run_dir if is_app else place.work_dir,
        {} if is_app else engine_env(engine_dir),
        result_files=start.result_files,
        run_id=run_id,
        gated=step.gated,
        sampled=step.sampled,
    )


def _eval_command(half: Half, step: Step, place: Place) -> Command:
    """A launch of workload eval: in its own folder, for llm_demo writes the answers to where it runs."""
    config, questions = f"{place.run_dir}/config.json", eval_file(half.header, step)
    if questions is None:
        # It reads prompt.txt of the folder that it is given.
        argv = [f"{place.engine_dir}/{PERPLEXITY_PROGRAM}", config, place.run_dir]
    else:
        argv = llm_demo.argv(f"{place.engine_dir}/llm_demo", config, f"{place.run_dir}/{questions[1]}")
    return Command(
        argv,
        place.launch_dir,
        engine_env(place.engine_dir),
        result_files=fetched_files(half.header, step),
        gated=step.gated,
        sampled=step.sampled,
    )


def run_files(half: Half) -> dict[str, bytes]:
    """What goes into the run's folder before it starts; the prompts name their media where these lie then."""
    request, header = half.request, half.header
    places = {path: f"{half.run_dir}/{media.name}" for path, media in request.media.items()}
    files = {media.name: media.content for media in request.media.values()}
    own = {"config.json": config_file(header.config), _PROMPTS: rewrite(request.prompts, places)}
    return files | own | _fixture_files(half) | _suite_files(half) | eval_texts(half.header.asked_eval)


def _fixture_files(half: Half) -> dict[str, bytes]:
    header = half.header
    if header.fixture is None:
        return {}
    files = {_FIXTURE_CONFIG: config_file(half.fixture_config)}
    for step in header.steps:
        if step.kind == "fixture" and step.arm == header.arm:
            prompt = header.fixture.prompts[step.prompt or 0].prompt
            files[_prompt_file(step)] = encode_prompts(prompt, one_prompt=True, place="fixture")
    return files


def _suite_files(half: Half) -> dict[str, bytes]:
    suite = half.header.asked_suite
    if suite is None:
        return {}
    steps = own_steps(half.header.steps, half.header.arm).values()
    return {
        _prompt_file(step): encode_suite_prompt(suite.prompts[step.prompt])
        for step in steps
        if step.kind == "measured" and step.prompt is not None
    }


def _prompt_file(step: Step) -> str:
    """What a step's prompts are called in the run's folder."""
    if step.prompt is None:
        return _PROMPTS
    return f"{'fixture' if step.kind == 'fixture' else 'suite'}_{step.prompt}.txt"


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
    program = f"{place.engine_dir}/{_PROGRAMS[request.workload]}"
    return Start(tuple(llm_demo.argv(program, place.config, place.prompts)))
