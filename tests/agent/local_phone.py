"""A folder that plays a phone for the agent: its root, /proc, /sys and the commands of Android 8 alone."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devicehub import procs
from devicehub.runner.contract import AGENT_FILES, CONTRACT, Command, Exit, RunSpec
from devicehub.runner.exits import parse_exit, parse_fields
from devicehub.runner.launch_file import encode_launch
from tests.agent import applets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AGENT_DIR = Path(__file__).parents[2] / "agent"
SHELLS = {"mksh": ("mksh",), "dash": ("dash",), "bash": ("bash",)}
"""bash is started as `sh` and is then in its POSIX mode."""

ANDROID_8_APPLETS = [
    *(
        "cat",
        "chmod",
        "cmp",
        "cp",
        "date",
        "df",
        "find",
        "flock",
        "grep",
        "mkdir",
        "mv",
        "printf",
        "rm",
        "rmdir",
        "setsid",
    ),
    *("sha256sum", "sleep", "stat", "sync", "tail", "timeout"),
]
"""Only what agent/APPLETS.md lists as present on Android 8."""

LOGCAT = """#!/bin/sh
# As Android's for the options of the agent: writes what stands in $LOGCAT_SOURCE, then waits for more.
while [ $# -gt 0 ]; do
  case $1 in
    -b | -v | -T) shift ;;
    *) printf '%s\\n' "$1" >>"$LOGCAT_SOURCE.tags" ;;
  esac
  shift
done
cat "$LOGCAT_SOURCE"
while :; do sleep 1; done
"""
DUMPSYS = """#!/bin/sh
cat "$DUMPSYS_FOLDER/$1" 2>/dev/null || { echo "Can't find service: $1"; exit 0; }
"""
GETPROP = """#!/bin/sh
echo mtp,adb
"""
PIDOF = """#!/bin/sh
cat "$ADBD_PID" 2>/dev/null
"""


@dataclass
class LocalPhone:
    """Files of one phone below `folder`; commands run with its PATH only."""

    folder: Path
    shell: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "data/local/tmp/devicehub"

    @property
    def agent(self) -> Path:
        return self.root / "agent/0123abcd"

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def run_dir(self, run_id: str) -> Path:
        return self.root / "runs" / run_id

    def prepare(self, spec: RunSpec) -> Path:
        """As the hub does before run.sh."""
        run = self.run_dir(spec.run_id)
        run.mkdir(parents=True)
        for name, content in spec.files.items():
            (run / name).write_bytes(content)
        for run_id, files in spec.others.items():
            self.run_dir(run_id).mkdir()
            for name, content in {**files, "part_of": spec.run_id.encode()}.items():
                (self.run_dir(run_id) / name).write_bytes(content)
        if spec.others:
            (run / "parts").write_text(" ".join(spec.others))
        (run / "launch").write_bytes(encode_launch(spec, str(self.root)))
        return run

    async def sh(self, *argv: str | Path, timeout_s: float = 30.0) -> procs.Completed:
        return await procs.run([self.bin / "sh", *argv], timeout_s=timeout_s, env=self.env)

    async def script(self, text: str, *, timeout_s: float = 30.0) -> procs.Completed:
        return await self.sh("-c", text, timeout_s=timeout_s)

    async def start(self, run_id: str, contract: str = CONTRACT) -> procs.Completed:
        return await self.sh(self.agent / "run.sh", contract, run_id)

    async def ctl(self, *argv: str) -> procs.Completed:
        return await self.sh(self.agent / "ctl.sh", *argv)

    async def finished(self, run_id: str) -> dict[str, str]:
        """Wait for `exit`, with a bound, on the phone itself."""
        path = self.run_dir(run_id) / "exit"
        await self.wait_for(path)
        return parse_fields(path.read_bytes())

    def end(self, run_id: str = "r1") -> Exit:
        """How a run ended, from its files."""
        run = self.run_dir(run_id)
        texts = [file.read_bytes() for file in (*sorted(run.glob("[0-9]*/exit")), run / "exit")]
        end = parse_exit(b"".join(text.rstrip(b"\n") + b"\n" for text in texts))
        assert end is not None, texts
        return end

    async def wait_for(self, path: Path) -> None:
        """Wait until a file exists."""
        waited = f"n=0; until [ -e '{path}' ] || [ $n -ge 400 ]; do n=$((n+1)); sleep 0.05; done"
        await self.script(waited)
        assert await asyncio.to_thread(path.exists), (
            path,
            *(file.read_text("utf-8", "replace") for file in self._diaries()),
        )

    def _diaries(self) -> list[Path]:
        return sorted(self.root.glob("runs/*/agent"))

    async def dead(self, pid: int) -> None:
        """Wait until a process has ended."""
        for _ in range(400):
            if not is_alive(pid):
                return
            await self.script("sleep 0.05")
        raise AssertionError(f"process {pid} lives")

    async def stop_all(self) -> None:
        """End what a failed test may have left."""
        for run in self.root.glob("runs/*"):
            await self.ctl("stop", run.name)


def put(phone: LocalPhone, path: str, text: str) -> None:
    """A file of the phone's /sys."""
    file = phone.folder / "sys" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")


