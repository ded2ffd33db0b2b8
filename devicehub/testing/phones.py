"""The phones that a session of tests has: what is known of each, and what tests do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from devicehub.device.select import KEYS, Traits, check_selector, means

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.api.model import DeviceView
    from devicehub.testing.hub import TestHub
    from devicehub.testing.model_run import ModelRun
    from devicehub.testing.phone_shell import Said
    from devicehub.testing.runner import Runner


@dataclass(frozen=True, repr=False)
class Phone:
    """One phone, as it was when the tests were collected.

    Attributes:
        view: all that the hub told of it.
        name: its ro.serialno, which no cable changes; where several phones share it, adb's serial.
    """

    view: DeviceView
    name: str
    _runner: Runner

    @property
    def serial(self) -> str:
        """What adb calls it."""
        return self.view.serial

    @property
    def serialno(self) -> str | None:
        """Its own ro.serialno."""
        return self.view.serialno

    @property
    def product(self) -> str | None:
        """What it is sold as."""
        return self.view.product

    @property
    def manufacturer(self) -> str | None:
        """Who makes it."""
        return self.view.manufacturer

    @property
    def soc(self) -> str | None:
        """Its SoC's model, such as `SM8650`."""
        return self.view.soc

    @property
    def soc_name(self) -> str | None:
        """Its SoC's name, such as `Snapdragon 8 Gen 3`."""
        return self.view.soc_name

    @property
    def vendor(self) -> str | None:
        """Its SoC's vendor: `qualcomm`, `mediatek` and others."""
        return self.view.vendor

    @property
    def android(self) -> str | None:
        """Its Android release, such as `14`."""
        return self.view.android

    @property
    def sdk(self) -> int | None:
        """Its API level."""
        return self.view.sdk

    @property
    def virtual(self) -> bool:
        """Whether it is simulated: its speeds are this host's."""
        return self.view.virtual

    def run(
        self,
        model: str,
        *,
        prompt: str | None = None,
        workload: str = "demo",
        engine: str | None = None,
        profile: str | None = None,
        protocol: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002 - as `devicehub run --set`
        timeout_s: float | None = None,
        **fields: Any,
    ) -> ModelRun:
        """Run a model on it and wait for the end; a run that fails raises nothing.

        A phone that is busy is waited for. What interrupts the test stops the run.

        Args:
            model: a name of the catalogue.
            prompt: what it is asked.
            workload: `demo`, `bench`, `app` or `custom`.
            engine: a name or an id; None for the one that fits the phone.
            profile: a run profile; None for the workload's default.
            protocol: how the figures are made; None for the workload's default.
            set: keys of config.json that win over the profile's.
            timeout_s: how long it may take, its wait for the phone included; None for `devicehub_timeout_s`.
            fields: the others of `devicehub.runs.ask.RunAsk`; `suite` also as the path of its file.

        Raises:
            RunOverdueError: it had not ended in time, and was stopped.
            HubError: the hub refuses it, went away, or its phone stays away.
        """
        __tracebackhide__ = True
        asked = {"model": model, "prompt": prompt, "workload": workload, "engine": engine, "profile": profile,
                 "protocol": protocol, "overrides": set, **fields}  # fmt: skip
        return self._runner.run(self.name, asked, timeout_s)

    def shell(self, command: str, *, timeout_s: float = 60.0) -> Said:
        """Have its shell carry out a line; a status other than 0 raises nothing.

        Raises:
            HubError: the phone is away, or did not end it in time.
        """
        __tracebackhide__ = True
        return self._runner.shell(self.serial, command, timeout_s)

    def __repr__(self) -> str:
        return f"<phone {describe(self)}>"


class Fleet(Sequence[Phone]):
    """All phones that were there when the tests were collected, and the hub that has them.

    Attributes:
        hub: answers what `devicehub.api.contract` has.
    """

    def __init__(self, views: Sequence[DeviceView], runner: Runner) -> None:
        counts: dict[str | None, int] = {}
        for view in views:
            counts[view.serialno] = counts.get(view.serialno, 0) + 1
        devices = [
            Phone(
                view, view.serialno if view.serialno and counts[view.serialno] == 1 else view.serial, runner
            )
            for view in views
        ]
        self._devices = sorted(devices, key=lambda device: device.name)
        self._phones = [device for device in self._devices if device.view.kind == "phone"]
        self._runner = runner

    @property
    def hub(self) -> TestHub:
        """The hub that has them."""
        return self._runner.hub

    @overload
    def __getitem__(self, index: int) -> Phone: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Phone]: ...

    def __getitem__(self, index: int | slice) -> Phone | Sequence[Phone]:
        return self._phones[index]

    def __len__(self) -> int:
        return len(self._phones)

    def named(self, name: str) -> Phone:
        """The phone of this name, or this computer, which is called `local`."""
        return next(device for device in self._devices if device.name == name)

    def matching(self, *selectors: str) -> list[Phone]:
        """The phones that any of the selectors means, ready or busy with another run; without any, all such.

        Raises:
            SelectionError: a term is bad.
        """
        return self.matching_all([selectors])

    def matching_all(self, demands: Sequence[Sequence[str]]) -> list[Phone]:
        """Those that match each of these groups of selectors; raises as `matching` does."""
        return [phone for phone in self._meant(demands) if phone.view.problem is None]

    def why_none(self, demands: Sequence[Sequence[str]]) -> str:
        """Why none matches all of these groups of selectors, with what there is in its place."""
        wanted = " and ".join(" or ".join(group) for group in demands if group)
        meant = self._meant(demands)
        if not self._phones and not meant:
            return f"no phone {f'matches {wanted}' if wanted else 'is ready'}: none is connected"
        if meant:
            problems = "; ".join(str(phone.view.problem) for phone in meant)
            return f"no phone {f'that matches {wanted} ' if wanted else ''}is ready: {problems}"
        return f"no phone matches {wanted}: there are {', '.join(map(describe, self._phones))}"

    def _meant(self, demands: Sequence[Sequence[str]]) -> list[Phone]:
        groups = [group for group in demands if group] or [("all",)]
        for selector in (selector for group in groups for selector in group):
            check_selector(selector, place="phones")
        return [
            device
            for device in self._devices
            if all(any(means(selector, traits_of(device.view)) for selector in group) for group in groups)
        ]


def describe(phone: Phone) -> str:
    """Its name, and what it is known by."""
    known = [
        phone.soc_name or phone.soc,
        phone.vendor,
        f"Android {phone.android}" if phone.android else None,
        "virtual" if phone.virtual else None,
    ]
    return f"{phone.name} ({', '.join(part for part in known if part) or phone.view.problem})"


def traits_of(view: DeviceView) -> Traits:
    """What selectors ask of a device, from what the hub tells of it."""
    values = {key: getattr(view, key) for key in KEYS} | {"virtual": "true" if view.virtual else "false"}
    names = {*view.transports, view.serial} | ({view.serialno} if view.serialno else set())
    return Traits(frozenset(names), values, is_host=view.kind == "host")
