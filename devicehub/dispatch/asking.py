"""From what a client asks, by names, to what is asked of each phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.deploy.targets import Ground, model_target
from devicehub.device.values import phone_values
from devicehub.dispatch.engine_fit import obstacles, refuse
from devicehub.dispatch.eval_ask import check_eval, eval_asked
from devicehub.dispatch.header import fits
from devicehub.dispatch.protocol_choice import NO_PROTOCOL, choose_protocol
from devicehub.dispatch.request import MediaFile, RunRequest
from devicehub.engines.bundle import VIRTUAL
from devicehub.engines.wheel import WHEEL, wheel_engine
from devicehub.errors import AskError, InputError
from devicehub.files import host_path, read_file
from devicehub.profiles.load import for_phone, run_profile
from devicehub.profiles.schema import MOST_LAUNCHES
from devicehub.runner.contract import Limits
from devicehub.runs.retry import RetryPolicy
from devicehub.workloads.llm_bench import BenchOptions
from devicehub.workloads.media import find_tags, phone_name
from devicehub.workloads.mnn_chat_plan import AppPlan, plan_benchmark, plan_prompts
from devicehub.workloads.prompts import encode_prompts
from devicehub.workloads.suite import encode_suite_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.device.model import Device
    from devicehub.engines.catalog import Engine, EngineCatalog
    from devicehub.models.catalog import Model, ModelCatalog
    from devicehub.profiles.load import RunProfile
    from devicehub.runs.ask import RunAsk
    from devicehub.runs.model import Protocol
    from devicehub.settings import Home
    from devicehub.workloads.suite import Suite

WORKLOADS: Final = ("demo", "bench", "app", "eval", "custom")
DEFAULT_PROTOCOLS: Final[Mapping[str, str]] = {"bench": "standard"}
"""By workload, of single runs; the others make one launch where none is asked for."""
_MOST_MEDIA_MIB: Final = 512
_BENCH_ONLY: Final = ("prompt_tokens", "decode_tokens", "repeats")


@dataclass(frozen=True)
class Catalogue:
    """What there is to run, and the user's own profiles."""

    home: Home
    models: ModelCatalog
    engines: EngineCatalog

    def engine_for(self, device: Device, name: str | None = None) -> Engine:
        """The engine of that name, or without a name the one engine that the phone takes.

        A virtual phone's is the one that is made for it.

        Raises:
            InputError: there is no such engine, or several, or something speaks against the only one.
        """
        if device.is_host and name in (None, WHEEL):
            return wheel_engine(self.home)
        if name is not None:
            return self.engines.get(name)
        loadable = [engine for engine in self.engines.list() if fits(engine, device)]
        fitting = [engine for engine in loadable if not obstacles(engine, device)]
        if device.virtual:
            # One for real phones may run there as well, slowly: whoever wants it names it.
            fitting = [engine for engine in fitting if engine.abi == VIRTUAL] or fitting
        if len(fitting) == 1:
            return fitting[0]
        if loadable and not fitting:
            refuse(obstacles(loadable[0], device))
        if fitting:
            names = ", ".join(engine.name for engine in fitting)
            raise InputError(
                device.serial, f"takes several engines: {names}", remedy="name one with --engine"
            )
        raise InputError(
            device.serial,
            "takes none of the catalogue's engines",
            remedy="add one: `devicehub engines add PATH`",
        )


@dataclass(frozen=True)
class Asked:
    """What is asked, checked as far as no phone is needed.

    Attributes:
        prompts: the prompt file to send, or the text of which the perplexity is asked; empty where none was
            given.
        media: the files of this host that the prompts name.
        protocol: how the figures are made; None makes plain launches.
    """

    ask: RunAsk
    prompts: bytes
    media: Mapping[str, MediaFile]
    protocol: Protocol | None = None

    @property
    def is_app(self) -> bool:
        """Whether MnnLlmChat is asked."""
        return self.ask.workload == "app"


