"""The phone's shell: how commands start, in both modes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, Literal

from devicehub.errors import SimError
from devicehub.sim.process.pipes import Pipe, wide_pipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.process.processes import Process, Processes
    from devicehub.sim.process.rootfs import PhoneFolder

Mode = Literal["confined", "portable"]

_PATH: Final = "/product/bin:/system_ext/bin:/system/bin:/system/xbin:/vendor/bin"
# A path that the phone has and the host has not, or has and must not show. Only whole first components count.
_PHONE_PATH: Final = re.compile(
    r"(?<![\w./-])/(?:data|sdcard|storage|system|vendor|product|sys|dev/__properties__"
    r"|proc/(?:cpuinfo|meminfo|stat|version|sys/kernel/random/boot_id))(?![\w.-])"
)


class Shell:
    """Starts commands on one phone.

    Attributes:
        mode: confined processes see the phone's files under their real paths; portable ones see the host, and
            paths are mapped in the command line and the environment.
        root: the phone's file system on the host.
        processes: where they hang.
    """

    def __init__(
        self,
        processes: Processes,
        phone: PhoneFolder,
        *,
        mode: Mode,
        android: int,
        threads: int,
        more_env: Mapping[str, str] = {},
    ) -> None:
        self.mode = mode
        self.root = processes.see(phone.root)
        self.processes = processes
        self._env = self._base_env(phone, android, threads) | dict(more_env)

    def _base_env(self, phone: PhoneFolder, android: int, threads: int) -> dict[str, str]:
        sockets = "/dev/socket" if self.mode == "confined" else str(phone.sockets)
        env = {
            "ANDROID_DATA": "/data",
            "ANDROID_ROOT": "/system",
            "EXTERNAL_STORAGE": "/sdcard",
            "HOME": "/",
            "HOSTNAME": "localhost",
            "LOGNAME": "shell",
            "PATH": _PATH,
            "SHELL": "/bin/sh",
            "USER": "shell",
        }
        if android >= 9:
            env["TMPDIR"] = "/data/local/tmp"
        env = {name: self.map_text(value) for name, value in env.items()}
        # Android's C library knows only UTF-8; the host's tools must be told.
        env |= {"LC_ALL": "C.UTF-8", "DEVICEHUB_SIM_SOCKETS": sockets}
        env["DEVICEHUB_SIM_THREADS"] = str(threads)
        env["DEVICEHUB_SIM_ENGINE"] = f"{sockets}/engine.json"
        env["DEVICEHUB_SIM_PACE"] = f"{sockets}/pace"
        if self.mode == "portable":
            env["DEVICEHUB_SIM_ROOT"] = str(phone.root)
            env["DEVICEHUB_PROC"] = str(phone.root / "proc")
        return env

    def map_text(self, text: str) -> str:
        """Phone paths in a command line as the phone's processes know them."""
        if self.mode == "confined":
            return text
        return _PHONE_PATH.sub(lambda found: f"{self.root}{found[0]}", text)

    async def start_shell(
        self,
        command: str,
        *,
        files: tuple[int, int, int],
        terminal: bool,
        env: Mapping[str, str],
        oom_score_adj: int | None = None,
    ) -> Process:
        """Start `sh -c command`, or a shell that reads stdin when the command is empty.

        `oom_score_adj` tells how gladly the kernel may take it; None is what adbd's children have.
        """
        argv = ["sh", "-c", self.map_text(command)] if command else ["sh"]
        if terminal and not command:
            argv = ["sh", "-i"]
        cwd = "/" if self.mode == "confined" else str(self.root)
        return await self.processes.spawn(
            argv,
            env=self._env | dict(env),
            cwd=cwd,
            files=files,
            terminal=terminal,
            oom_score_adj=oom_score_adj,
        )

    async def try_out(self) -> None:
        """See that a command runs.

        Raises:
            SimError: it does not; host programs may lie where the phone's processes see none.
        """
        reader, writer = wide_pipe()
        output = Pipe(reader)
        said = b""
        try:
            files = (reader, writer, writer)
            try:
                process = await self.start_shell("getprop ro.serialno", files=files, terminal=False, env={})
            finally:
                os.close(writer)
            while data := await output.read():
                said += data
            status = await process.wait()
            process.release()
        except OSError as error:
            raise SimError(f"the phone's shell does not start: {error}") from error
        finally:
            output.close()
        if status != 0:
            raise SimError(f"the phone's shell answers {status}: {said.decode(errors='replace').strip()}")
