"""What a phone has and lacks for runs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.device.lifecycle import DeviceState
from devicehub.device.quirks import quirks_of
from devicehub.device.select import problem_of
from devicehub.dispatch.header import OLDEST_SDK
from devicehub.doctor.model import Sheet
from devicehub.runs.preflight import preflight
from devicehub.units import KIB, format_bytes, format_celsius

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.android.battery import Battery
    from devicehub.device.identify import Identification
    from devicehub.doctor.model import Row
    from devicehub.doctor.phone_facts import PhoneFacts, PhoneLook
    from devicehub.runs.model import Caution

    _Told = Mapping[str, Caution]

_ABI: Final = "arm64-v8a"
_THROTTLES: Final = 2
_CRITICAL: Final = 4
"""Of Android's thermal status: from the first on the phone throttles, from the second it closes apps."""
_STATUS: Final = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
_HOT_BATTERY_MC: Final = 45_000
"""From here phones charge slower, and most hold their processor back."""
_SKEW_S: Final = 5.0
_USB2_MBIT_S: Final = 480
_MANY_ON_A_HUB: Final = 4
_ROW_OF: Final = {
    "usb_mode": "USB mode",
    "screen_off_on_battery": "sleep",
    "memory_short": "memory",
    "space_short": "storage",
    "power_saver": "battery saver",
    "battery_low": "battery",
}
"""By the slug of what a run would be told."""
_NEEDED: Final = ("shell_v2",)
_WISHED: Final = {
    "stat_v2": "files over 4 GB",
    "sendrecv_v2": "compressed pushes",
    "delayed_ack": "fast pushes over USB 3",
}
_STATE_REMEDIES: Final = {
    DeviceState.UNAUTHORIZED: 'unlock it and press "Allow USB debugging"; where nothing asks, `Revoke USB '
    "debugging authorizations` in its developer options and plug it again",
    DeviceState.ABSENT: "plug it in with USB debugging on",
    DeviceState.IDENTIFYING: "it is being asked who it is; look again in a moment",
    DeviceState.ORPHANED: "plug it in again: its run goes on by itself",
    DeviceState.OFFLINE: "unlock it and plug it again; over the network `adb disconnect`, then `adb connect`",
}
_NO_PERMISSIONS: Final = (
    "give this user the USB device: see `USB access` of the host for the udev rule, then plug it again"
)
_OPENED: Final = {
    "install": "apps that adb installs (`devicehub app install`)",
    "settings": "changes of settings and input from adb's shell",
    "debugging": "adb while no data transfer is chosen",
}
_BOOTED_ELSEWHERE: Final = "start Android on it (`adb reboot`)"


@dataclass(frozen=True)
class Needs:
    """What the chosen engine and model take of a phone.

    Attributes:
        memory_kib: of a launch.
        push_bytes: what is not on the phone yet.
        room_bytes: what a push may take there; None where that is not known.
    """

    memory_kib: int
    push_bytes: int
    room_bytes: int | None = None


def judge_phone(look: PhoneLook, needs: Needs | None = None) -> list[Row]:
    """A row for each thing that a run needs of a phone; none for what the phone does not tell.

    Args:
        look: the phone as it was met.
        needs: of engine and model, where those are known.
    """
    sheet = Sheet(look.device.serial)
    if not _state(sheet, look):
        return sheet.rows
    _system(sheet, look)
    facts = look.facts
    if facts is None:
        return sheet.rows
    told = {
        caution.slug: caution
        for caution in preflight(
            facts.state,
            needed_kib=needs.memory_kib if needs else None,
            needed_bytes=needs.push_bytes if needs else 0,
        )
    }
    _room(sheet, facts, needs, told)
    _processors(sheet, look, facts)
    _power(sheet, facts, told)
    _ways(sheet, look, facts, told)
    _surroundings(sheet, look, facts)
    _switches(sheet, look)
    _cautions(sheet, told)
    if not facts.whole:
        remedy = "look again; where it stays so, see what `devicehub shell` says there"
        sheet.warning("answer", "it broke off its answer: what it did not tell has no row here", remedy)
    return sheet.rows


def _state(sheet: Sheet, look: PhoneLook) -> bool:
    """Whether there is more to say."""
    device = look.device
    if look.problem is not None:
        remedy = "unlock it, plug it again; a phone that stays silent wants a reboot"
        sheet.problem("state", look.problem, remedy)
        return device.facts is not None
    problem = problem_of(device)
    if problem is None:
        sheet.ok("state", str(device.state) + (f" with run {device.run}" if device.run else ""))
        return True
    adb_state = device.transports[0].state if device.transports else ""
    if device.state is DeviceState.QUARANTINED:
        remedy = f"`devicehub devices --release {device.serial}` lets it go"
        sheet.problem("state", f"in quarantine: {device.quarantine}", remedy)
        return True
    if "no permissions" in adb_state:
        sheet.problem("state", "adb has no permission to open it", _NO_PERMISSIONS)
    elif adb_state in ("recovery", "sideload", "rescue", "bootloader"):
        sheet.problem("state", f"it is in {adb_state}, Android is not up", _BOOTED_ELSEWHERE)
    else:
        shown = adb_state if device.state is DeviceState.OFFLINE and adb_state else str(device.state)
        sheet.problem("state", shown, _STATE_REMEDIES.get(device.state))
    return False


