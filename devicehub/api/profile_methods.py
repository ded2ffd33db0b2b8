"""The method that tells what a run profile comes to on a phone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from devicehub.api import contract
from devicehub.api.job_model import SettledView
from devicehub.device.select import select
from devicehub.device.values import phone_values
from devicehub.dispatch.profile_fit import base_config, check_npu, check_parts
from devicehub.errors import AskError, InputError
from devicehub.findings import errors
from devicehub.lint.keys import default_of
from devicehub.lint.settings import lint_settings
from devicehub.lint.subject import Known
from devicehub.profiles.layers import merge
from devicehub.profiles.load import for_phone, run_profile
from devicehub.workloads.config import final_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.api.server import Caller, Handler
    from devicehub.api.services import Services
    from devicehub.device.model import Device
    from devicehub.models.catalog import Model
    from devicehub.profiles.load import RunProfile

_TUNING: Final = (
    *("backend_type", "thread_num", "precision", "memory", "power", "attention_mode", "dynamic_option"),
    *("chunk", "use_mmap", "max_new_tokens", "sampler_type", "speculative_type"),
)
"""What people turn; the defaults of these are told where nothing sets them."""
_OF_THE_HUB: Final = "devicehub"


class ProfileMethods:
    """Handlers of `profiles.settle`."""

    def __init__(self, services: Services) -> None:
        self._hub = services

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {contract.PROFILE_SETTLE.name: self.settle}

    async def settle(self, params: contract.SettleProfile, _caller: Caller) -> SettledView:
        """The config.json that a run profile would make on a phone, and where each value comes from.

        Raises:
            AskError: several phones are meant.
            InputError: there is no such profile or model.
            SelectionError: no phone is meant, or none is ready.
        """
        profile = run_profile(params.profile, self._hub.catalogue.home)
        await self._hub.phones.settled()
        devices = select(self._hub.phones.devices(), params.selectors)
        if len(devices) != 1:
            raise AskError("a profile is shown for one phone; name it with --on")
        model = await asyncio.to_thread(self._model, params.model)
        return _settled(profile, devices[0], model, params.overrides)

    def _model(self, name: str | None) -> Model | None:
        models = self._hub.catalogue.models
        if name is not None:
            return models.get(name)
        known = models.list()
        return known[0] if len(known) == 1 else None


def _settled(
    profile: RunProfile, device: Device, model: Model | None, overrides: Mapping[str, Any]
) -> SettledView:
    profile, settled = for_phone(profile, phone_values(device.facts))
    origins = {**settled.origins, **dict.fromkeys(overrides, "command line")}
    config = merge(settled.config, overrides)
    refused: str | None = None
    try:
        check_npu(profile, device)
    except InputError as error:
        refused = str(error)
    if model is not None and refused is None:
        try:
            check_parts(profile, model, None)
            own = base_config(model, profile)
            config = _whole(own, profile, model, overrides)
            origins = {**dict.fromkeys(config, _OF_THE_HUB), **dict.fromkeys(own, "model"), **origins}
        except InputError as error:
            refused = str(error)
    sources = {key: f"profile {profile.id}: {key}" for key in settled.config}
    sources |= {key: f"--set {key}" for key in overrides}
    known = Known(llm_config=model.llm_config if model else {}, files=_files(model), sources=sources)
    forbidding = errors(lint_settings(config, known)) if model is not None else []
    if refused is None and forbidding:
        refused = str(forbidding[0])
    return SettledView(
        profile=profile.id,
        serial=device.serial,
        model=model.name if model is not None else None,
        config=config,
        origins={key: origins[key] for key in config},
        defaults={key: default_of(key) for key in _TUNING if key not in config},
        left=settled.left,
        why={key: why for key, why in settled.why.items() if key not in overrides},
        refused=refused,
    )


def _whole(
    own: Mapping[str, Any], profile: RunProfile, model: Model, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    config = final_config(own, profile.config, overrides, base_dir=str(model.root), files=_files(model))
    # Where the model lies is the phone's matter, and known only there.
    del config["base_dir"]
    return config


def _files(model: Model | None) -> frozenset[str]:
    return frozenset(entry.path for entry in model.manifest.files) if model is not None else frozenset()
