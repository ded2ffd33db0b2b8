"""Scenario files: which faults happen to virtual phones, and when. `devicehub sim --scenario FILE.toml`.

::

    [phone]                              # what every phone is: fields of PhoneSpec
    usb_mode = "mtp"

    [phone.thermal]                      # how they warm: fields of ThermalSpec
    ambient_c = 30.0

    [[fault]]
    do = "cable_out"                     # a word of Faults, with its arguments as keys
    when = { process = "llm_demo" }      # seconds after the start, or a moment

    [[fault]]
    do = "cable_in"
    when = { process = "llm_demo" }
    after_s = 5.0                        # so long after that
    phone = 1                            # all of them without it

    [[fault]]
    do = "set_engine_script"             # fields of EngineScript: how fast and how right its engines are
    phone = 2
    [[fault.script.rules]]               # fields of Rule; what one leaves out fits all
    engine = "virtual-*"
    model = "qwen3-*"
    config = { thread_num = 1 }
    prefill = 0.5                        # of the real engine's speed
    decode = 0.5
    [fault.script.speed]                 # with it nothing is inferred: these figures are printed at once
    decode_tok_s = 25.0
"""

from __future__ import annotations

import asyncio
import dataclasses
import difflib
import inspect
import re
import signal
import tomllib
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec

from devicehub.errors import ConfigError, InputError, SimError
from devicehub.sim.android.electrics import BatterySpec
from devicehub.sim.android.thermal import ThermalSpec
from devicehub.sim.engine.scenario import EngineScript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devicehub.clock import Clock
    from devicehub.sim.faults import Faults
    from devicehub.sim.phone import PhoneSpec, VirtualPhone

