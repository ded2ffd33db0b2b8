"""What the hub knows of its phones and its catalogue, as planning a campaign asks for it."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Final

from devicehub.campaign.asks import variant_ask
from devicehub.campaign.baseline import match
from devicehub.campaign.plan import Column, Refusal
from devicehub.campaign.planned import PhoneRef, Push, ThingRef
from devicehub.campaign.sweep_grid import same_setting
from devicehub.device.select import find_meant
from devicehub.dispatch.asking import Catalogue, check_ask, load_profile, make_request
from devicehub.dispatch.engine_fit import judge_engine, obstacles
from devicehub.dispatch.header import check_fit, merged_config
from devicehub.dispatch.profile_fit import check_npu, check_parts
from devicehub.engines.catalog import Engine, EngineCatalog
from devicehub.errors import HubError, InputError
from devicehub.findings import errors
from devicehub.models.catalog import Model
from devicehub.models.memory import memory_needed_kib
from devicehub.profiles.load import run_profile
from devicehub.units import KIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.campaign.baseline import Baseline
    from devicehub.campaign.planned import Against, Variant
    from devicehub.device.model import Device
    from devicehub.dispatch.asking import Asked
    from devicehub.profiles.load import RunProfile
    from devicehub.runs.ask import RunAsk
    from devicehub.settings import Home

_LAUNCH_S: Final = 5.0
_PER_GB_S: Final = 20.0
"""What a launch takes where nothing is known: reading the weights, and some tokens."""


class _EnginesOnce(EngineCatalog):
    """The catalogue as it was when it was first asked: a plan asks for thousands of cells."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._all: list[Engine] | None = None

    def list(self) -> list[Engine]:
        """All engines."""
        if self._all is None:
            self._all = super().list()
        return self._all


class _ModelOnce(Model):
    """A model whose configuration is read once; whoever lays values over it makes a copy."""

    @classmethod
    def of(cls, model: Model) -> _ModelOnce:
        """The same model."""
        return cls(**{field.name: getattr(model, field.name) for field in dataclasses.fields(model)})

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """Its config.json, as it was when it was first asked for."""
        return super().config

    @functools.cached_property
    def llm_config(self) -> dict[str, Any]:
        """Its llm_config.json, likewise."""
        return super().llm_config


def phone_ref(device: Device) -> PhoneRef:
    """A phone as plans name it."""
    facts = device.facts
    assert device.identity is not None
    return PhoneRef(
        serial=device.serial,
        serialno=device.identity.serialno,
        product=facts.product if facts else None,
        vendor=facts.soc.vendor if facts else "unknown",
        soc=facts.soc.model if facts else None,
        soc_name=facts.soc.name if facts else None,
        android=facts.android if facts else None,
        virtual=device.virtual,
    )


