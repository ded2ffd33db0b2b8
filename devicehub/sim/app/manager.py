"""Android's side of the apps on a virtual phone: packages, processes, and what is in front."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import string
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.commands import Answer
from devicehub.sim.app import activities
from devicehub.sim.app.am import ACTIVITIES, API_SERVICE, Intent, UsageError, parse_intent
from devicehub.sim.app.packages import FIRST_UID, Package, format_dump, format_list
from devicehub.sim.app.running import RunningApp
from devicehub.sim.app.spec import AppSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from devicehub.sim.android.system import PhoneSystem
    from devicehub.sim.process.shell import Shell

_ALPHABET: Final = string.ascii_letters + string.digits
_KILLED: Final = 137
_UNKNOWN: Final = 255
_HOME_KEYS: Final = frozenset(("3", "HOME", "KEYCODE_HOME"))
_BACK_KEYS: Final = frozenset(("4", "BACK", "KEYCODE_BACK"))


class AppManager:
    """The packages of one phone and their processes."""

    def __init__(self, spec: AppSpec | None, shell: Shell, system: PhoneSystem) -> None:
        self._spec = spec or AppSpec(installed=False)
        self._shell = shell
        self._system = system
        self._tasks: asyncio.TaskGroup | None = None
        self.packages: dict[str, Package] = {}
        self.running_apps: dict[str, RunningApp] = {}
        self.stack = activities.Stack()
        self._api_key = self._spec.api_key or "".join(secrets.choice(_ALPHABET) for _ in range(16))
        if self._spec.installed:
            self._add(
                Package(
                    name=self._spec.package,
                    uid=FIRST_UID,
                    version=self._spec.version,
                    version_code=self._spec.version_code,
                    debuggable=self._spec.debuggable,
                    signature="built in",
                    code_path=f"/data/app/~~{secrets.token_urlsafe(16)}==/{self._spec.package}-1",
                )
            )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Apps can run while the block lasts; at its end all have ended."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                try:
                    yield
                finally:
                    for app in self.running_apps.values():
                        app.end()
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
                return self._pm(words)
            case ["input", *words]:
                return self._input(words)
            case ["dumpsys", "package" | "packages", name] if name in self.packages:
                abi = self._system.props.get("ro.product.cpu.abi", "arm64-v8a")
                return Answer(format_dump(self.packages[name], abi=abi).encode())
            case ["dumpsys", "package", name]:
                return Answer(f"Unable to find package: {name}\n".encode())
            case ["dumpsys", "activity", *words]:
                return self._dump_activity(words)
        return None

    def _add(self, package: Package) -> None:
        self.packages[package.name] = package
        folder = self._shell.root / package.code_path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)

    async def _am(self, words: Sequence[str], pid: int) -> Answer | None:
        match list(words):
            case ["start" | "start-activity", *rest]:
                return await self._start_activity(rest)
            case ["start-foreground-service" | "startservice" | "start-service", *rest]:
                return await self._start_service(rest)
            case ["force-stop", *_, package]:
                await self._force_stop(package, pid)
                return Answer()
        return None

    async def _start_activity(self, words: Sequence[str]) -> Answer:
        try:
            intent = parse_intent(words)
        except UsageError as error:
            return Answer(stderr=f"{error}\n".encode(), status=_UNKNOWN)
        if intent.stop_first:
            await self._force_stop(intent.package, 0)
        starting = f"Starting: {intent}\n"
        if intent.package not in self.packages or intent.name not in ACTIVITIES:
            problem = (
                f"Error type 3\nError: Activity class {{{intent.package}/{intent.name}}} does not exist.\n"
            )
            return Answer(starting.encode(), problem.encode(), 1)
        self._system.note(
            "ActivityTaskManager", f"START u0 {{{str(intent)[9:-2]}}} from uid 2000 (realCallingUid=2000)"
        )
        cold = intent.package not in self.running_apps
        shown = self.stack.show(intent.package, intent.component)
        if shown:
            app = await self._process_of(intent.package, f"next-top-activity {{{intent.component}}}")
            await app.tell({"activity": intent.name, "extras": intent.extras})
        else:
            starting += "Warning: Activity not started, its current task has been brought to the front\n"
        self._note_front()
        if intent.wait:
            starting += self._waited(intent, cold=cold, shown=shown)
        return Answer(starting.encode())

    def _waited(self, intent: Intent, *, cold: bool, shown: bool) -> str:
        state = "COLD" if cold else "WARM"
        launch = f"LaunchState: {state}\n" if self._system.profile.android >= 10 and shown else ""
        return f"Status: ok\n{launch}Activity: {intent.component}\nTotalTime: 412\nWaitTime: 425\nComplete\n"

    async def _start_service(self, words: Sequence[str]) -> Answer:
        try:
            intent = parse_intent(words)
        except UsageError as error:
            return Answer(stderr=f"{error}\n".encode(), status=_UNKNOWN)
        starting = f"Starting service: {intent}\n".encode()
        if intent.package not in self.packages or intent.name != API_SERVICE:
            return Answer(starting, b"Error: Not found; no service started.\n", _UNKNOWN)
        app = await self._process_of(intent.package, f"service {{{intent.component}}}")
        await app.tell({"service": intent.name, "extras": intent.extras})
        return Answer(starting)

    async def _process_of(self, name: str, why: str) -> RunningApp:
        app = self.running_apps.get(name)
        if app is not None:
            return app
        package = self.packages[name]
        settings = {
            "package": name,
            "debuggable": package.debuggable,
            "api_key": self._api_key,
            "api_auth": self._spec.api_auth,
        }
        app = await RunningApp.start(self._shell, name, settings)
        self.running_apps[name] = app
        self._system.uids[app.pid] = package.uid
        self._system.note(
            "ActivityManager", f"Start proc {app.pid}:{name}/u0a{package.uid % 10000} for {why}"
        )
        assert self._tasks is not None
        self._tasks.create_task(self._see_end(app))
        return app

    async def _see_end(self, app: RunningApp) -> None:
        status = await app.ended()
        if self.running_apps.get(app.package) is app:
            # Not ended by Android: something else took it.
            del self.running_apps[app.package]
            self.stack.drop(app.package)
            self._note_front()
            text = f"Process {app.package} (pid {app.pid}) has died: fg  TOP"
            self._system.note("ActivityManager", text)
            del status

    async def _force_stop(self, name: str, pid: int) -> None:
        package = self.packages.get(name)
        if package is None:
            return
        why = f"from pid {pid}"
        appid = package.uid % 100000
        self._system.note("ActivityManager", f"Force stopping {name} appid={appid} user=0: {why}")
        app = self.running_apps.pop(name, None)
        self.stack.drop(name)
        self._note_front()
        if app is not None:
            killing = f"Killing {app.pid}:{name}/u0a{package.uid % 10000} (adj 0): stop {name} due to {why}"
            self._system.note("ActivityManager", killing)
            app.end()
            await app.gone.wait()

    def _note_front(self) -> None:
        self._system.top_activity = self.stack.front

    def _pm(self, words: Sequence[str]) -> Answer | None:
        match list(words):
            case ["list", "packages" | "package", *rest]:
                return Answer(format_list(self.packages.values(), rest).encode())
            case ["path", *_, name]:
                package = self.packages.get(name)
                if package is None:
                    return Answer(status=1)
                return Answer(f"package:{package.apk_path}\n".encode())
        return None

    def _input(self, words: Sequence[str]) -> Answer:
        match list(words):
            case ["keyevent", *keys]:
                for key in keys:
                    if key in _HOME_KEYS:
                        self.stack.go_home()
                    elif key in _BACK_KEYS:
                        self.stack.go_back()
                self._note_front()
                return Answer()
            case ["tap" | "swipe" | "text", *_]:
                return Answer()
        return Answer(stderr=b"Error: Unknown command\n", status=_UNKNOWN)

    def _dump_activity(self, words: Sequence[str]) -> Answer | None:
        if words[:1] not in ([], ["activities"], ["a"], ["top"]):
            return None
        awake = self._system.screen_on
        text = activities.format_dump(
            self.stack, android=self._system.profile.android, awake=awake, locked=self._system.locked
        )
        return Answer(text.encode())
