"""Starts an engine on a phone without a model: does it link, where does it write, does its backend open.

The folder that it is given holds files of no content in the model's place. The engine then sets up its
backend and gives up at the tokenizer, which takes a second.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from devicehub.adb import shell
from devicehub.adb.wire import Stderr, Stdout
from devicehub.deploy.targets import engine_target
from devicehub.errors import AdbRefused, AdbTimeout
from devicehub.findings import Finding, Severity
from devicehub.runner.contract import engine_env
from devicehub.settings import PHONE_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from devicehub.adb.client import Transport
    from devicehub.engines.catalog import Engine

_TIMEOUT_S: Final = 60.0
_PROGRAM: Final = "llm_demo"
_MOST_LINES: Final = 60
_MOST_BYTES: Final = 1 << 20
_STATUS: Final = "--devicehub-status-3c9b--"
_LOG: Final = "--devicehub-log-3c9b--"
_FILES: Final = ("llm.mnn", "llm.mnn.weight", "tokenizer.txt")
_GAVE_UP: Final = "LLM init error"
# "The device supports: i8sdot:1, fp16:1, i8mm: 1, sve2: 0, sme2: 0"
_SUPPORTS: Final = re.compile(r"The device supports: ([\w: ,]+)")
# 'CANNOT LINK EXECUTABLE "./llm_demo": library "libMNN.so" not found: needed by main executable'
# "qemu-aarch64-static: Could not open '/system/bin/linker64': No such file or directory", on a virtual phone
_UNLINKED: Final = re.compile(
    r"CANNOT LINK EXECUTABLE|cannot locate symbol|error while loading shared libraries"
    r"|qemu-\S+: Could not open '/"
)
_LIBRARY: Final = re.compile(r'library "([^"]+)" not found|libraries: (\S+): cannot open')
_NOT_OPENED: Final = re.compile(
    r"Can't Find type=\d+ backend|OpenCL init error|Parsing OpenCL symbols error|CL ERROR CODE"
    r"|\[MNN::Hexagon\] Open .*(?:failed|error=)|\[Hexagon\] failed|skel arch mismatch"
    r"|MNN_QNN: Failed|type=\d+ backend don't Support"
)
_SIGNALLED: Final = 128


class EngineProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine did on a phone when it was started without a model.

    Attributes:
        backend: that it was told to use.
        links: the phone's loader took it.
        missing: the library that the loader did not find.
        status: its exit status; above 128 a signal ended it.
        prints_to: where its own lines went; None where none came.
        supports: the instructions that it found, as `i8sdot`, by name.
        opened: whether the backend was there; None where the engine did not come so far.
        why: the line that says why not.
        lines: what it said, the last of it.
    """

    backend: str
    links: bool
    status: int
    missing: str | None = None
    prints_to: Literal["stdout", "logcat"] | None = None
    supports: dict[str, bool] = {}
    opened: bool | None = None
    why: str | None = None
    lines: list[str] = []


def judge_probe(probe: EngineProbe, place: str) -> Finding | None:
    """What a probe says against the engine on that phone; None where it ran to where a model is needed."""
    said = probe.why or (probe.lines[-1].strip() if probe.lines else "it said nothing")
    if not probe.links:
        why = f"does not load the engine: {said}"
        fix = f"put {probe.missing} beside llm_demo and add the engine again" if probe.missing else None
        if said.startswith("qemu-"):
            fix = "take a static engine on a virtual phone, which has no C library of Android's"
        return _error("link_error", place, why, fix or "look at `devicehub engines check`")
    if probe.status > _SIGNALLED:
        why = f"ended the engine by signal {probe.status - _SIGNALLED}; its last words: {said}"
        return _error("probe_crashed", place, why, "take another engine or backend")
    if probe.opened is False:
        why = f"does not open backend {probe.backend}: {said}"
        return _error("backend_unopened", place, why, "take a run profile for the CPU")
    if probe.opened is None:
        why = f"ran the engine, which did not say that it got to the model: {said}"
        return Finding(severity=Severity.WARNING, slug="probe_unclear", place=place, why=why)
    return None


def _error(slug: str, place: str, why: str, fix: str) -> Finding:
    return Finding(severity=Severity.ERROR, slug=slug, place=place, why=why, fix=fix)