def sh(phone: LocalPhone, script: str) -> tuple[str, str, str]:
    """A command: a script of the phone's shell."""
    return (str(phone.bin / "sh"), "-c", script)


def spec_of(
    phone: LocalPhone, *command: str, run_id: str = "r1", work: str = "w1", launches: int = 1, **options: Any
) -> RunSpec:
    """A run whose launches are all of one command."""
    one = Command(
        command or sh(phone, "echo out; echo err >&2"),
        cwd=f"{phone.root}/work/{work}",
        env={"LD_LIBRARY_PATH": f"{phone.root}/engines/e1"},
    )
    return RunSpec(run_id, [one] * launches, files={"config.json": b'{"a": 1}\n'}, **options)


@asynccontextmanager
async def local_phone(
    folder: Path, shell: str = "mksh", *, android: int | None = None
) -> AsyncIterator[LocalPhone]:
    """A phone whose `sh` is the shell of that name; skips the test where shell or toybox is missing.

    Its commands are those that the agent may use on Android 8, or all of a release.
    """
    program = shutil.which(shell)
    toybox = shutil.which("toybox")
    if program is None or toybox is None:
        pytest.skip(f"{shell} or toybox is not installed")
    phone = LocalPhone(folder, Path(program))
    phone.bin.mkdir(parents=True)
    (phone.bin / "sh").symlink_to(program)
    if android is not None:
        await applets.fill(phone.bin, toybox, android)
    else:
        for applet in ANDROID_8_APPLETS:
            (phone.bin / applet).symlink_to(toybox)
    stand_ins = {
        "logcat": LOGCAT,
        "dumpsys": DUMPSYS,
        "getprop": GETPROP,
        "pidof": PIDOF,
        # The host's disks are not the test's to wait for.
        "sync": "#!/bin/sh\n",
    }
    for name, text in stand_ins.items():
        (phone.bin / name).unlink(missing_ok=True)
        (phone.bin / name).write_text(text.replace("#!/bin/sh", f"#!{phone.bin}/sh"))
        (phone.bin / name).chmod(0o755)
    for name in ("dumpsys", "proc/sys/kernel/random", "sys"):
        (folder / name).mkdir(parents=True)
    (folder / "logcat").write_bytes(b"1700000000.1  2000 12 12 I MNNJNI: hello\n")
    (folder / "proc/sys/kernel/random/boot_id").write_text("b00t-0001\n")
    # 400 days: jiffies and microseconds of this phone do not fit 31 bits.
    (folder / "proc/uptime").write_text("34560000.25 99999999.50\n")
    (folder / "proc/meminfo").write_text("MemTotal:  7812345 kB\nMemFree:  1 kB\nMemAvailable:  4123456 kB\n")
    (folder / "proc/stat").write_text("cpu  3456000000 1 2 3 4 5 6 0 0 0\ncpu0 1 2\n")
    (folder / "proc/loadavg").write_text("1.25 1.00 0.50 1/100 4242\n")
    phone.env.update(
        PATH=str(phone.bin),
        DEVICEHUB_PROC=str(folder / "proc"),
        DEVICEHUB_SYS=str(folder / "sys"),
        LOGCAT_SOURCE=str(folder / "logcat"),
        DUMPSYS_FOLDER=str(folder / "dumpsys"),
        ADBD_PID=str(folder / "adbd"),
    )
    phone.agent.mkdir(parents=True)
    for name in AGENT_FILES:
        shutil.copyfile(AGENT_DIR / name, phone.agent / name)
    try:
        yield phone
    finally:
        await phone.stop_all()


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def boot_file(phone: LocalPhone) -> Path:
    return phone.folder / "proc/sys/kernel/random/boot_id"