def check_ask(ask: RunAsk, home: Home, *, protocols: Mapping[str, str] = DEFAULT_PROTOCOLS) -> Asked:
    """Check what is asked.

    Args:
        ask: by names.
        home: holds the user's own protocols.
        protocols: by workload, the one where none is named.

    Raises:
        AskError: things that do not go together, a limit that is none.
        InputError: a prompt or a protocol that cannot be used.
    """
    _check_workload(ask)
    check_eval(ask)
    if ask.suite is not None:
        _check_suite(ask, ask.suite, has_protocol=_names_protocol(ask, protocols))
    chosen = choose_protocol(ask, home, default=protocols.get(ask.workload))
    if ask.measure_cost and (chosen.launches if chosen else ask.launches or 1) < 2:
        raise AskError("--measure-cost needs several launches; give --launches 6 or a --protocol")
    if unknown := sorted(ask.limits.keys() - Limits.__dataclass_fields__.keys()):
        raise AskError(f"limit {unknown[0]}: is none; there are {', '.join(Limits.__dataclass_fields__)}")
    prompts = read_prompts(ask) if ask.workload == "demo" or _has_prompt(ask) else b""
    if ask.perplexity_text is not None:
        prompts = ask.perplexity_text.encode()
    media = _read_media(ask, prompts) if ask.workload == "demo" else {}
    return Asked(ask, prompts, media, chosen)


def _has_prompt(ask: RunAsk) -> bool:
    return any(said is not None for said in (ask.prompt, ask.prompts, ask.prompts_file))


def _check_workload(ask: RunAsk) -> None:
    workload = ask.workload
    if workload not in WORKLOADS:
        raise AskError(f"--workload {workload}: is none; there are {', '.join(WORKLOADS)}")
    if workload == "custom" and ask.profile is None:
        raise AskError("--workload custom needs --profile, a profile that says what to start")
    if workload != "bench" and (given := [name for name in _BENCH_ONLY if getattr(ask, name) is not None]):
        raise AskError(f"--{given[0].replace('_', '-')} is for --workload bench")
    if workload == "bench" and _has_prompt(ask):
        raise AskError("llm_bench takes no prompt; it makes its own of --prompt-tokens")
    if workload == "app" and ask.engine is not None:
        raise AskError("MnnLlmChat brings its own engine; leave --engine out")
    if workload == "custom" and ask.verify_output:
        raise AskError("the command of workload custom answers no fixture; leave --verify-output out")


def _names_protocol(ask: RunAsk, protocols: Mapping[str, str]) -> bool:
    return (ask.protocol or protocols.get(ask.workload, NO_PROTOCOL)) != NO_PROTOCOL


def _check_suite(ask: RunAsk, suite: Suite, *, has_protocol: bool) -> None:
    if ask.workload != "demo":
        raise AskError(f"--suite is for --workload demo, whose answers are read; not for {ask.workload}")
    unfit = {
        "a prompt": _has_prompt(ask),
        "--launches": ask.launches is not None,
        "--measure-cost": ask.measure_cost,
        "--join-lines": ask.join_lines,
    }
    if given := [name for name, is_given in unfit.items() if is_given]:
        raise AskError(f"--suite asks its own prompts, each in one launch; leave {given[0]} out")
    if problem := next(suite.problems(), None):
        key, words = problem
        raise InputError(f"suite {suite.name}", f"{key} {words}", remedy="see `[[prompt]]` in the README")
    if has_protocol and len(suite.prompts) > MOST_LAUNCHES:
        raise AskError(
            f"suite {suite.name}: has {len(suite.prompts)} prompts, and a protocol makes at most "
            f"{MOST_LAUNCHES} launches; split it, or leave --protocol out"
        )


def load_profile(asked: Asked, home: Home, *, name: str | None = None) -> RunProfile | None:
    """The run profile; None for the app, which reads the model's own configuration.

    Args:
        asked: what is asked.
        home: holds the user's own.
        name: of another profile than is asked.

    Raises:
        AskError: it is for another workload, or takes no prompts where there are some, or the reverse.
    """
    if asked.is_app:
        return None
    workload = asked.ask.workload
    profile = run_profile(name or asked.ask.profile or "default", home)
    if profile.custom is None:
        if workload == "custom":
            raise AskError(f"profile {profile.id} names no command, so it is not for --workload custom")
    elif workload != "custom":
        raise AskError(f"profile {profile.id} names a command of its own; give --workload custom")
    elif profile.custom.takes_prompts and not asked.prompts:
        raise AskError(f"profile {profile.id} takes a prompt; give --prompt TEXT or --prompt-file FILE")
    elif asked.prompts and not profile.custom.takes_prompts:
        raise AskError(f"the command of profile {profile.id} takes no prompt: it names no {{prompts}}")
    return profile


