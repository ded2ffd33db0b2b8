"""What a host has and lacks for runs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.doctor.model import HOST, Sheet
from devicehub.findings import errors
from devicehub.units import GIB, format_bytes

if TYPE_CHECKING:
    from devicehub.doctor.host_facts import AdbProgram, AdbServer, HostFacts
    from devicehub.doctor.model import Row
    from devicehub.findings import Finding

_PLATFORM_TOOLS: Final = "install Android's platform-tools (Debian: `apt install adb`)"
_RULE: Final = 'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{}", MODE="0660", GROUP="plugdev", TAG+="uaccess"'
_RULES_FILE: Final = "/etc/udev/rules.d/51-android.rules"
_LAB: Final = 200
"""So many phones one hub is made for."""
_FILES_A_PHONE: Final = 8
_FILES_APART: Final = 128
_LEAST_FREE: Final = GIB
_LITTLE_FREE: Final = 10 * GIB
"""A model of 7 billion weights takes about 5, an export of it several times that."""
_DAY_S: Final = 86_400


def judge_host(facts: HostFacts, *, phones: int = 0) -> list[Row]:
    """A row for each thing that the hub's computer needs.

    Args:
        facts: what was found.
        phones: how many are connected.
    """
    sheet = Sheet(HOST)
    _adb(sheet, facts)
    _server(sheet, facts)
    _usb(sheet, facts)
    _open_files(sheet, facts, phones)
    _disk(sheet, facts)
    _clock(sheet, facts)
    _python(sheet, facts)
    _exporter(sheet, facts)
    _programs(sheet, facts)
    _builds(sheet, facts)
    return sheet.rows


def no_hub(why: str) -> list[Row]:
    """The row of a hub that neither runs nor starts."""
    sheet = Sheet(HOST)
    remedy = "mend the problems above; `devicehub serve` in a terminal says more"
    sheet.problem("hub", f"it does not start: {why}", remedy)
    return sheet.rows


def _adb(sheet: Sheet, facts: HostFacts) -> None:
    adb = facts.adb
    if adb is None:
        sheet.problem("adb", facts.adb_problem or "there is no adb program", _PLATFORM_TOOLS)
        return
    if adb.problem is not None:
        sheet.problem("adb", f"{adb.path} does not run: {adb.problem}", _PLATFORM_TOOLS)
        return
    others = [one for one in (adb, facts.adb_on_path) if one is not None]
    if (server := facts.server) and server.runs and server.local and server.protocol is not None:
        for one in others:
            if one.protocol is not None and one.protocol != server.protocol:
                sheet.warning(
                    "adb",
                    f"{one.path} speaks protocol {one.protocol}, the server {server.protocol}: whoever calls "
                    "that program ends the server, and every phone goes away for a moment",
                    _same_program(adb, facts.adb_on_path, server),
                )
                return
    elif len({one.protocol for one in others if one.protocol is not None}) > 1:
        assert facts.adb_on_path is not None
        sheet.warning(
            "adb",
            f"{adb.path} speaks protocol {adb.protocol}, {facts.adb_on_path.path} on PATH "
            f"{facts.adb_on_path.protocol}: each ends the other's server",
            f"put {adb.path} first on PATH",
        )
        return
    beside = facts.adb_on_path
    on_path = f"; on PATH {beside.version or 'one of unknown version'}" if beside is not None else ""
    sheet.ok("adb", f"{adb.version or 'of unknown version'}, {adb.path}{on_path}")


def _same_program(adb: AdbProgram, on_path: AdbProgram | None, server: AdbServer) -> str:
    if adb.protocol == server.protocol:
        return f"put {adb.path} first on PATH"
    if on_path is not None and on_path.protocol == server.protocol:
        return f"end the server with that program (`{on_path.path} kill-server`); the hub starts its own"
    return "end the server with the program that started it; the hub starts its own"


def _server(sheet: Sheet, facts: HostFacts) -> None:
    server = facts.server
    if server is None:
        return
    named = f", named by {server.named_by}" if server.named_by else ""
    where = f"at {server.address}{named}"
    if server.runs:
        version = f"version {server.program}, " if server.program else ""
        by = "started by DeviceHub" if server.ours else "started by another program"
        if not server.local:
            by = "on another computer"
        burst = "" if server.burst else ", without burst mode (pushes over USB 3 are slower)"
        sheet.ok("adb server", f"{where}: {version}protocol {server.protocol}, {by}{burst}")
    elif server.problem is not None:
        sheet.problem("adb server", f"{where}: {server.problem}", _mend_server(server))
    elif not server.local:
        sheet.problem("adb server", f"none answers {where}", _mend_server(server))
    else:
        sheet.ok("adb server", f"none runs {where}; the hub starts one")
    if facts.wsl and server.local:
        sheet.warning(
            "WSL",
            "this Linux runs inside Windows: phones on USB are seen by an adb server of Windows alone",
            "in Windows run `adb -a nodaemon server`, here set ADB_SERVER_SOCKET=tcp:WINDOWS-ADDRESS:5037",
        )


def _mend_server(server: AdbServer) -> str:
    port = server.address.rpartition(":")[2]
    if not server.local:
        return f"start it on that computer: `adb -a -P {port} nodaemon server`"
    return f"end its process (`adb -P {port} kill-server`, or by hand where that waits, too)"


def _usb(sheet: Sheet, facts: HostFacts) -> None:
    if facts.usb is None:
        return
    barred = [phone for phone in facts.usb if not phone.accessible]
    if not barred:
        there = f"{len(facts.usb)} on USB, open to this user" if facts.usb else "no phone on USB now"
        if facts.udev_rules or facts.usb:
            sheet.ok("USB access", there)
        else:
            remedy = "if one is refused later: `apt install android-sdk-platform-tools-common`, plug it again"
            sheet.ok("USB access", f"{there}; no udev rules for phones are installed", remedy)
        return
    names = ", ".join(f"{phone.name} ({phone.node})" for phone in barred)
    rules = "; ".join(f"'{_RULE.format(vendor)}'" for vendor in sorted({phone.vendor for phone in barred}))
    group = "" if "plugdev" in facts.groups else "; `sudo usermod -aG plugdev $USER` and log in again"
    sheet.problem(
        "USB access",
        f"this user may not open {names}: adb lists such a phone as `no permissions`",
        f"write the udev rule {rules} into {_RULES_FILE}, then `sudo udevadm control --reload && "
        f"sudo udevadm trigger`{group}",
    )


def _open_files(sheet: Sheet, facts: HostFacts, phones: int) -> None:
    limit = facts.open_files
    if limit is None:
        return
    enough = max((limit - _FILES_APART) // _FILES_A_PHONE, 0)
    wanted = _FILES_APART + _FILES_A_PHONE * _LAB
    says = f"{limit} a process: enough for about {enough} phones"
    remedy = f"`ulimit -n {wanted}` before the hub starts is enough for {_LAB}"
    if enough < phones:
        sheet.problem("open files", f"{says}, and {phones} are connected", remedy)
    elif enough < min(2 * phones, _LAB):
        sheet.warning("open files", f"{says}, and {phones} are connected", remedy)
    else:
        sheet.ok("open files", says, remedy if enough < _LAB else None)


def _disk(sheet: Sheet, facts: HostFacts) -> None:
    another = "set DEVICEHUB_HOME to a folder on another disk"
    if facts.writable is False:
        sheet.problem("disk", f"{facts.home} cannot be written", f"{another}, or give yourself the folder")
        return
    if facts.free_bytes is None:
        return
    says = f"{format_bytes(facts.free_bytes)} free for {facts.home}"
    if facts.free_bytes < _LEAST_FREE:
        remedy = f"`devicehub models gc` shows what nothing needs; or {another}"
        sheet.problem("disk", f"{says}: no room for a model, and soon none for the records of runs", remedy)
    elif facts.free_bytes < _LITTLE_FREE:
        remedy = f"`devicehub models gc` shows what nothing needs; or {another}"
        sheet.warning("disk", f"{says}: a large model or an export may not fit", remedy)
    else:
        sheet.ok("disk", says)


def _clock(sheet: Sheet, facts: HostFacts) -> None:
    if facts.wall_s is None or facts.installed_s is None:
        return
    if facts.wall_s < facts.installed_s - _DAY_S:
        days = round((facts.installed_s - facts.wall_s) / _DAY_S)
        says = f"it is {days} days before DeviceHub was installed: stamps and certificates will not fit"
        sheet.problem("clock", says, "set it, or let it be set (`timedatectl set-ntp true`)")
    else:
        sheet.ok("clock", "after this program was installed")


def _python(sheet: Sheet, facts: HostFacts) -> None:
    lacking = facts.missing.get("", ())
    if lacking:
        says = f"{facts.python}; not installed: {', '.join(lacking)}"
        sheet.problem("Python", says, "`pip install --force-reinstall devicehub`")
        return
    extras = [(name, gone) for name, gone in sorted(facts.missing.items()) if name]
    told = "".join(f"; extra {name} is {'not ' if gone else ''}there" for name, gone in extras)
    sheet.ok("Python", f"{facts.python}{told}")


def _exporter(sheet: Sheet, facts: HostFacts) -> None:
    if facts.exporter_missing is not None:
        problem, remedy = facts.exporter_missing
        sheet.ok("exporter", f"{problem}; only `devicehub export` needs that", remedy)
    elif facts.exporter_notes:
        remedy = "`pip install 'devicehub[export]'` brings the releases that were tried together"
        sheet.warning("exporter", "; ".join(facts.exporter_notes), remedy)
    else:
        names = ("torch", "transformers", "llmexport")
        sheet.ok("exporter", ", ".join(f"{name} {facts.exporter.get(name, '?')}" for name in names))


def _programs(sheet: Sheet, facts: HostFacts) -> None:
    if facts.scrcpy is None:
        sheet.ok("scrcpy", "not installed; only `devicehub mirror` needs it", facts.scrcpy_missing)
    else:
        sheet.ok("scrcpy", facts.scrcpy)
    if facts.qemu is None:
        says = "not installed; only programs for arm64 on virtual phones need it"
        sheet.ok("qemu-user", says, "`apt install qemu-user-static`")
    else:
        sheet.ok("qemu-user", facts.qemu)


def _builds(sheet: Sheet, facts: HostFacts) -> None:
    """What `engines build` can make here, then a row for each tool that lacks."""
    if not facts.builds:
        return
    lacking: dict[str, tuple[Finding, list[str]]] = {}
    for name, findings in facts.builds.items():
        for found in errors(findings):
            lacking.setdefault(found.slug, (found, []))[1].append(name)
    whole = [name for name, findings in facts.builds.items() if not errors(findings)]
    can = f"`devicehub engines build` can make {', '.join(whole)} here" if whole else "enough for no build"
    sheet.ok("build tools", can)
    for found, names in lacking.values():
        sheet.ok("build tools", f"{found.place} {found.why}; needed for {', '.join(names)}", found.fix)