def _system(sheet: Sheet, look: PhoneLook) -> None:
    known: Identification | None = look.device.facts
    if known is None or look.device.is_host:
        return
    if known.sdk is not None and known.sdk < OLDEST_SDK:
        sheet.problem("Android", f"{known.android}", "the agent needs Android 8 or newer: take another phone")
    elif known.android is not None:
        sheet.ok("Android", f"{known.android} (API level {known.sdk})")
    if known.abis and _ABI not in known.abis:
        says = f"{', '.join(known.abis)}: a 32-bit system"
        sheet.problem("ABI", says, "engines of 64 bits do not start there: take another phone")
    elif known.abis:
        sheet.ok("ABI", ", ".join(known.abis))
    if look.facts is not None and look.facts.booted is False:
        sheet.warning("boot", "it is still starting: services and clock come later", "wait a minute")


def _room(sheet: Sheet, facts: PhoneFacts, needs: Needs | None, told: _Told) -> None:
    state = facts.state
    push = needs.push_bytes if needs else 0
    if state.free_bytes is not None:
        free = f"{format_bytes(state.free_bytes)} free"
        room = needs.room_bytes if needs and needs.room_bytes is not None else state.free_bytes
        if push > room:
            kept = f", of which a push may take {format_bytes(room)}" if room < state.free_bytes else ""
            says = f"{free}{kept}, and {format_bytes(push)} are to be pushed"
            sheet.problem("storage", says, "remove models or other files from the phone")
        elif "space_short" not in told:
            sheet.ok("storage", f"{free}; {format_bytes(push)} to be pushed" if needs else free)
    memory = state.memory
    if memory.available_kib is not None:
        free = f"{format_bytes(memory.available_kib * KIB)} free"
        if needs and memory.total_kib is not None and needs.memory_kib > memory.total_kib:
            says = (
                f"the model takes about {format_bytes(needs.memory_kib * KIB)}, the phone has "
                f"{format_bytes(memory.total_kib * KIB)} in all"
            )
            sheet.problem("memory", says, "take a smaller model, or set use_mmap to true")
        elif "memory_short" not in told:
            takes = f"; the model takes about {format_bytes(needs.memory_kib * KIB)}" if needs else ""
            sheet.ok("memory", f"{free}{takes}")
    if state.page_size is not None:
        large = "; an engine must be aligned to that" if state.page_size > 4 * KIB else ""
        sheet.ok("page size", f"{state.page_size // KIB} KiB{large}")


def _processors(sheet: Sheet, look: PhoneLook, facts: PhoneFacts) -> None:
    virtual, known = look.device.virtual, look.device.facts
    libraries = facts.state.opencl
    probe = "whether it works a probe tells (`--probe`)"
    if virtual:
        sheet.ok("OpenCL", "none: a virtual phone computes on the CPU")
    elif libraries == ():
        says = "the shell can read no OpenCL library: the engine falls back to the CPU without a word"
        sheet.warning("OpenCL", says, "take a run profile for the CPU")
    elif libraries:
        barred = facts.public_opencl is False
        apps = "; it is not listed for apps, so MnnLlmChat may not load it" if barred else ""
        sheet.ok("OpenCL", f"{libraries[0]} is readable{apps}; {probe}")
    if known is None or known.soc.vendor != "qualcomm" or virtual:
        return
    generation = f"HTP {known.soc.htp}" if known.soc.htp else "HTP of unknown generation"
    if facts.dsp == ():
        says = f"{generation}, and the shell can read no libcdsprpc.so: QNN and Hexagon cannot reach it"
        sheet.warning("HTP", says, "take a run profile for the CPU or OpenCL")
    elif facts.dsp:
        sheet.ok("HTP", f"{generation}, {facts.dsp[0]} is readable; {probe}")


def _power(sheet: Sheet, facts: PhoneFacts, told: _Told) -> None:
    status = facts.thermal_status
    cool = "let it cool: out of its case, off the charger, in moving air"
    if status is not None:
        says = f"thermal status {status}, {_STATUS[status]}"
        if status >= _CRITICAL:
            sheet.problem("heat", f"{says}: Android is about to close programs", cool)
        elif status >= _THROTTLES:
            sheet.warning("heat", f"{says}: the phone throttles, and figures are of a throttled phone", cool)
        else:
            sheet.ok("heat", says)
    battery = facts.state.battery
    hot = battery.temp_mc is not None and battery.temp_mc >= _HOT_BATTERY_MC
    if hot:
        sheet.warning("battery", f"{_describe(battery)}: it is hot, and the phone holds back", cool)
    elif _describe(battery) and "battery_low" not in told:
        sheet.ok("battery", _describe(battery))
    if facts.state.power_saver is False:
        sheet.ok("battery saver", "off")


