"""How the exporter's child process is started: its command, its surroundings, the folder that it works in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXPORTED: Final = Path("exported")
"""Where the model is made, within the child's folder: export_args.json then names no path of this host."""
SOURCE: Final = Path("source")
"""A link to the checkpoint, named in export_args.json. llmexport takes a path with `bge`, `gte` or
`Qwen3-Embedding` anywhere in it for that of an embedding model."""
RESULT: Final = "result.json"
CONVERTER_LOG: Final = ".export.log"
"""What MNN's converter says; llmexport writes it here, relative to where it runs."""

_BIN: Final = "bin"
_PIP_CALLED: Final = "called"
_NO_PIP: Final = """#!/bin/sh
echo "pip $*" >>"${0%/*}/called"
echo "pip: nothing is installed during an export" >&2
exit 1
"""
_OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def prepare(work: Path, source: Path) -> None:
    """Lay out the folder that the child is started in.

    Raises:
        OSError: it cannot be written.
    """
    (work / SOURCE).symlink_to(source.resolve())
    bin_folder = work / _BIN
    bin_folder.mkdir()
    for name in ("pip", "pip3"):
        (bin_folder / name).write_text(_NO_PIP)
        (bin_folder / name).chmod(0o755)


def command(python: str, options: Sequence[str]) -> list[str]:
    """The child's command line, to be run in the prepared folder.

    Args:
        python: the interpreter that has llmexport.
        options: llmexport's; where the model comes from and where it is made are set here.
    """
    places = ["--path", str(SOURCE), "--dst_path", str(EXPORTED)]
    # A name that is not there: the wheel's converter is used. An option of the user's comes later and wins.
    converter = ["--mnnconvert", "absent"]
    return [python, "-P", "-m", "devicehub.export.child_entry", RESULT, *converter, *options, *places]


def environment(work: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: as inherited, without a way to pip and to the hubs of models."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("TQDM_")}
    path = f"{work / _BIN}:{inherited.get('PATH', '')}"
    # Unbuffered and UTF-8: the exporter's ticks and spinners are what progress is read from.
    return (
        kept
        | _OFFLINE
        | {"PATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}
    )


def pip_calls(work: Path) -> list[str]:
    """The pip commands that something in the child tried."""
    try:
        return (work / _BIN / _PIP_CALLED).read_text(errors="replace").splitlines()
    except OSError:
        return []
