"""Builds an engine: one folder a build, one build in it at a time, all output kept in a log."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.engines.building.output import Complaint, share_of
from devicehub.errors import InputError, ProgramError
from devicehub.manifest import unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from io import FileIO

    from devicehub.engines.building.plan import Step
    from devicehub.profiles.engine_file import EngineFile

_LOCK: Final = ".devicehub-build"
_LINE_BYTES: Final = 64 * 1024
_GRACE_S: Final = 5.0
_GUARD: Final = "devicehub.engines.building.guarded"
_SIGNALS: Final = 128


@dataclass(frozen=True)
class At:
    """How far a build is."""

    title: str
    number: int
    of: int
    step_share: float | None


async def build(
    steps: Sequence[Step],
    folder: Path,
    log: Path,
    *,
    environ: Mapping[str, str],
    on_progress: Callable[[At], None],
) -> None:
    """Carry out the steps of a build; what an earlier try has compiled is not compiled again.

    However this ends, all that was started has ended too.

    Args:
        steps: in their order.
        folder: of the build; it is made.
        log: takes all that the programs say; it is written anew.
        environ: what the programs inherit.
        on_progress: is told where it is.

    Raises:
        ProgramError: one failed; says in which line, and names the log.
        InputError: another build is under way in this folder, or it cannot be written.
    """
    # First the claim: the log of a build under way is its own.
    with _claimed(folder), _opened(log) as stream:
        for number, step in enumerate(steps, 1):

            def tell(share: float | None, step: Step = step, number: int = number) -> None:
                on_progress(At(step.title, number, len(steps), share))

            await _do(step, stream, log, environ, tell)


def collect(file: EngineFile, folder: Path, mnn: Path, qnn_sdk: Path | None, bundle: Path) -> None:
    """Copy what the engine is made of out of its build.

    Raises:
        InputError: a program is not there although the build went well.
        OSError: the disk refuses.
    """
    taken = [path for pattern in file.files for path in sorted(folder.glob(pattern))]
    taken += [path for pattern in file.source_files for path in sorted(mnn.glob(pattern))]
    if qnn_sdk is not None:
        taken += [path for pattern in file.sdk_files for path in sorted(qnn_sdk.glob(pattern))]
    missing = [target for target in file.targets if target in file.files and not (folder / target).is_file()]
    if missing:
        remedy = "are these MNN's sources, and not too old? See the log"
        raise InputError(folder, f"holds no {missing[0]} after the build", remedy=remedy)
    bundle.mkdir(parents=True, exist_ok=True)
    for path in taken:
        shutil.copy(path, bundle / path.name)


@contextlib.contextmanager
def bundle_folder() -> Iterator[Path]:
    """A folder for what was collected, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="devicehub-built-") as place:
        yield Path(place)


def _opened(log: Path) -> FileIO:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("wb", buffering=0)
    except OSError as error:
        raise unwritable(Path(error.filename or log), error) from error


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(Path(error.filename or folder), error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(folder, "another build is under way in it", remedy="wait for its end") from None
    finally:
        os.close(descriptor)


async def _do(
    step: Step,
    stream: FileIO,
    log: Path,
    environ: Mapping[str, str],
    tell: Callable[[float | None], None],
) -> None:
    tell(None)
    for script in step.scripts:
        script.path.parent.mkdir(parents=True, exist_ok=True)
        script.path.write_text(script.text, "utf-8")
        script.path.chmod(0o755)
    _keep(stream, ("$ " + "\n$ ".join(step.lines()) + "\n").encode())
    complaint, furthest = Complaint(), 0.0

    def reach(share: float) -> None:
        # Compilers side by side end in any order.
        nonlocal furthest
        if share > furthest:
            furthest = share
            tell(share)

    env = {**environ, **dict(step.env), "PYTHONUNBUFFERED": "1"}
    # In English: the lines are read.
    env |= {"LC_ALL": "C.UTF-8", "LANGUAGE": "en"}
    argv = (sys.executable, "-P", "-m", _GUARD, *step.argv)
    async with procs.child(argv, env=env, cwd=step.cwd, grace_s=_GRACE_S) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.TaskGroup() as tasks:
            for pipe in (process.stdout, process.stderr):
                tasks.create_task(_listen(pipe, stream, complaint, reach))
        status = await process.wait()
    if status != 0:
        number = abs(status) % _SIGNALS
        how = f"ended with status {status}" if 0 < status <= _SIGNALS else f"was ended by signal {number}"
        problem = f"{step.title} {how}: {complaint.sentence or 'it said nothing'}"
        raise ProgramError("the build", problem, remedy=f"see {log}")


def _keep(stream: FileIO, data: bytes) -> None:
    """Write to the log as far as the disk has room; where it is full, the compilers say so."""
    with contextlib.suppress(OSError):
        stream.write(data)


async def _listen(
    pipe: asyncio.StreamReader,
    stream: FileIO,
    complaint: Complaint,
    reach: Callable[[float], None],
) -> None:
    rest = b""
    while block := await pipe.read(_LINE_BYTES):
        _keep(stream, block)
        # Gradle and ninja draw with carriage returns.
        *lines, rest = (rest + block).replace(b"\r", b"\n").split(b"\n")
        rest = rest[-_LINE_BYTES:]
        for line in lines:
            text = line.decode(errors="replace")
            complaint.hear(text)
            share = share_of(text)
            if share is not None:
                reach(share)
    complaint.hear(rest.decode(errors="replace"))