_StructT = TypeVar("_StructT", bound=msgspec.Struct)
# "Object contains unknown field `lines_` - at `$.fault[1]`"
_PLACE: Final = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<key>.*)`)?$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"unknown field `(?P<key>.*)`")
_TOML_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")


class Moment(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Something that happens on a phone; exactly one of these.

    Attributes:
        file: a file below /data/local/tmp appears, named by a glob.
        process: a process runs whose command line holds this.
        gone: no process runs any more whose command line holds this, after one did.
        bytes: files below /data/local/tmp, named by a glob, hold `size` bytes together.
        status: the thermal status is this or a higher one, on a phone that warms.
    """

    file: str | None = None
    process: str | None = None
    gone: str | None = None
    bytes: str | None = None
    size: int = 1
    status: int | None = None

    def __post_init__(self) -> None:
        """Refuse what names no moment, or several."""
        words = (self.file, self.process, self.gone, self.bytes, self.status)
        if sum(word is not None for word in words) != 1:
            raise ValueError("a moment is exactly one of file, process, gone, bytes and status")

    async def wait(self, faults: Faults) -> None:
        """Wait until it has come."""
        if self.file is not None:
            await faults.when_file(self.file)
        elif self.process is not None:
            await faults.when_process(self.process)
        elif self.gone is not None:
            await faults.when_process(self.gone)
            await faults.when_gone(self.gone)
        elif self.bytes is not None:
            await faults.when_bytes(self.bytes, self.size)
        elif self.status is not None:
            await faults.when_status(self.status)


class Event(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, tag_field="do"):
    """A fault and its time.

    Attributes:
        when: seconds after the start, or a moment.
        after_s: how long after that.
        phone: the number of the phone from 1; None for all.
    """

    when: float | Moment = 0.0
    after_s: float = 0.0
    phone: int | None = None

    @property
    def word(self) -> str:
        """The fault's name."""
        return str(self.__struct_config__.tag)

    def arguments(self) -> dict[str, Any]:
        """What the fault is called with."""
        own = Event.__struct_fields__
        return {name: value for name, value in msgspec.structs.asdict(self).items() if name not in own}


class _CableOut(Event, frozen=True, tag="cable_out"): ...


class _CableIn(Event, frozen=True, tag="cable_in"): ...


class _Cut(Event, frozen=True, tag="cut"): ...


class _Freeze(Event, frozen=True, tag="freeze"): ...


class _Thaw(Event, frozen=True, tag="thaw"): ...


class _RestartAdbd(Event, frozen=True, tag="restart_adbd"): ...


class _LockScreen(Event, frozen=True, tag="lock_screen"): ...


class _Reboot(Event, frozen=True, tag="reboot"):
    down_s: float = 0.0
    lose: str | None = None
    services_s: float = 0.0


class _Suspend(Event, frozen=True, tag="suspend"):
    seconds: float


class _StepClock(Event, frozen=True, tag="step_clock"):
    seconds: float


class _Kill(Event, frozen=True, tag="kill"):
    piece: str
    number: int = int(signal.SIGKILL)

    def __post_init__(self) -> None:
        signal.Signals(self.number)  # ValueError for what is none

    def arguments(self) -> dict[str, Any]:
        return {"piece": self.piece, "number": signal.Signals(self.number)}


class _OutOfMemory(Event, frozen=True, tag="out_of_memory"): ...


class _SetMemory(Event, frozen=True, tag="set_memory"):
    available_mib: int


class _SetFree(Event, frozen=True, tag="set_free"):
    free_kib: int


class _SetBattery(Event, frozen=True, tag="set_battery"):
    level: int | None = None
    temp_c: float | None = None
    plugged: bool | None = None


class _SetScreen(Event, frozen=True, tag="set_screen"):
    on: bool
    locked: bool = False


class _SetTemperature(Event, frozen=True, tag="set_temperature"):
    temp_c: float
    zone: str = ""
    status: int = 0


class _WarmTo(Event, frozen=True, tag="warm_to"):
    skin_c: float


class _SystemServerRestart(Event, frozen=True, tag="system_server_restart"):
    down_s: float = 20.0


class _KillApp(Event, frozen=True, tag="kill_app_by_lmkd"):
    package: str


class _LogBurst(Event, frozen=True, tag="log_burst"):
    lines: int
    tag: str = "burst"
    text: str = "line {number}"
    uid: int = 2000
    pid: int = 999


class _LogLoss(Event, frozen=True, tag="log_loss"):
    entries: int


class _KickReaders(Event, frozen=True, tag="kick_readers"): ...


class _Engine(Event, frozen=True, tag="set_engine_script"):
    script: EngineScript | None = None

    def arguments(self) -> dict[str, Any]:
        return {"script": self.script}


EVENTS: Final[dict[str, type[Event]]] = {
    str(kind.__struct_config__.tag): kind for kind in Event.__subclasses__()
}
"""What a scenario can do, by its word."""


class PhoneWish(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What every phone of a scenario is, where it says so: fields of PhoneSpec."""

    profile: Literal["snapdragon", "dimensity"] | None = None
    android: int | None = None
    threads: int | None = None
    data_free_mib: int | None = None
    data_mib: int | None = None
    uptime_days: float | None = None
    plugged: bool | None = None
    usb_speed: Literal["full-speed", "high-speed", "super-speed", "super-speed-plus"] | None = None
    thermal: ThermalSpec | None = None
    battery: BatterySpec | None = None
    usb_mode: Literal["charging", "mtp", "ptp", "rndis", "ncm", "midi"] | None = None
    kernel_log: bool | None = None
    settable_clock: bool | None = None
    mode: Literal["confined", "portable", "auto"] | None = None

    def apply(self, spec: PhoneSpec) -> PhoneSpec:
        """A phone as the scenario wants it."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return dataclasses.replace(spec, **said)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    phone: PhoneWish = PhoneWish()
    fault: list[dict[str, Any]] = []


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A scenario file, read."""

    phone: PhoneWish = dataclasses.field(default_factory=PhoneWish)
    events: tuple[Event, ...] = ()


def read_scenario(path: Path, *, phones: int) -> Scenario:
    """Read a scenario for so many phones.

    Raises:
        InputError: the file cannot be read.
        ConfigError: it is no TOML, a key is unknown or a value is wrong.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        raise ConfigError(str(error), file=path, line=int(line[1]) if line else None) from error
    file = _convert(data, _File, path, "")
    events = tuple(_read_event(item, path, f"fault[{number}]") for number, item in enumerate(file.fault))
    for number, event in enumerate(events):
        if event.phone is not None and not 1 <= event.phone <= phones:
            raise ConfigError(
                f"there is no phone {event.phone}, only 1 to {phones}",
                file=path,
                key=f"fault[{number}].phone",
            )
    return Scenario(file.phone, events)


def _read_event(item: dict[str, Any], path: Path, place: str) -> Event:
    word = item.get("do")
    kind = EVENTS.get(word) if isinstance(word, str) else None
    if kind is None:
        near = difflib.get_close_matches(str(word), EVENTS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(EVENTS))}"
        raise ConfigError(f"{word!r} is no fault{hint}", file=path, key=f"{place}.do")
    return _convert(item, kind, path, place)


def _convert(data: object, kind: type[_StructT], path: Path, place: str) -> _StructT:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        problem, key = (found["problem"], found["key"] or "") if found else (str(error), "")
        unknown = _UNKNOWN.search(problem)
        parts = [part for part in (place, key, unknown["key"] if unknown else "") if part]
        raise ConfigError(problem, file=path, key=".".join(parts) or None) from error


async def play(
    scenario: Scenario, phones: Sequence[VirtualPhone], *, clock: Clock, say: Callable[[str], None]
) -> None:
    """Let everything of a scenario happen; what a phone cannot do is said and passed over."""
    async with asyncio.TaskGroup() as tasks:
        for event in scenario.events:
            for number, phone in enumerate(phones, 1):
                if event.phone in (None, number):
                    tasks.create_task(_play(event, phone, clock, say))


async def _play(event: Event, phone: VirtualPhone, clock: Clock, say: Callable[[str], None]) -> None:
    try:
        if isinstance(event.when, Moment):
            await event.when.wait(phone.faults)
        else:
            await clock.sleep(event.when)
        await clock.sleep(event.after_s)
        say(f"{phone.serialno}: {event.word}")
        owner = phone if event.word == "set_engine_script" else phone.faults
        done = getattr(owner, event.word)(**event.arguments())
        if inspect.isawaitable(done):
            await done
    except SimError as error:
        say(f"{phone.serialno}: {event.word}: {error}")