class HubHost:
    """Answers what a plan asks; each thing is looked up once.

    Args:
        catalogue: of this host.
        devices: the phones that are meant, identified.
        asks: the campaign's, by column key.
        holdings: by ro.serialno, what the phone told of the models that it holds: their ids.
        lengths: seconds and launches of earlier runs of a model on a phone, by workload.
        baseline: the saved one, where the campaign names one.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        devices: Sequence[Device],
        asks: Mapping[str, RunAsk],
        *,
        holdings: Mapping[str, Mapping[str, str]],
        lengths: Callable[[str, str], Sequence[tuple[str, float, int]]],
        baseline: Baseline | None = None,
    ) -> None:
        self._catalogue = Catalogue(catalogue.home, catalogue.models, _EnginesOnce(catalogue.home))
        self._devices = {device.identity.serialno: device for device in devices if device.identity}
        self._asks = asks
        self._holdings = holdings
        self._lengths = lengths
        self._baseline = baseline
        self._models: dict[str, Model] = {}
        self._asked: dict[str, Asked] = {}
        self._profiles: dict[tuple[str, str], RunProfile | None] = {}
        self._times: dict[tuple[str, str], dict[str, float]] = {}
        self._fine: set[tuple[object, ...]] = set()

    @property
    def devices(self) -> list[Device]:
        """The phones that are meant."""
        return list(self._devices.values())

    def model(self, name: str) -> Model:
        """The model of that name; raises InputError where there is none."""
        if name not in self._models:
            self._models[name] = _ModelOnce.of(self._catalogue.models.get(name))
        return self._models[name]

    def engine(self, phone: PhoneRef, name: str | None) -> ThingRef | Refusal:
        """See `plan.Host`."""
        try:
            found = self._catalogue.engine_for(self._devices[phone.serialno], name)
        except InputError as error:
            return Refusal("no_engine", str(error))
        return ThingRef(name=found.name, id=found.id)

    def profile_config(self, name: str) -> Mapping[str, Any]:
        """See `plan.Host`."""
        return run_profile(name, self._catalogue.home).config

    def refusal(self, phone: PhoneRef, variant: Variant, column: Column) -> Refusal | None:
        """See `plan.Host`."""
        device = self._devices[phone.serialno]
        engine = variant.engine.id if variant.engine is not None else None
        setting = same_setting(variant.settings)
        # What is right on one phone is so on each of which the same is known; what is wrong names its phone.
        alike = (device.facts, device.virtual, device.is_host, column, variant.model.id, engine)
        key = (*alike, variant.profile, setting)
        if key in self._fine:
            return None
        try:
            refusal = self._refusal(device, variant, column)
        except HubError as error:
            return Refusal("unfit", str(error))
        if refusal is None:
            self._fine.add(key)
        return refusal

    def _refusal(self, device: Device, variant: Variant, column: Column) -> Refusal | None:
        key, model = column.key, self.model(variant.model.name)
        if key not in self._asked:
            self._asked[key] = check_ask(self._asks[key], self._catalogue.home)
        if (key, variant.profile) not in self._profiles:
            self._profiles[key, variant.profile] = load_profile(
                self._asked[key], self._catalogue.home, name=variant.profile
            )
        profile = self._profiles[key, variant.profile]
        asked = self._asked[key]
        asked = type(asked)(
            variant_ask(asked.ask, variant), asked.prompts, asked.media, protocol=asked.protocol
        )
        request = make_request(self._catalogue, model, device, asked, run_id="", profile=profile)
        if request.profile is not None:
            try:
                check_npu(request.profile, device)
                check_parts(request.profile, model, request.engine)
            except InputError as error:
                return Refusal("profile_unfit", str(error))
        config = merged_config(request)
        if request.engine is not None:
            for finding in [
                *obstacles(request.engine, device),
                *errors(judge_engine(request, config, device)),
            ]:
                return Refusal("engine_unfit", str(finding))
        if (refusal := _short_of_memory(device, request.model, config)) is not None:
            return refusal
        check_fit(request, device)
        return None

    def against(self, phone: PhoneRef, variant: Variant, column: Column) -> Against | None:
        """See `plan.Host`."""
        if self._baseline is None:
            return None
        return match(
            self._baseline,
            phone,
            variant,
            column.workload,
            column.suite,
            models={model.id for model in self._catalogue.models.list()},
            engines={engine.id for engine in self._catalogue.engines.list()},
        )

    def matches(self, phone: PhoneRef, selectors: Sequence[str]) -> bool:
        """See `plan.Host`."""
        return bool(find_meant([self._devices[phone.serialno]], selectors))

    def estimate_s(self, phone: PhoneRef, variant: Variant, column: Column, launches: int) -> float:
        """See `plan.Host`: as earlier runs took, else by the size of the model."""
        model = self.model(variant.model.name)
        key = (phone.serialno, model.name)
        if key not in self._times:
            known: dict[str, list[float]] = {}
            for workload, took_s, made in self._lengths(*key):
                known.setdefault(workload, []).append(took_s / max(made, 1))
            self._times[key] = {workload: sorted(each)[len(each) // 2] for workload, each in known.items()}
        guess_s = _LAUNCH_S + _PER_GB_S * model.manifest.size / 1e9
        return launches * self._times[key].get(column.workload, guess_s)

    def pushes(self, phone: PhoneRef, variant: Variant) -> list[Push]:
        """See `plan.Host`; an engine counts whole, and what the phone holds is known of models alone."""
        device = self._devices[phone.serialno]
        found = []
        model = self.model(variant.model.name)
        held = self._holdings.get(phone.serialno, {})
        if not device.is_host and held.get(model.name) != model.manifest.id:
            found.append(self._push(phone, "model", model.name, model.manifest.size))
        if not device.is_host and variant.engine is not None and variant.engine.id:
            engine = self._catalogue.engine_for(device, variant.engine.id)
            found.append(self._push(phone, "engine", engine.name, engine.manifest.size))
        return found

    @staticmethod
    def _push(phone: PhoneRef, kind: str, name: str, size: int) -> Push:
        return Push(
            serialno=phone.serialno, kind="model" if kind == "model" else "engine", name=name, size=size
        )


def _short_of_memory(device: Device, model: Model, config: Mapping[str, object]) -> Refusal | None:
    total_kib = device.facts.ram_kib if device.facts else None
    needed_kib = memory_needed_kib(model, config)
    if total_kib is None or needed_kib <= total_kib:
        return None
    return Refusal(
        "memory",
        f"{model.name} takes about {format_bytes(needed_kib * KIB)} with this profile, and {device.serial} "
        f"has {format_bytes(total_kib * KIB)} of memory",
    )
