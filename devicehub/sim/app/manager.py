"""Android's side of the apps on a virtual phone: their processes, and what is in front."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import string
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.commands import Answer
from devicehub.sim.app import activities, deaths
from devicehub.sim.app.am import ACTIVITIES, API_SERVICE, SETTINGS, Intent, UsageError, parse_intent
from devicehub.sim.app.package_manager import PackageManager
from devicehub.sim.app.running import RunningApp
from devicehub.sim.app.spec import AppSpec

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from devicehub.sim.android.system import PhoneSystem
    from devicehub.sim.app.packages import Package
    from devicehub.sim.process.shell import Shell

_ALPHABET: Final = string.ascii_letters + string.digits
_KEY_LENGTH: Final = 16
_UNKNOWN: Final = 255
_LMKD_PID: Final = 512
_DUMPER: Final = 40
"""How much later than the app crash_dump, which writes its tombstone, got its process id."""
_FATAL_PRIORITY: Final = 7
_ERROR_PRIORITY: Final = 6
_HOME_KEYS: Final = frozenset(("3", "HOME", "KEYCODE_HOME"))
_BACK_KEYS: Final = frozenset(("4", "BACK", "KEYCODE_BACK"))


class AppManager:
    """The apps of one phone.

    Attributes:
        packages: what is installed.
        api_key: the key of the app's API.
    """

    def __init__(self, spec: AppSpec | None, shell: Shell, system: PhoneSystem) -> None:
        self._spec = spec or AppSpec(installed=False)
        self._shell = shell
        self._system = system
        self._tasks: asyncio.TaskGroup | None = None
        self._apps: dict[str, RunningApp] = {}
        self._stack = activities.Stack()
        self.api_key = self._spec.api_key or "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH))
        self.packages = PackageManager(self._spec, system, shell.root, self._end)
        self._note_front()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Apps can run while the block lasts; at its end all have ended."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                try:
                    yield
                finally:
                    self.end_all()
                    self._tasks = None
        except BaseExceptionGroup as group:
            # What the block raised must leave it as it was.
            raise group.exceptions[0] from None

    async def answer(self, argv: Sequence[str], *, pid: int) -> Answer | None:
        """Run am, pm, input, or what concerns apps of cmd and dumpsys; None for anything else."""
        match list(argv):
            case ["am", *words] | ["cmd", "activity", *words]:
                return await self._am(words, pid)
            case ["pm", *words] | ["cmd", "package", *words]:
                return self.packages.answer(words)
            case ["input", *words]:
                return self._input(words)
            case ["dumpsys", "package", name]:
                return self.packages.dump(name)
            case ["dumpsys", "activity", *words]:
                return self._dump_activity(words)
        return None

    def install(self, words: Sequence[str], apk: Path) -> Answer:
        """Install a package: what `pm install` with these options prints."""
        return self.packages.install(words, apk)

    def kill_by_lmkd(self, name: str) -> bool:
        """Let lmkd end an app for want of memory; whether it ran."""
        app, package = self._apps.get(name), self.packages.get(name)
        if app is None or package is None:
            return False
        line = deaths.lmkd_line(package, app.pid, android=self._system.profile.android)
        self._system.note("lowmemorykiller", line, pid=_LMKD_PID, buffer="main")
        app.end()
        return True

    def stop_answering(self, name: str) -> bool:
        """Let Android find that an app does not answer, and say so; whether it ran."""
        app, package = self._apps.get(name), self.packages.get(name)
        if app is None or package is None:
            return False
        self._system.note("ActivityManager", deaths.anr_text(package, app.pid), priority=_ERROR_PRIORITY)
        return True

    def end_all(self) -> None:
        """End every app without a word, as a reboot or the end of Android's own process does."""
        for name in list(self._apps):
            self._forget(name)

    async def _am(self, words: Sequence[str], pid: int) -> Answer | None:
        try:
            match list(words):
                case ["start" | "start-activity", *rest]:
                    return await self._start_activity(parse_intent(rest))
                case ["start-foreground-service" | "startservice" | "start-service", *rest]:
                    return await self._start_service(parse_intent(rest))
                case ["force-stop", *_, name]:
                    await self._force_stop(name, f"from pid {pid}")
                    return Answer()
        except UsageError as error:
            return Answer(stderr=f"{error}\n".encode(), status=_UNKNOWN)
        return None

    async def _start_activity(self, intent: Intent) -> Answer:
        if intent.stop_first:
            await self._force_stop(intent.package, "from am")
        said = f"Starting: {intent}\n"
        own = intent.package == SETTINGS
        if not own and (self.packages.get(intent.package) is None or intent.name not in ACTIVITIES):
            component = f"{{{intent.package}/{intent.name}}}"
            problem = f"Error type 3\nError: Activity class {component} does not exist.\n"
            return Answer(said.encode(), problem.encode(), 1)
        self._system.note("ActivityTaskManager", f"START u0 {intent.inner()} from uid 2000")
        cold = intent.package not in self._apps
        shown = self._stack.show(intent.package, intent.component)
        if shown and not own:
            app = await self._process_of(intent.package, f"next-top-activity {{{intent.component}}}")
            await app.tell({"activity": intent.name, "extras": intent.extras})
        else:
            said += "Warning: Activity not started, its current task has been brought to the front\n"
        self._note_front()
        if intent.wait:
            said += self._waited(intent, cold=cold, shown=shown)
        return Answer(said.encode())

    def _waited(self, intent: Intent, *, cold: bool, shown: bool) -> str:
        state = "COLD" if cold else "WARM"
        launch = f"LaunchState: {state}\n" if self._system.profile.android >= 10 and shown else ""
        times = "TotalTime: 412\nWaitTime: 425\nComplete\n"
        return f"Status: ok\n{launch}Activity: {intent.component}\n{times}"

    async def _start_service(self, intent: Intent) -> Answer:
        said = f"Starting service: {intent}\n".encode()
        if self.packages.get(intent.package) is None or intent.name != API_SERVICE:
            return Answer(said, b"Error: Not found; no service started.\n", _UNKNOWN)
        app = await self._process_of(intent.package, f"service {{{intent.component}}}")
        await app.tell({"service": intent.name, "extras": intent.extras})
        return Answer(said)

    async def _process_of(self, name: str, why: str) -> RunningApp:
        package = self.packages.get(name)
        assert package is not None
        assert self._tasks is not None
        if name in self._apps:
            return self._apps[name]
        settings = {
            "package": name,
            "debuggable": package.debuggable,
            "api_key": self.api_key,
            "api_auth": self._spec.api_auth,
        }
        app = await RunningApp.start(self._shell, name, settings)
        self._apps[name] = app
        self._system.uids[app.pid] = package.uid
        self._system.note("ActivityManager", f"Start proc {app.pid}:{name}/{package.user} for {why}")
        self._tasks.create_task(self._see_end(app))
        return app

    async def _see_end(self, app: RunningApp) -> None:
        status = await app.ended()
        package = self.packages.get(app.package)
        if package is None or self._apps.get(app.package) is not app:
            return  # Android ended it, and has said so
        self._forget(app.package)
        number = deaths.signal_of(status)
        if number is not None:
            self._note_crash(package, app.pid, number)
            self._system.note(
                "Zygote", f"Process {app.pid} exited due to signal {int(number)} ({number.name})"
            )
        self._system.note("ActivityManager", f"Process {app.package} (pid {app.pid}) has died: fg  TOP")

    def _note_crash(self, package: Package, pid: int, number: signal.Signals) -> None:
        if not deaths.is_crash(number):
            return
        fingerprint = self._system.props.get("ro.build.fingerprint", "unknown")
        lines = [("libc", pid, "main", deaths.fatal_line(package, pid, number))]
        dump = deaths.crash_lines(package, pid, number, fingerprint=fingerprint)
        lines += [("DEBUG", pid + _DUMPER, "crash", line) for line in dump]
        for tag, writer, buffer, line in lines:
            self._system.note(tag, line, priority=_FATAL_PRIORITY, pid=writer, buffer=buffer, uid=package.uid)

    async def _force_stop(self, name: str, why: str) -> None:
        package = self.packages.get(name)
        if package is None:
            return
        appid = package.uid % 100000
        self._system.note("ActivityManager", f"Force stopping {name} appid={appid} user=0: {why}")
        app = self._apps.get(name)
        self._end(name, f"stop {name} due to {why}")
        if app is not None:
            await app.gone.wait()

    def _end(self, name: str, why: str) -> None:
        app, package = self._apps.get(name), self.packages.get(name)
        if app is not None and package is not None:
            text = f"Killing {app.pid}:{name}/{package.user} (adj 0): {why}"
            self._system.note("ActivityManager", text)
        self._forget(name)

    def _forget(self, name: str) -> None:
        app = self._apps.pop(name, None)
        if app is not None:
            app.end()
        self._stack.drop(name)
        self._note_front()

    def _note_front(self) -> None:
        self._system.top_activity = self._stack.front

    def _input(self, words: Sequence[str]) -> Answer:
        match list(words):
            case ["keyevent", *keys]:
                for key in keys:
                    if key in _HOME_KEYS:
                        self._stack.go_home()
                    elif key in _BACK_KEYS:
                        self._stack.go_back()
                self._note_front()
                return Answer()
            case ["tap" | "swipe" | "text", *_]:
                return Answer()
        return Answer(stderr=b"Error: Unknown command\n", status=_UNKNOWN)

    def _dump_activity(self, words: Sequence[str]) -> Answer | None:
        if words[:1] not in ([], ["activities"], ["a"], ["top"]):
            return None
        system = self._system
        text = activities.format_dump(
            self._stack, android=system.profile.android, awake=system.screen_on, locked=system.locked
        )
        return Answer(text.encode())
