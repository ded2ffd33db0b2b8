"""One bad host for each row, beside a good one."""

from dataclasses import replace
from typing import Any

import pytest

from devicehub.doctor.host_facts import AdbProgram, AdbServer, HostFacts, UsbPhone
from devicehub.doctor.host_judge import judge_host
from devicehub.doctor.model import Row, Standing
from devicehub.findings import Finding, Severity
from devicehub.units import GIB

ADB = AdbProgram("/opt/adb", version="36.0.0", protocol=41)
SERVER = AdbServer("127.0.0.1:5037", runs=True, protocol=41, program="36.0.0", ours=True, burst=True)
GOOD = HostFacts(
    adb=ADB,
    server=SERVER,
    usb=(UsbPhone("Pixel 8", "/dev/bus/usb/001/004", "18d1", accessible=True),),
    udev_rules=("/lib/udev/rules.d/51-android.rules",),
    groups=frozenset({"plugdev"}),
    open_files=8192,
    home="/srv/hub",
    free_bytes=100 * GIB,
    writable=True,
    python="CPython 3.12.4",
    missing={"": (), "export": ()},
    exporter={"torch": "2.13.0", "transformers": "5.17.0", "llmexport": "0.0.5"},
    scrcpy="/usr/bin/scrcpy",
    qemu="/usr/bin/qemu-aarch64-static",
    wall_s=1_800_000_000.0,
    installed_s=1_790_000_000.0,
)
BARRED = UsbPhone("Pixel 8", "/dev/bus/usb/001/004", "18d1", accessible=False)
OLD_ADB = AdbProgram("/usr/bin/adb", version="28.0.2", protocol=39)


def rows(facts: HostFacts, *, phones: int = 2) -> dict[str, Row]:
    return {row.name: row for row in judge_host(facts, phones=phones)}


def test_a_good_host_has_nothing_but_ok() -> None:
    found = rows(GOOD)
    assert {row.state for row in found.values()} == {Standing.OK}
    assert [row.remedy for row in found.values() if row.remedy] == []
    assert {row.subject for row in found.values()} == {"host"}


BAD: list[tuple[dict[str, Any], str, Standing, str, str]] = [
    ({"adb": None, "adb_problem": "no adb program"}, "adb", Standing.PROBLEM, "no adb", "platform-tools"),
    (
        {"adb": replace(ADB, problem="exec format error")},
        "adb",
        Standing.PROBLEM,
        "exec format error",
        "platform-tools",
    ),
    (
        {"adb_on_path": OLD_ADB},
        "adb",
        Standing.WARNING,
        "/usr/bin/adb speaks protocol 39, the server 41",
        "put /opt/adb first on PATH",
    ),
    (
        {"adb_on_path": OLD_ADB, "server": replace(SERVER, protocol=39, ours=False)},
        "adb",
        Standing.WARNING,
        "/opt/adb speaks protocol 41, the server 39",
        "`/usr/bin/adb kill-server`",
    ),
    (
        {"adb_on_path": OLD_ADB, "server": AdbServer("127.0.0.1:5037")},
        "adb",
        Standing.WARNING,
        "each ends the other's server",
        "put /opt/adb first",
    ),
    (
        {"server": AdbServer("127.0.0.1:5037", problem="it does not answer")},
        "adb server",
        Standing.PROBLEM,
        "does not answer",
        "adb -P 5037 kill-server",
    ),
    (
        {"server": AdbServer("10.0.0.9:5037", named_by="ADB_SERVER_SOCKET", local=False)},
        "adb server",
        Standing.PROBLEM,
        "named by ADB_SERVER_SOCKET",
        "adb -a -P 5037",
    ),
    ({"wsl": True}, "WSL", Standing.WARNING, "inside Windows", "ADB_SERVER_SOCKET=tcp:"),
    (
        {"usb": (BARRED,)},
        "USB access",
        Standing.PROBLEM,
        "Pixel 8 (/dev/bus/usb/001/004)",
        'ATTR{idVendor}=="18d1"',
    ),
    (
        {"usb": (BARRED,), "groups": frozenset()},
        "USB access",
        Standing.PROBLEM,
        "no permissions",
        "usermod -aG plugdev",
    ),
    ({"open_files": 130}, "open files", Standing.PROBLEM, "about 0 phones, and 2 are", "ulimit -n 1728"),
    ({"open_files": 152}, "open files", Standing.WARNING, "about 3 phones, and 2 are", "ulimit -n 1728"),
    ({"writable": False}, "disk", Standing.PROBLEM, "/srv/hub cannot be written", "DEVICEHUB_HOME"),
    ({"free_bytes": GIB // 2}, "disk", Standing.PROBLEM, "no room for a model", "models gc"),
    ({"free_bytes": 3 * GIB}, "disk", Standing.WARNING, "may not fit", "models gc"),
    ({"wall_s": 0.0}, "clock", Standing.PROBLEM, "before DeviceHub was installed", "timedatectl"),
    ({"missing": {"": ("click",)}}, "Python", Standing.PROBLEM, "not installed: click", "pip install"),
    (
        {"exporter_notes": ("torch is 2.9; exports were tried with 2.13",)},
        "exporter",
        Standing.WARNING,
        "torch is 2.9",
        "devicehub[export]",
    ),
]


@pytest.mark.parametrize(("change", "name", "state", "says", "remedy"), BAD)
def test_a_bad_host_is_told_with_its_remedy(
    change: dict[str, Any], name: str, state: Standing, says: str, remedy: str
) -> None:
    found = rows(replace(GOOD, **change))
    row = found.pop(name)
    assert row.state is state
    assert says in row.says
    assert remedy in (row.remedy or "")
    assert {other.state for other in found.values()} <= {Standing.OK}


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"exporter_missing": ("torch is not installed", "pip")}, "exporter", "only `devicehub export`"),
        ({"scrcpy": None, "scrcpy_missing": "install it"}, "scrcpy", "only `devicehub mirror`"),
        ({"qemu": None}, "qemu-user", "virtual phones"),
        ({"usb": (), "udev_rules": ()}, "USB access", "no udev rules"),
        ({"open_files": 1024}, "open files", "about 112 phones"),
    ],
)
def test_what_no_run_needs_is_ok_and_says_how_to_get_it(change: dict[str, Any], name: str, says: str) -> None:
    row = rows(replace(GOOD, **change))[name]
    assert row.state is Standing.OK
    assert says in row.says
    assert row.remedy


def test_a_build_that_lacks_a_tool_says_which_line_brings_it() -> None:
    ndk = Finding(severity=Severity.ERROR, slug="no_ndk", place="the NDK", why="is not here", fix="get it")
    facts = replace(GOOD, builds={"desktop": (), "android-cpu": (ndk,), "android-qnn": (ndk,)})
    can, lacks = [row for row in judge_host(facts) if row.name == "build tools"]
    assert can.says == "`devicehub engines build` can make desktop here"
    assert lacks.says == "the NDK is not here; needed for android-cpu, android-qnn"
    assert (lacks.state, lacks.remedy) == (Standing.OK, "get it")


def test_a_server_that_does_not_run_yet_is_the_hubs_to_start() -> None:
    row = rows(replace(GOOD, server=AdbServer("127.0.0.1:5037")))["adb server"]
    assert (row.state, row.says) == (Standing.OK, "none runs at 127.0.0.1:5037; the hub starts one")


def test_nothing_is_said_of_what_cannot_be_found_out() -> None:
    assert set(rows(HostFacts(adb=ADB))) == {"adb", "Python", "exporter", "scrcpy", "qemu-user"}
