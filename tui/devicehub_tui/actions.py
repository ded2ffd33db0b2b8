"""What the keys do that mean the same on every screen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from textual.app import App, SuspendNotSupported

from devicehub import procs
from devicehub.api.contract import (
    EXPORT_START,
    PUSH,
    RUN,
    RUN_AGAIN,
    RUN_START,
    RUN_STOP,
    RUNS,
    RunNamed,
    RunsQuery,
    Selected,
)
from devicehub.errors import ApiError, HubError
from devicehub_tui import places, state
from devicehub_tui.bars import NoticeLine
from devicehub_tui.format import some
from devicehub_tui.later import Later
from devicehub_tui.programs import NO_SHELL_IN_WEB, own_command
from devicehub_tui.screens.mirror import show_phone
from devicehub_tui.subject import Subject, runs_to_compare, runs_to_stop
from devicehub_tui.view import HubScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from devicehub.api.client import Where
    from devicehub.api.contract import Method, P, R
    from devicehub.api.model import RunDocument
    from devicehub_tui.format import Level
    from devicehub_tui.link import Live


_PREFLIGHT_S: Final = 300.0
"""Before an export begins its checkpoint is looked at."""
_LOOKED_AT: Final = 200
"""Runs among which the last of each phone is looked for."""


class Actions(App[None]):
    """The actions of the keys; what they are about is asked of the screen on top."""

    state: state.State
    where: Where | None
    live: Live

    async def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """Ask the hub."""
        raise NotImplementedError

    def tell(self, text: str, level: Level = "info") -> None:
        """Show one sentence on every screen that can be seen."""
        for screen in self.screen_stack:
            for line in screen.query(NoticeLine):
                line.tell(text, level)

    def attempt(self, work: Callable[..., Coroutine[Any, Any, None]], *about: object) -> None:
        """Do something in the background; where it fails, its error is told."""
        self.run_worker(Later(self._attempted, work, *about), exit_on_error=False)

    async def _attempted(self, work: Callable[..., Coroutine[Any, Any, None]], *about: object) -> None:
        try:
            await work(*about)
        except HubError as error:
            self.tell(str(error), "error")

    def subject(self) -> Subject:
        """What the keys are about."""
        return self.screen.subject() if isinstance(self.screen, HubScreen) else Subject()

    def _devices(self) -> tuple[str, ...]:
        """The phones meant; without any, a sentence says how to mean some."""
        devices = self.subject().devices
        if not devices:
            self.tell("no phone is meant: put the cursor on one, or mark some with space", "warning")
        return devices

    def mark(self, device: str) -> None:
        """Mark a phone, or unmark it."""
        state.toggle_mark(self.state, device)
        self.tell(f"{'marked' if device in self.state.marks else 'unmarked'} {device}")

    def action_clear_marks(self) -> None:
        """Unmark all phones."""
        state.clear_marks(self.state)

    def action_push(self) -> None:
        """Choose what to push onto the phones, and push it."""
        subject = self.subject()
        if devices := subject.devices or self._devices():
            self.attempt(self._push, devices, subject)

    async def _push(self, devices: tuple[str, ...], subject: Subject) -> None:
        wanted = await self.push_screen_wait(places.push_dialog(devices, subject.thing))
        if wanted is not None:
            jobs = await self.call(PUSH, wanted)
            self.tell(f"pushing {wanted.kind} {wanted.name} onto {some(len(jobs), 'phone')}")

    def action_export(self) -> None:
        """Show the export that is under way; where there is none, or it is shown, begin another."""
        running = [
            job.id
            for job in self.state.jobs.values()
            if job.kind == EXPORT_START.name and job.state == "running" and job.id != self._shown_export()
        ]
        if running:
            self.push_screen(places.export_screen(running[-1]))
        else:
            self.attempt(self._export)

    def _shown_export(self) -> str:
        """The job of the export on the screen; empty where there is none."""
        return self.screen.name or "" if isinstance(self.screen, HubScreen) else ""

    async def _export(self) -> None:
        wanted = await self.push_screen_wait(places.export_dialog())
        if wanted is not None:
            job = await self.call(EXPORT_START, wanted, timeout_s=_PREFLIGHT_S)
            await self.push_screen(places.export_screen(job.id))

    def action_repeat(self) -> None:
        """Queue what the phones ran last."""
        runs = self.subject().runs
        if devices := self._devices():
            if runs:
                self.attempt(self._repeat_runs, devices, runs)
            else:
                self.attempt(self._repeat, devices)

    async def _repeat_runs(self, devices: tuple[str, ...], runs: tuple[str, ...]) -> None:
        """Repeat runs that are the last of their phones; an older one is chosen anew, from its record."""
        last: dict[str | None, str] = {}
        for run in (await self.call(RUNS, RunsQuery(limit=_LOOKED_AT))).runs:
            last.setdefault(run.serialno or run.serial, run.id)
        if set(runs) <= set(last.values()):
            await self._repeat(devices)
        elif len(runs) == 1:
            await self._choose(devices, runs[0])
        else:
            self.tell("only runs that are the last of their phones can be repeated together", "warning")

    async def _repeat(self, devices: tuple[str, ...]) -> None:
        self.tell(f"repeating the last run on {some(len(devices), 'phone')}")
        try:
            runs = await self.call(RUN_AGAIN, Selected(selectors=list(devices)))
        except ApiError as error:
            if error.kind != "AskError":
                raise
            await self._choose(devices, hint="nothing was run yet: choose what to run")
            return
        models = ", ".join(sorted({run.model for run in runs}))
        self.tell(f"queued {some(len(runs), 'run')} of {models}" if runs else "nothing was queued")

    def action_choose(self) -> None:
        """Choose what to run on the phones, and run it."""
        runs = self.subject().runs
        if devices := self._devices():
            self.attempt(self._choose, devices, runs[0] if len(runs) == 1 else None)

    async def _choose(self, devices: tuple[str, ...], like: str | None = None, *, hint: str = "") -> None:
        """Ask what to run; `like` is a run whose choices are there already, `hint` says why one is asked."""
        found: RunDocument | None = None
        if like is not None:
            found = await self.call(RUN, RunNamed(run=like))
        ask = await self.push_screen_wait(places.run_dialog(devices, found, hint))
        if ask is not None:
            runs = await self.call(RUN_START, ask)
            self.tell(f"queued {some(len(runs), 'run')} of {ask.model}")

    def action_stop(self) -> None:
        """End the runs that are meant; ask before more than one."""
        runs = runs_to_stop(self.state, self.subject())
        if runs:
            self.attempt(self._stop, runs)
        else:
            self.tell("no run is under way there")

    async def _stop(self, runs: tuple[str, ...]) -> None:
        if len(runs) > 1:
            names = tuple(self._named(run) for run in runs)
            if not await self.push_screen_wait(places.confirm(f"Stop {len(runs)} runs?", names)):
                return
        for run in runs:
            await self.call(RUN_STOP, RunNamed(run=run))
        self.tell(f"stopping {some(len(runs), 'run')}")

    def _named(self, run: str) -> str:
        view = self.state.runs.get(run)
        if view is None:
            return run
        device = self.state.device_of(view)
        phone = self.state.names[device.id] if device else view.product or view.serial or "a phone"
        return f"{view.model} on {phone}, {view.state}"

    def action_logs(self) -> None:
        """Follow the logs of the phones."""
        if devices := self._devices():
            self.push_screen(places.logs_screen(devices))

    def action_mirror(self) -> None:
        """Show a phone's screen: in a window where that can be, else as pictures."""
        device = self._one_device("mirror")
        if device is None:
            return
        if self.where is None:
            self.tell("a phone's screen needs a hub of its own", "warning")
            return
        self.run_worker(
            show_phone(
                self, self.live, self.where, device, environ=os.environ, busy=lambda: self._is_busy(device)
            ),
            exit_on_error=False,
        )

    def _is_busy(self, device: str) -> bool:
        view = self.state.devices.get(device)
        return view is not None and view.run is not None

    def _one_device(self, verb: str) -> str | None:
        devices = [device for device in self._devices() if device in self.state.devices]
        if len(devices) > 1:
            self.tell(f"mark one phone to {verb}, not {len(devices)}", "warning")
        return devices[0] if len(devices) == 1 else None

    def action_shell(self) -> None:
        """Hand the terminal to a shell on a phone."""
        device = self._one_device("open a shell on")
        if device is None:
            return
        if self.is_web:
            self.tell(NO_SHELL_IN_WEB.format(serial=self.state.devices[device].serial), "warning")
        elif self.where is None:
            self.tell("a shell needs a hub of its own", "warning")
        else:
            command = own_command(self.where, "shell", device)
            self.run_worker(Later(self._shell, command, self.where), exit_on_error=False)

    async def _shell(self, argv: list[str], where: Where) -> None:
        environment = {**os.environ, "DEVICEHUB_HOME": str(where.home.root)}
        try:
            # Events go on being taken in meanwhile; drawing would write into the shell.
            with self.batch_update(), self.suspend():
                status = await procs.in_foreground(argv, env=environment)
        except SuspendNotSupported:
            self.tell("this terminal cannot be handed over; run `devicehub shell` in another one", "warning")
        except OSError as error:
            self.tell(f"{argv[0]} did not start: {error.strerror or error}", "error")
        else:
            if status != 0:
                self.tell(f"the shell ended with status {status}", "warning")

    def action_compare(self) -> None:
        """Set two runs side by side."""
        if two := runs_to_compare(self.state, self.subject()):
            self.push_screen(places.compare_screen(*two))
        else:
            self.tell("mark two runs to compare, or two phones that have figures", "warning")

    def action_doctor(self) -> None:
        """Look at the host and at the phones, at all of them where none is meant."""
        self.push_screen(places.doctor_screen(self.subject().devices))

    def action_copy(self) -> None:
        """Copy what the cursor is on."""
        text = self.screen.copy_text() if isinstance(self.screen, HubScreen) else ""
        if text:
            self.copy_to_clipboard(text)
            self.tell(f"copied {text.splitlines()[0][:60]}")
        else:
            self.tell("there is nothing to copy here")

    def action_help(self) -> None:
        """Say what every key does."""
        self.push_screen(places.help_screen())
