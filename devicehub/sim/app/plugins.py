"""dumpapp's smaller commands: `openai` (OpenApiDumperPlugin.kt) and `models` (ModelListDumperPlugin.kt)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from devicehub.sim.app.api import PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.sim.app.api_service import ApiService
    from devicehub.sim.app.dumpapp import Printer
    from devicehub.sim.app.files import PhonePaths

_OPENAI_USAGE: Final = """\
Usage: dumpapp openai <command>
Commands:
  status            Show current service status and config
  diag              Show config + runtime listener diagnostics
  start [--model <modelId>]  Start the OpenAIService
  stop              Stop the service
  reset-config      Reset API settings to default (new API key)
  test-chat [msg]   Send a test message to the LLM"""
_MODELS_USAGE: Final = """\
Usage: dumpapp models <command> [args]

Commands:
  list [-v|--verbose]  List models as displayed in UI
  refresh              Refresh the model list"""


class OpenAiPlugin:
    """`dumpapp openai`.

    Args:
        service: the API's service.
        start: asks Android to start it, for a model or none.
        api_key: the key that the API asks for.
        auth: whether it does.
    """

    def __init__(
        self, service: ApiService, start: Callable[[str | None], None], *, api_key: str, auth: bool
    ) -> None:
        self._service = service
        self._start = start
        self._api_key = api_key
        self._auth = auth
        self._enabled = False

    async def run(self, words: Sequence[str], out: Printer) -> None:
        """Carry out a command line without the plugin's name."""
        match list(words):
            case []:
                return  # the usage stays in a buffer that nobody flushes
            case ["status", *_]:
                self._print_status(out)
            case ["start", *rest]:
                self._start_service(rest, out)
            case ["stop", *_]:
                running = self._service.running
                await self._service.stop()
                out.line("Service stop requested." if running else "Service is not running.")
            case [command, *_]:
                _print(out, f"Unknown command: {command}", *_OPENAI_USAGE.splitlines())

    def _print_status(self, out: Printer) -> None:
        service = self._service
        if service.running:
            _print(
                out,
                "Status: Service is running",
                f"Is Running (Internal): {str(service.listening).lower()}",
                f"Port: {PORT if service.listening else 'null'}",
                f"Model ID: {service.model_id or 'null'}",
                f"Start Requests: {service.starts}",
                f"Bootstrap Count: {service.bootstraps}",
            )
        else:
            out.line("Status: Service is NOT running (Instance is null)")
        _print(
            out,
            "--- Config ---",
            f"Port (Config): {PORT}",
            "IP (Config): 127.0.0.1",
            "HTTPS URL (Config): false",
            "TLS Runtime Supported: false",
            f"Auth Enabled: {str(self._auth).lower()}",
            f"API Key: {self._api_key}",
        )

    def _start_service(self, words: Sequence[str], out: Printer) -> None:
        model = next((word for before, word in itertools.pairwise(words) if before == "--model"), None)
        if not self._enabled:
            self._enabled = True
            out.line("enable_api_service was false, auto-enabled via plugin.")
        self._start(model)
        out.line("Service start requested via Intent.")
        if model:
            out.line(f"Model ID: {model}")


class ModelsPlugin:
    """`dumpapp models`: what lies where the shell may push; the app's own downloads are none here."""

    def __init__(self, paths: PhonePaths) -> None:
        self._paths = paths
        self._folders = paths.models()

    async def run(self, words: Sequence[str], out: Printer) -> None:
        """Carry out a command line without the plugin's name."""
        match list(words):
            case ["list", *_]:
                self._print_list(out)
            case ["refresh", *_]:
                self._folders = self._paths.models()
                _print(out, "Triggering ModelList refresh...", "Refresh triggered.")
            case _:
                _print(out, *_MODELS_USAGE.splitlines())

    def ids(self) -> list[str]:
        """The ids of the models that are listed."""
        return [f"local/{folder}" for folder in self._folders]

    def _print_list(self, out: Printer) -> None:
        _print(out, f"=== ModelListFragment Display ({len(self._folders)} models) ===", "")
        for number, folder in enumerate(self._folders, 1):
            _print(
                out,
                f"[{number}] {folder.rpartition('/')[2]}",
                f"    ID: local/{folder}",
                "    Source: (local)",
                "    Tags: local",
                "",
            )
        _print(out, "", f"Total: {len(self._folders)} models")


def _print(out: Printer, *rows: str) -> None:
    for row in rows:
        out.line(row)