async def probe_engine(
    engine: Engine,
    transport: Transport,
    *,
    backend: str = "cpu",
    without: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
) -> EngineProbe:
    """Push an engine as far as it is not there, and start it without a model.

    Args:
        engine: of the catalogue.
        transport: the way to the phone, on which no run is under way.
        backend: `cpu`, `opencl`, `vulkan` or `hexagon`.
        without: its files that the phone has no use for.
        progress: is told the size of each piece that is pushed.

    Raises:
        HubError: the phone cannot be reached, or has no room.
    """
    target = engine_target(engine, without)
    await target.carry_out(await target.plan(transport), transport, progress=progress)
    script = _script(f"{target.directory}/{_PROGRAM}", engine_env(target.directory), backend)
    return read_probe(backend, await _attached(transport, script))


def read_probe(backend: str, output: bytes) -> EngineProbe:
    """Conclude from what the script printed."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    said, _, rest = text.partition(_STATUS)
    code, _, logged = rest.partition(_LOG)
    status = int(code) if code.strip().isdigit() else 0
    own, log = said.splitlines(), logged.splitlines()
    lines = [line for line in (*own, *log) if line.strip()]
    unlinked = next((line for line in lines if _UNLINKED.search(line)), None)
    gave_up = [name for name, part in (("stdout", own), ("logcat", log)) if _has(part, _GAVE_UP)]
    refused = next((line for line in lines if _NOT_OPENED.search(line)), None)
    supports = next((match for line in lines if (match := _SUPPORTS.search(line))), None)
    came_far = bool(gave_up) and (supports is not None or _has(lines, "okenizer"))
    return EngineProbe(
        backend=backend,
        links=unlinked is None and status not in (126, 127),
        status=status,
        missing=_library(unlinked) if unlinked else None,
        prints_to="stdout" if "stdout" in gave_up else "logcat" if gave_up else None,
        supports=_instructions(supports[1]) if supports else {},
        opened=False if refused else True if came_far else None,
        why=(unlinked or refused or "").strip() or None,
        lines=lines[-_MOST_LINES:],
    )


def _script(program: str, env: Mapping[str, str], backend: str) -> str:
    config = {"llm_model": _FILES[0], "llm_weight": _FILES[1], "tokenizer_file": _FILES[2]}
    config |= {"backend_type": backend}
    folder = shell.quote([f"{PHONE_ROOT}/probe-{secrets.token_hex(4)}"])
    paths = " ".join(f"{name}={shell.quote([value])}" for name, value in env.items())
    start = f"{paths} {shell.quote([program])} ./config.json </dev/null"
    log = 'logcat -d -v raw --pid="$pid" MNNJNI:V "*:S" 2>/dev/null'
    return (
        f"mkdir -p {folder} && cd {folder} || exit 1; "
        # The shell is hung up on where the link breaks.
        f"trap 'cd /; rm -rf {folder}' EXIT; trap 'exit 1' HUP INT TERM; "
        f"for f in {' '.join(_FILES)}; do echo >$f; done; echo '{{}}' >llm_config.json; "
        f"echo {shell.quote([json.dumps(config)])} >config.json; "
        f"{start} & pid=$!; wait $pid; code=$?; echo; echo {_STATUS}$code; "
        f"echo {_LOG}; {log}"
    )


async def _attached(transport: Transport, script: str) -> bytes:
    """Run it on a terminal, which loses no line where the engine crashes; else without."""
    try:
        return await _collect(transport, script, terminal=True)
    except AdbRefused:
        return await _collect(transport, script, terminal=False)


async def _collect(transport: Transport, script: str, *, terminal: bool) -> bytes:
    output = bytearray()
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            shell.open_shell(transport, script, terminal=terminal) as started,
        ):
            async for event in started:
                if isinstance(event, Stdout | Stderr) and len(output) < _MOST_BYTES:
                    output += event.data
    except TimeoutError as error:
        raise AdbTimeout(waited_s=_TIMEOUT_S, serial=transport.label, service="the engine's probe") from error
    return bytes(output)


def _has(lines: Iterable[str], text: str) -> bool:
    return any(text in line for line in lines)


def _library(line: str) -> str | None:
    match = _LIBRARY.search(line)
    return (match[1] or match[2]) if match else None


def _instructions(text: str) -> dict[str, bool]:
    pairs = (part.partition(":") for part in text.split(","))
    return {name.strip(): value.strip() == "1" for name, _, value in pairs if value.strip() in ("0", "1")}