def _describe(battery: Battery) -> str:
    plugged = {True: "plugged in", False: "not plugged in", None: None}[battery.plugged]
    level = None if battery.level_percent is None else f"{battery.level_percent} %"
    temp = None if battery.temp_mc is None else format_celsius(battery.temp_mc)
    return ", ".join(part for part in (level, temp, plugged) if part)


def _ways(sheet: Sheet, look: PhoneLook, facts: PhoneFacts, told: _Told) -> None:
    if look.features is not None:
        if lacking := [name for name in _NEEDED if name not in look.features]:
            says = f"its adbd lacks {', '.join(lacking)}, as before Android 7: it loses exit statuses"
            sheet.problem("adb features", says, "take another phone")
        else:
            without = [what for name, what in _WISHED.items() if name not in look.features]
            sheet.ok("adb features", "all" if not without else f"without {', '.join(without)}")
    link = look.link
    if link is not None and link.kind == "tcp":
        slower = "" if look.device.virtual else ": pushes are slower than by cable"
        sheet.ok("link", f"over the network{slower}")
    elif link is not None and link.kind == "usb":
        _usb(sheet, look, facts)
    if "usb_mode" not in told and facts.state.usb.functions is not None:
        sheet.ok("USB mode", ", ".join(sorted(facts.state.usb.functions)) or "no data transfer")


def _usb(sheet: Sheet, look: PhoneLook, facts: PhoneFacts) -> None:
    assert look.link is not None
    speed = look.link.mbit_s or facts.state.usb_mbit_s
    most = look.link.most_mbit_s or facts.state.usb_most_mbit_s
    port = (look.device.transports[0].devpath or "").removeprefix("usb:")
    says = f"USB{f' {speed} Mbit/s' if speed else ''}{f', port {port}' if port else ''}"
    if look.beside:
        says += f", on a hub with {look.beside} more phone{'s' if look.beside > 1 else ''}"
    if speed is not None and most is not None and speed < most:
        remedy = "take a cable and a port of USB 3"
        sheet.warning("link", f"{says}; the phone could do {most} Mbit/s", remedy)
    elif look.beside >= _MANY_ON_A_HUB and speed is not None and speed <= _USB2_MBIT_S:
        sheet.warning("link", f"{says}: they share what one port gives", "spread them over more ports")
    else:
        sheet.ok("link", says)


def _surroundings(sheet: Sheet, look: PhoneLook, facts: PhoneFacts) -> None:
    stay = facts.settings.get("stay_on_while_plugged_in")
    if stay in ("0", "null"):
        says = "off: the screen goes dark during a run, which slows MnnLlmChat down, on some phones all"
        sheet.warning("stay awake", says, "switch on Stay awake in the developer options")
    elif stay is not None:
        sheet.ok("stay awake", "on while plugged in")
    checked = facts.settings.get("verifier_verify_adb_installs")
    if checked == "1":
        remedy = "switch off Verify apps over USB in the developer options"
        sheet.ok("installs", "apps that adb installs are verified first, which may take a tap", remedy)
    elif checked == "0":
        sheet.ok("installs", "apps that adb installs are not verified")
    if facts.wall_s is not None and look.answered_s:
        ahead = max(facts.wall_s - look.answered_s, 0) or min(facts.wall_s + 1 - look.asked_s, 0)
        if abs(ahead) > _SKEW_S:
            which = "ahead of" if ahead > 0 else "behind"
            says = f"{_duration(abs(ahead))} {which} this host's: stamps of its log do not fit"
            sheet.warning("clock", says, "let it take the time from the network in its date settings")
        else:
            sheet.ok("clock", "as this host's")
    if facts.front is not None and facts.home is not None:
        if facts.front == facts.home:
            sheet.ok("foreground", "the launcher")
        else:
            says = f"{facts.front} is in front and shares memory and processor with a run"
            sheet.warning("foreground", says, "press Home, or close the app")


def _switches(sheet: Sheet, look: PhoneLook) -> None:
    """Switches of the maker's own; whether they are set no phone tells."""
    for switch in quirks_of(look.device.facts).switches:
        says = f"as they come, its maker's phones hold back {_OPENED[switch.opens]}"
        sheet.ok(f"for {switch.opens}", says, f"where that fails, {switch.remedy}")


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _cautions(sheet: Sheet, told: _Told) -> None:
    """What a run would be told, where no row says worse of the same."""
    rows = {row.name for row in sheet.rows}
    for slug, caution in told.items():
        name = _ROW_OF.get(slug, slug.replace("_", " "))
        if name not in rows:
            sheet.caution(name, caution)
