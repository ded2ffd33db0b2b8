"""`dumpapp llm`: prompts for the app's model, as LlmDumperPlugin.kt answers."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.sim.app.dumpapp import Printer
    from devicehub.sim.app.runtime import Ensured, Runtime
    from devicehub.sim.app.worker import Worker

_USAGE: Final = """\
Usage: dumpapp llm <command>
Commands:
  status                               Show service-runtime session status
  ensure <modelId> [--force-reload]    Ensure runtime session for model
  run <modelId> <prompt> [--force-reload] [--use-app-config]  Run prompt via LlmSession
  thinking get                          Get runtime thinking mode
  thinking set <on|off>                Set runtime thinking mode
  mock-latex <on|off> [path]           Enable/disable mock streaming latex using optional file path
  release                              Release runtime session"""
_OPTIONS: Final = frozenset(("--force-reload", "--use-app-config"))
_SWITCH: Final = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class LlmPlugin:
    """The plugin."""

    def __init__(self, runtime: Runtime, worker: Worker) -> None:
        self._runtime = runtime
        self._worker = worker

    async def run(self, words: Sequence[str], out: Printer) -> None:
        """Carry out a command line without the plugin's name."""
        command, rest = (words[0], words[1:]) if words else ("", [])
        if command == "status":
            self._print_status(out)
        elif command == "ensure":
            await self._ensure(rest, out)
        elif command == "run":
            await self._run(rest, out)
        elif command == "thinking":
            await self._think(rest, out)
        elif command == "release":
            await self._worker.do(self._runtime.release)
            _print(out, "RESULT=OK", "SESSION_PRESENT=false", "SESSION_SOURCE=none")
        else:
            _print(out, *_USAGE.splitlines())

    def _print_status(self, out: Printer) -> None:
        thinking = "unknown" if self._runtime.model_id is None else _java(self._runtime.thinking)
        _print(out, "RESULT=OK", *self._presence(), f"MODEL_ID={self._runtime.model_id or ''}")
        _print(out, f"THINKING_ENABLED={thinking}")

    def _presence(self) -> list[str]:
        there = self._runtime.active is not None
        return [
            f"SESSION_PRESENT={_java(there)}",
            f"SESSION_SOURCE={'service_runtime' if there else 'none'}",
        ]

    async def _ensure(self, words: Sequence[str], out: Printer) -> None:
        if not words:
            usage = "USAGE=dumpapp llm ensure <modelId> [--force-reload]"
            _print(out, "RESULT=FAIL", "REASON=MISSING_MODEL_ID", usage)
            return
        force = "--force-reload" in words[1:]
        found = await self._worker.do(functools.partial(self._runtime.ensure, words[0], force=force))
        if found.session is None:
            _print(out, "RESULT=FAIL", *self._presence(), f"MODEL_ID={words[0]}", f"REASON={found.reason}")
            return
        _print(out, "RESULT=OK", *self._presence(), f"MODEL_ID={words[0]}")
        _print(out, f"THINKING_ENABLED={_java(self._runtime.thinking)}")

    async def _run(self, words: Sequence[str], out: Printer) -> None:
        plain = [word for word in words if word not in _OPTIONS]
        if len(plain) < 2:
            usage = "USAGE=dumpapp llm run <modelId> <prompt> [--force-reload] [--use-app-config]"
            _print(out, "RESULT=FAIL", "REASON=MISSING_MODEL_ID_OR_PROMPT", usage)
            return
        model_id, prompt = plain[0], " ".join(plain[1:])
        ask = self._ask_apart if "--use-app-config" in words else self._ask
        force = "--force-reload" in words
        for row in await self._worker.do(functools.partial(ask, model_id, prompt, force=force)):
            out.line(row)

    def _ask_apart(self, model_id: str, prompt: str, *, force: bool) -> list[str]:
        """With the app's own configuration: in a session of its own, after which the former one is back."""
        del force
        former = self._runtime.model_id if self._runtime.active is not None else None
        try:
            return self._ask(model_id, prompt, force=True, app_config=True)
        finally:
            self._runtime.release()
            if former is not None:
                self._runtime.ensure(former, force=True)

    def _ask(self, model_id: str, prompt: str, *, force: bool, app_config: bool = False) -> list[str]:
        began = time.monotonic()
        found = self._runtime.ensure(model_id, force=force, app_config=app_config)
        if found.session is None:
            return _report_failure(model_id, found, began)
        chunks: list[str] = []
        if app_config:
            found.session.generate(prompt, chunks.append)
        else:
            found.session.submit_full_history([("user", prompt)], chunks.append)
        model = found.session.model
        # Only an answer that ends by itself calls back once more; a cut one leaves it at its chunks.
        ended = model.ended()
        answer = "".join(chunks)
        if not ended and not answer:
            return _report_failure(model_id, None, began)
        return [
            "RESULT=OK",
            "SESSION_PRESENT=true",
            "SESSION_SOURCE=service_runtime",
            f"MODEL_ID={model_id}",
            f"STAGE={'completed' if ended else 'completed_without_terminal_callback'}",
            "SUBMIT_RETURNED=true",
            f"CHUNK_COUNT={len(chunks) + ended}",
            f"TERMINAL_CALLBACK_COUNT={int(ended)}",
            f"TERMINAL_SIGNAL={'callback_null' if ended else 'missing'}",
            f"NON_TERMINAL_CHUNK_COUNT={len(chunks)}",
            "EMPTY_CHUNK_COUNT=0",
            "COMPLETION_RECEIVED=true",
            f"ELAPSED_MS={_elapsed_ms(began)}",
            "RESPONSE_BEGIN",
            answer,
            "RESPONSE_END",
        ]

    async def _think(self, words: Sequence[str], out: Printer) -> None:
        usage = "USAGE=dumpapp llm thinking get|set <on|off>"
        present = self._runtime.active is not None
        model = f"MODEL_ID={self._runtime.model_id or ''}"
        if not words:
            _print(out, "RESULT=FAIL", "REASON=MISSING_THINKING_COMMAND", usage)
        elif words[0] not in ("get", "set"):
            _print(out, "RESULT=FAIL", "REASON=UNKNOWN_THINKING_COMMAND", usage)
        elif words[0] == "set" and len(words) < 2:
            usage = "USAGE=dumpapp llm thinking set <on|off>"
            _print(out, "RESULT=FAIL", "REASON=MISSING_THINKING_VALUE", usage)
        elif not present:
            _print(out, "RESULT=FAIL", "REASON=NO_ACTIVE_SESSION", "SESSION_PRESENT=false")
        elif words[0] == "set" and words[1].lower() not in _SWITCH:
            usage = "USAGE=dumpapp llm thinking set <on|off>"
            _print(out, "RESULT=FAIL", "REASON=INVALID_THINKING_VALUE", usage)
        else:
            if words[0] == "set":
                on = _SWITCH[words[1].lower()]
                await self._worker.do(functools.partial(self._runtime.set_thinking, on=on))
            _print(out, "RESULT=OK", "SESSION_PRESENT=true", model)
            _print(out, f"THINKING_ENABLED={_java(self._runtime.thinking)}")


def _report_failure(model_id: str, found: Ensured | None, began: float) -> list[str]:
    submitted = found is None
    return [
        "RESULT=FAIL",
        f"MODEL_ID={model_id}",
        f"REASON={'RUN_TIMEOUT' if found is None else found.reason}",
        f"STAGE={'await_completion' if submitted else 'ensure'}",
        f"SUBMIT_RETURNED={_java(submitted)}",
        "CHUNK_COUNT=0",
        "TERMINAL_CALLBACK_COUNT=0",
        "TERMINAL_SIGNAL=missing",
        "NON_TERMINAL_CHUNK_COUNT=0",
        "EMPTY_CHUNK_COUNT=0",
        "COMPLETION_RECEIVED=false",
        f"ELAPSED_MS={_elapsed_ms(began)}",
        "PARTIAL_RESPONSE_LEN=0",
    ]


def _elapsed_ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _java(value: bool) -> str:
    return "true" if value else "false"


def _print(out: Printer, *rows: str) -> None:
    for row in rows:
        out.line(row)