def make_request(
    catalogue: Catalogue,
    model: Model,
    device: Device,
    asked: Asked,
    *,
    run_id: str,
    profile: RunProfile | None,
    engine: str | None = None,
) -> RunRequest:
    """What is asked of one phone; `engine` is the name of another engine than is asked.

    Raises:
        InputError: the phone takes no engine, or several.
    """
    ask, protocol = asked.ask, asked.protocol
    chosen = None if asked.is_app else catalogue.engine_for(device, engine or ask.engine)
    evaluation = eval_asked(ask, chosen)
    launches = len(ask.suite.prompts) if ask.suite else ask.launches or 1
    if profile is not None:
        profile, _ = for_phone(profile, phone_values(device.facts))
    return RunRequest(
        run_id=run_id,
        engine=chosen,
        model=model,
        profile=profile,
        prompts=asked.prompts,
        media=asked.media,
        suite=ask.suite,
        asked_eval=evaluation,
        workload=ask.workload,
        overrides=ask.overrides,
        no_think=ask.no_think,
        bench=_bench_options(asked) if ask.workload == "bench" else None,
        app=_app_plan(model, asked) if asked.is_app else None,
        custom=profile.custom if profile else None,
        protocol=protocol,
        launches=protocol.launches if protocol else evaluation.launches if evaluation else launches,
        steady=protocol.steady if protocol else ask.steady,
        energy=ask.energy,
        measure_cost=ask.measure_cost,
        verify_output=ask.verify_output,
        limits=Limits(**ask.limits),
        sample_hz=ask.sample_hz,
        strict=ask.strict,
        retries=RetryPolicy(retries=ask.retries),
        patience_s=ask.patience_s,
        ground=_ground(device, catalogue.home),
    )


def _ground(device: Device, home: Home) -> Ground:
    return Ground(str(home.local.absolute()), in_place=True) if device.is_host else Ground()


def _app_plan(model: Model, asked: Asked) -> AppPlan:
    benchmark = plan_benchmark(
        profile=asked.ask.profile, overrides=asked.ask.overrides, has_prompts=bool(asked.prompts)
    )
    return AppPlan(
        model_dir=model_target(model).directory,
        model_name=model.name,
        prompts=plan_prompts(asked.prompts),
        benchmark=benchmark,
    )


def _bench_options(asked: Asked) -> BenchOptions:
    if asked.protocol is not None:
        extra = ("-load", "true") if asked.protocol.load else ()
        return BenchOptions(**{name: getattr(asked.protocol, name) for name in _BENCH_ONLY}, extra=extra)
    given = {name: value for name in _BENCH_ONLY if (value := getattr(asked.ask, name)) is not None}
    return BenchOptions(**given)


def read_prompts(ask: RunAsk) -> bytes:
    """The prompt file to send; of a suite its first prompt, with which the run warms up.

    Raises:
        AskError: no prompt was given, or more than one way.
        InputError: the file cannot be read, or llm_demo would not read it as it is meant.
    """
    if ask.suite is not None:
        return encode_suite_prompt(ask.suite.prompts[0])
    given = [said for said in (ask.prompt, ask.prompts, ask.prompts_file) if said is not None]
    if len(given) != 1:
        raise AskError("give either --prompt TEXT or --prompt-file FILE")
    if ask.prompt is not None:
        return encode_prompts(ask.prompt, join_lines=ask.join_lines, one_prompt=True, place="--prompt")
    if ask.prompts is not None:
        return encode_prompts(ask.prompts, join_lines=ask.join_lines, place="prompts")
    file = host_path(given[0])
    try:
        text = read_file(file, remedy="give a text file").decode()
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{file} line {line}", "is not UTF-8", remedy="save the file as UTF-8") from error
    return encode_prompts(text, join_lines=ask.join_lines, place=str(file))


def _read_media(ask: RunAsk, prompts: bytes) -> dict[str, MediaFile]:
    """The files that the prompts name, by their paths as they stand there; the engine fetches URLs itself.

    Raises:
        AskError: the prompts name files, and whoever asks may name none of this host.
        InputError: one of them cannot be read.
    """
    found: dict[str, MediaFile] = {}
    for tag in find_tags(prompts):
        if tag.is_url or tag.path in found:
            continue
        if ask.media_folder is None:
            raise AskError(
                f"the prompt names {tag.path} in <{tag.kind}>: a client elsewhere can give URLs only"
            )
        content = read_file(
            host_path(ask.media_folder) / host_path(tag.path),
            remedy=f"the prompt names it in <{tag.kind}>",
            most_mib=_MOST_MEDIA_MIB,
        )
        found[tag.path] = MediaFile(phone_name(tag, content), content)
    return found
