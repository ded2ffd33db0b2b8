"""Brings the agent onto a phone and starts runs through it."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import quote, run_script
from devicehub.adb.sync import open_sync
from devicehub.android.files import parse_hashes
from devicehub.errors import (
    AgentVersionMismatch,
    HashMismatch,
    HubError,
    PhoneLocked,
    RunnerError,
    ShellFailed,
)
from devicehub.manifest import build_manifest
from devicehub.runner import collect
from devicehub.runner.contract import (
    AGENT_FILES,
    CONTRACT,
    AgentExit,
    Positions,
    RunHandle,
    check_file_names,
    check_result_name,
    check_run_id,
    launch_dir,
)
from devicehub.runner.control import COMMAND_TIMEOUT_S, AgentMissingError, control
from devicehub.runner.diagnose import diagnose
from devicehub.runner.exits import parse_fields, parse_list, parse_status
from devicehub.runner.launch_file import encode_launch
from devicehub.runner.link import Link
from devicehub.settings import phone_root
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.adb.shell import ShellResult
    from devicehub.clock import Clock
    from devicehub.runner.contract import Exit, LaunchEnded, Piece, RunSpec, RunStatus

PATIENCE_S: Final = 120.0
"""How long a follower waits for a phone to come back."""
RESULT_LIMIT: Final = 16 * MIB
_ABANDON_S: Final = 10.0
_POLL_S: Final = 0.5
_EXISTS: Final = 3
_ABSENT: Final = 3


class Runner:
    """Runs on one phone.

    Args:
        transport: the phone.
        agent_dir: the folder of the agent's scripts on this host.
        clock: paces waits.
        root: the phone's folder for everything of ours; by default in the folder that a shell may write in.
        silence_s: after how long without a sign of life a followed link counts as broken.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        agent_dir: Path,
        clock: Clock,
        root: str | None = None,
        silence_s: float = collect.SILENCE_S,
    ) -> None:
        self._silence_s = silence_s
        self._transport = transport
        self._clock = clock
        self._root = root = root or phone_root(transport.data)
        self._sources = agent_dir
        self._manifest = build_manifest(agent_dir, AGENT_FILES)
        self._agent_dir = f"{root}/agent/{self._manifest.id[:16]}"

    @property
    def agent_dir(self) -> str:
        """The folder of the agent's scripts on the phone, whether they are there yet or not."""
        return self._agent_dir

    def handle(self, run_id: str) -> RunHandle:
        """The handle of a run, without asking the phone whether it knows it.

        Raises:
            InputError: the id cannot be one.
        """
        return RunHandle(check_run_id(run_id), self._root, self._agent_dir)

    async def install(self) -> str:
        """Make sure that the agent is on the phone, whole; its folder, whose name is the content's hash.

        Raises:
            HashMismatch: a script arrived as something else.
            AdbError: the phone cannot be asked, or takes no files.
        """
        expected = {entry.path: entry.sha256 for entry in self._manifest.files}
        if await self._hashes(expected) == expected:
            return self._agent_dir
        await self._script(f"umask 077; mkdir -p {quote([self._agent_dir])}")
        mark = secrets.token_hex(4)
        arriving = {f".{name}.{mark}": name for name in expected}
        async with open_sync(self._transport) as sync:
            for temporary, name in arriving.items():
                await sync.push(self._sources / name, f"{self._agent_dir}/{temporary}")
        found = await self._hashes(arriving)
        for temporary, name in arriving.items():
            if found.get(temporary) != expected[name]:
                raise HashMismatch(
                    serial=self._transport.label,
                    path=f"{self._agent_dir}/{name}",
                    expected=expected[name],
                    found=found.get(temporary),
                )
        moves = "".join(f" && mv -f {quote([temporary, name])}" for temporary, name in arriving.items())
        await self._script(f"cd {quote([self._agent_dir])} && sync{moves}")
        return self._agent_dir

    async def start(self, spec: RunSpec) -> RunHandle:
        """Prepare a run's directory and start the run; returns when its supervisor lives.

        Raises:
            InputError: the launch cannot be told to a phone.
            PhoneLocked: another run holds the phone.
            AgentVersionMismatch: the agent is of another version; install it.
            RunnerError: the id was used before, or the agent cannot start the run.
            AdbError: the phone cannot be asked, or takes no files; `status` tells whether the run began.
        """
        for files in (spec.files, *spec.others.values()):
            check_file_names(files)
        launch = encode_launch(spec, self._root)
        handle = self.handle(spec.run_id)
        for run_id, files in spec.others.items():
            # That run's own files first: the list may be asked for by either name once it begins.
            await self._prepare(self.handle(run_id), {**files, "part_of": spec.run_id.encode()})
        parts = {"parts": " ".join(spec.others).encode()} if spec.others else {}
        await self._prepare(handle, {**spec.files, **parts, "launch": launch})
        # DEVICEHUB_SYS: a virtual phone without a namespace maps the paths that it sees in a command line.
        argv = ["sh", f"{self._agent_dir}/run.sh", CONTRACT, spec.run_id]
        script = f"DEVICEHUB_SYS=/sys exec {quote(argv)}"
        try:
            answer = await run_script(self._transport, script, timeout_s=COMMAND_TIMEOUT_S)
        except asyncio.CancelledError:
            # The phone may have begun, and nobody would follow.
            await self.abandon(handle)
            raise
        fields = parse_fields(answer.stdout)
        if answer.status != AgentExit.OK:
            await self._refuse(handle, answer, fields, tuple(spec.others))
        return RunHandle(spec.run_id, self._root, self._agent_dir, fields)

    async def find(self, run_id: str) -> RunHandle:
        """The handle of a run that an earlier process started, whether it still runs or not.

        Raises:
            RunnerError: the phone does not know it.
            AdbError: the phone cannot be asked.
        """
        status = await self.status(run_id)
        if status.state == "none":
            raise RunnerError(f"{self._transport.label}: run {run_id} was never started on this phone")
        return RunHandle(run_id, self._root, self._agent_dir, status.fields)

    async def status(self, run_id: str) -> RunStatus:
        """How a run stands; one that the phone never began is a state as well.

        Raises:
            AdbError: the phone cannot be asked.
        """
        return parse_status(await self._control("status", check_run_id(run_id)))

    async def list_runs(self) -> dict[str, str]:
        """The states of all runs on the phone by id: prepared, running, ended, lost."""
        return parse_list(await self._control("list"))

    def follow(
        self,
        handle: RunHandle,
        *,
        positions: Positions | None = None,
        patience_s: float = PATIENCE_S,
        on_link: Callable[[bool], None] | None = None,
    ) -> AsyncGenerator[Piece | LaunchEnded, None]:
        """The pieces of the run's files and the ends of its launches until its end; see `collect.follow`."""
        return collect.follow(
            self._transport,
            handle,
            clock=self._clock,
            positions=positions or Positions(),
            patience_s=patience_s,
            on_link=on_link,
            silence_s=self._silence_s,
        )

    async def result(self, handle: RunHandle, *, patience_s: float = PATIENCE_S) -> Exit:
        """How the run ended; waits for its end, and while the link is broken.

        Raises:
            RunLost: its supervisor vanished without publishing an end.
            RunnerError: the phone does not know the run.
            AdbError: the link stayed broken.
        """
        link = Link(self._clock, patience_s)
        while True:
            text = await link.persist(lambda: self._control("status", handle.run_id))
            state = parse_status(text).state
            if state == "ended":
                return collect.read_exit(self._transport, handle, text)
            if state == "lost":
                raise collect.lost(self._transport, handle, text)
            if state == "none":
                raise RunnerError(
                    f"{self._transport.label}: run {handle.run_id} was never started on this phone"
                )
            await self._clock.sleep(_POLL_S)

    async def fetch(
        self,
        handle: RunHandle,
        launch: int,
        name: str,
        *,
        limit_bytes: int = RESULT_LIMIT,
        patience_s: float = PATIENCE_S,
    ) -> bytes | None:
        """A file that a launch wrote into its folder, whole; None where there is none.

        Args:
            handle: the run that the launch is of.
            launch: its number within that run, which is that of its folder.
            name: of the file.
            limit_bytes: of a larger one nothing is fetched.
            patience_s: how long the link may be broken.

        Raises:
            InputError: the name is not one of a result file.
            AdbError: it is larger than `limit_bytes`, or the link stayed broken.
        """
        path = f"{launch_dir(handle.run_dir, launch)}/{check_result_name(name)}"
        script = f"[ -f {quote([path])} ] || exit {_ABSENT}; exec cat {quote([path])}"

        async def ask() -> ShellResult:
            return await run_script(
                self._transport, script, timeout_s=COMMAND_TIMEOUT_S, max_output=limit_bytes
            )

        answer = await Link(self._clock, patience_s).persist(ask)
        if answer.status == _ABSENT:
            return None
        if answer.status != 0:
            said = answer.stderr.decode("utf-8", "replace")
            raise ShellFailed(["cat", path], answer.status, said, serial=self._transport.label)
        return answer.stdout

    async def diagnose(self, handle: RunHandle, launch: int, *, timeout_s: float) -> bytes:
        """The last words of a launch, made once more with a terminal; see `diagnose.diagnose`."""
        return await diagnose(self._transport, handle, launch, timeout_s=timeout_s)

    async def stop(self, handle: RunHandle, cause: str = "stopped") -> None:
        """Ask for the run's end; its `exit` then says why. A run that has not begun will not.

        Raises:
            RunnerError: the agent refuses; its own words say why.
            AdbError: the phone cannot be asked.
        """
        await self._control("stop", handle.run_id, cause)

    async def abandon(self, handle: RunHandle) -> bool:
        """Stop a run that nobody will follow; whether the phone could be told so within seconds."""
        try:
            async with asyncio.timeout(_ABANDON_S):
                await self.stop(handle)
        except (HubError, TimeoutError):
            return False
        return True

    async def gc(self, run_days: int, work_days: int) -> list[str]:
        """Remove ended runs and unused work folders that are older; what was removed, below the root.

        Raises:
            AdbError: the phone cannot be asked.
        """
        answer = await self._control("gc", str(run_days), str(work_days))
        return answer.decode("utf-8", "replace").split()

    async def _control(self, *words: str) -> bytes:
        try:
            return await control(self._transport, self._agent_dir, *words)
        except AgentMissingError:
            # A run of an earlier release, or of another hub: the agent of this one reads it as well.
            await self.install()
            return await control(self._transport, self._agent_dir, *words)

    async def _prepare(self, handle: RunHandle, files: Mapping[str, bytes]) -> None:
        # adbd creates with umask 0: the folder keeps others out of what sync puts into it.
        runs, folder = quote([f"{self._root}/runs"]), quote([handle.run_dir])
        made = await self._script(
            f"umask 077; mkdir -p {runs} && {{ [ ! -e {folder} ] || exit {_EXISTS}; }} && mkdir {folder}",
            accept=_EXISTS,
        )
        if made.status == _EXISTS:
            raise RunnerError(f"{self._transport.label}: run {handle.run_id} exists already; take a new id")
        async with open_sync(self._transport) as sync:
            for name, content in files.items():
                await sync.push(content, f"{handle.run_dir}/{name}", mode=0o600)

    async def _refuse(
        self, handle: RunHandle, answer: ShellResult, fields: Mapping[str, str], others: Sequence[str]
    ) -> None:
        label = self._transport.label
        if answer.status in (AgentExit.LOCKED, AgentExit.CONTRACT, AgentExit.CONFIG):
            # Never begun: the ids are free again.
            folders = [f"{self._root}/runs/{run_id}" for run_id in (handle.run_id, *others)]
            await self._script(f"rm -rf {quote(folders)}")
        if answer.status == AgentExit.LOCKED:
            raise PhoneLocked(serial=label, holder=fields.get("holder", "unknown"))
        if answer.status == AgentExit.CONTRACT:
            found = fields.get("contract", "unknown")
            raise AgentVersionMismatch(serial=label, expected=CONTRACT, found=found)
        said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()[-300:]
        raise RunnerError(
            f"{label}: the agent did not start run {handle.run_id} (status {answer.status}): {said}"
        )

    async def _hashes(self, names: Mapping[str, str]) -> dict[str, str]:
        """SHA-256 of the agent's files on the phone, by name; what is missing is left out."""
        script = f"cd {quote([self._agent_dir])} 2>/dev/null && sha256sum {quote(list(names))} 2>/dev/null"
        answer = await run_script(self._transport, script, timeout_s=COMMAND_TIMEOUT_S)
        return parse_hashes(answer.stdout)

    async def _script(self, script: str, *, accept: int = 0) -> ShellResult:
        answer = await run_script(self._transport, script, timeout_s=COMMAND_TIMEOUT_S)
        if answer.status not in (0, accept):
            said = answer.stderr.decode("utf-8", "replace")
            raise ShellFailed([script], answer.status, said, serial=self._transport.label)
        return answer
