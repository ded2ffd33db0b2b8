"""What /sys says of the clocks of a phone's processor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FILE: Final = re.compile(r"^(\w{1,32})/(\w{1,40})=(.*)$", re.MULTILINE)
_NUMBERS: Final = {
    "scaling_cur_freq": "khz",
    "scaling_min_freq": "lowest_khz",
    "scaling_max_freq": "cap_khz",
    "cpuinfo_max_freq": "most_khz",
}
FILES: Final = ("related_cpus", "scaling_governor", *_NUMBERS)
"""What is read of each cluster's folder."""
_MOST_CLUSTERS: Final = 64


@dataclass(frozen=True)
class Clocks:
    """How the cores of one kind are clocked; None is what the phone does not tell.

    Attributes:
        cpus: their numbers, as the kernel writes lists: `0-3`.
        khz: now.
        lowest_khz: what the governor may go down to.
        cap_khz: what it may go up to.
        most_khz: what the cores are built for.
    """

    cpus: str | None = None
    governor: str | None = None
    khz: int | None = None
    lowest_khz: int | None = None
    cap_khz: int | None = None
    most_khz: int | None = None


def parse_clocks(text: str) -> dict[str, Clocks]:
    """Read lines `FOLDER/FILE=CONTENT`: `policy4/scaling_max_freq=2400000`; by folder.

    Kernels without policies have a folder per core, cpu0 and so on; of one kind the first stands for all.
    """
    values: dict[str, dict[str, str]] = {}
    for folder, file, content in _FILE.findall(text.replace("\r", "")):
        if folder in values or len(values) < _MOST_CLUSTERS:
            values.setdefault(folder, {})[file] = content.strip()
    found: dict[str, Clocks] = {}
    for folder, files in sorted(values.items()):
        clocks = _clocks(files)
        kinds = {known.cpus for known in found.values()} - {None}
        if clocks != Clocks() and clocks.cpus not in kinds:
            found[folder] = clocks
    return found


def parse_cpu_list(text: str) -> str | None:
    """The kernel's list of CPUs, `0-3,7`; None where the text is none."""
    text = text.strip()
    return text if re.fullmatch(r"\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?){0,127}", text) else None


def _clocks(files: dict[str, str]) -> Clocks:
    governor = files.get("scaling_governor", "")
    numbers = {name: _khz(files.get(file)) for file, name in _NUMBERS.items()}
    return Clocks(
        cpus=_as_list(files.get("related_cpus", "")),
        governor=governor if re.fullmatch(r"[\w.-]{1,32}", governor) else None,
        **numbers,
    )


def _khz(text: str | None) -> int | None:
    # "<unsupported>" where the driver has no such figure; 0 is none either.
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text) or None


def _as_list(words: str) -> str | None:
    """The kernel's `0 1 2 3` in the way of its other lists: `0-3`."""
    if not re.fullmatch(r"\d{1,4}(?: \d{1,4}){0,255}", words):
        return None
    runs: list[list[int]] = []
    for number in sorted({int(word) for word in words.split()}):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
