"""What is settled before a run starts: whether it can work at all, and what is known of it then."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from devicehub.dispatch.config_fit import check_config
from devicehub.dispatch.engine_fit import check_engine
from devicehub.dispatch.generation import check_generation
from devicehub.dispatch.launches import APP, config_file, options_of, programs_of, result_files_of
from devicehub.dispatch.profile_fit import base_config, check_npu, check_parts
from devicehub.engines.bundle import VIRTUAL
from devicehub.errors import InputError
from devicehub.runs.model import DeviceRef, EngineRef, ModelRef, RunHeader
from devicehub.workloads.config import final_config
from devicehub.workloads.llm_bench import config_for_bench
from devicehub.workloads.media import check_media, count_kinds, find_tags

if TYPE_CHECKING:
    from devicehub.deploy.apk import InstalledApp
    from devicehub.device.model import Device
    from devicehub.dispatch.means import AdbFacts
    from devicehub.dispatch.request import RunRequest
    from devicehub.engines.catalog import Engine
    from devicehub.runner.contract import Limits

OLDEST_SDK: Final = 26


def fits(engine: Engine, device: Device) -> bool:
    """Whether the phone can load the engine at all; virtual engines run on virtual phones only."""
    if engine.abi == VIRTUAL:
        return device.virtual
    return device.facts is not None and engine.abi in device.facts.abis


def check_fit(request: RunRequest, device: Device) -> None:
    """Refuse what cannot work before a byte is pushed.

    Raises:
        InputError: the phone is too old, the engine is for others or lacks the workload's program, or a value
            of the configuration is one with which it crashes or answers garbage.
    """
    if device.is_host:
        _check_host(request)
    if request.profile is not None:
        check_npu(request.profile, device)
        check_parts(request.profile, request.model, request.engine)
    config = merged_config(request)
    check_config(request, config)
    engine, facts = request.engine, device.facts
    assert facts is not None
    if facts.sdk is not None and facts.sdk < OLDEST_SDK:
        raise InputError(
            device.serial, f"runs Android {facts.android}", remedy="the agent needs Android 8 or newer"
        )
    check_generation(request.model, device)
    if engine is None:
        return
    if not fits(engine, device):
        abis = ", ".join(facts.abis) or "no known ABI"
        raise InputError(
            f"engine {engine.name}",
            f"is for {engine.abi}, {device.serial} takes {abis}",
            remedy="add an engine for this phone (`devicehub engines add PATH`)",
        )
    check_engine(request, config, device)
    if request.workload == "demo" and (tags := find_tags(request.prompts)):
        model = request.model
        check_media(tags, llm_config=model.llm_config, omni=engine.omni, model=model.name, engine=engine.name)
    for program in programs_of(request) - set(engine.executables):
        raise InputError(
            f"engine {engine.name}",
            f"has no {program}, which this workload starts",
            remedy="build MNN with MNN_BUILD_LLM=ON and add the engine again",
        )


def _check_host(request: RunRequest) -> None:
    """Refuse what only a phone can do."""
    asked = {
        "workload app": request.workload == APP,
        "--energy": request.energy,
    }
    if refused := [name for name, is_asked in asked.items() if is_asked]:
        raise InputError(refused[0], "is for phones, and local is this computer", remedy="leave it out")
    # llm_bench splits what it is given at blanks.
    if request.bench is not None and any(char.isspace() for char in request.ground.root):
        raise InputError(
            request.ground.root,
            "holds a blank, at which llm_bench cuts its arguments",
            remedy="set DEVICEHUB_HOME to a folder without one",
        )


def make_header(
    request: RunRequest,
    device: Device,
    *,
    adb: AdbFacts,
    started_s: float,
    app: InstalledApp | None = None,
) -> RunHeader:
    """Everything that is known of the run before its phone was looked at; its steps come with the plan.

    Args:
        request: what is asked.
        device: the phone, identified.
        adb: the server that carries the run.
        started_s: seconds since the epoch.
        app: what takes the engine's place in workload app.

    Raises:
        InputError: the model's configuration cannot be read any more.
    """
    assert device.identity is not None
    config = make_config(request)
    return RunHeader(
        id=request.run_id,
        workload=request.workload,
        virtual=device.virtual,
        device=_device_ref(device),
        engine=_engine_ref(request.engine, app),
        model=ModelRef(id=request.model.id, name=request.model.name),
        profile=request.profile.id if request.profile else "",
        config=config,
        config_sha256=hashlib.sha256(config_file(config)).hexdigest(),
        prompts=request.prompts.count(b"\n"),
        asked_suite=request.suite,
        asked_eval=request.asked_eval,
        steps=[],
        comparison=request.comparison,
        protocol=request.protocol,
        steady=request.steady or bool(request.protocol and request.protocol.steady),
        energy_asked=request.energy,
        cost_asked=request.measure_cost,
        options=options_of(request),
        media=count_kinds(find_tags(request.prompts)) if request.workload == "demo" else {},
        result_files=result_files_of(request, config),
        limits=_limits(request.limits),
        sample_hz=request.sample_hz,
        adb_server=adb.version,
        adb_burst=adb.burst,
        started=started_s,
    )


def merged_config(request: RunRequest) -> dict[str, Any]:
    """The model's configuration under the profile's and the request's own values.

    Raises:
        InputError: the model's cannot be read any more, it has no tokenizer, or not the file that the profile
            begins with.
    """
    model = request.model
    if request.profile is None:
        return model.config  # the app reads the model's own
    return final_config(
        base_config(model, request.profile),
        request.profile.config,
        request.overrides,
        base_dir=request.ground.model_dir(model),
        no_think=request.no_think,
        files=[entry.path for entry in model.manifest.files],
    )


def make_config(request: RunRequest) -> dict[str, Any]:
    """The configuration that the run will have.

    Raises:
        InputError: as `merged_config`.
    """
    config = merged_config(request)
    if request.profile is None or request.bench is None:
        return config
    return config_for_bench(config, f"{request.ground.root}/work/any")


def _engine_ref(engine: Engine | None, app: InstalledApp | None) -> EngineRef:
    if engine is not None:
        return EngineRef(
            id=engine.id, name=engine.name, abi=engine.abi, version=engine.version, logcat=engine.logcat
        )
    package, version = (app.package, app.version) if app else ("", None)
    return EngineRef(
        id=f"{package}@{version or 'unknown'}", name="MnnLlmChat", abi="app", version=version, logcat=True
    )


def _device_ref(device: Device) -> DeviceRef:
    assert device.facts is not None
    assert device.identity is not None
    facts = device.facts
    return DeviceRef(
        serial=device.serial,
        serialno=device.identity.serialno,
        boot_id=device.identity.boot_id,
        product=facts.product,
        manufacturer=facts.manufacturer,
        android=facts.android,
        sdk=facts.sdk,
        soc=facts.soc,
    )


def _limits(limits: Limits | None) -> dict[str, int]:
    pairs: dict[str, Any] = {} if limits is None else vars(limits)
    return {name: value for name, value in pairs.items() if value is not None}
