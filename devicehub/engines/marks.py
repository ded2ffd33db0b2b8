"""What a file's contents give away that its headers do not: version, backends, instructions."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devicehub.manifest import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from devicehub.engines.elf import ElfFacts

_VERSION: Final = re.compile(rb"\x00([1-9]\d?\.\d{1,2}\.\d{1,2})(?=\x00)")
# "v2.28.2.241116104011_103376": Qualcomm's release, the time of its build, a number of it.
_QNN_BUILD: Final = re.compile(rb"v(\d\.\d{1,3}\.\d{1,3}\.\d{6,14}(?:_\d{1,9})?)")
_QNN_NAME: Final = "libQnn"
LOADED: Final[Mapping[str, tuple[bytes, ...]]] = {
    "opencl": (b"clEnqueueNDRangeKernel\0", b"libOpenCL.so\0"),
    "vulkan": (b"vkCreateInstance\0", b"libvulkan.so\0"),
    "qnn": (b"libQnnHtp.so\0",),
    "hexagon": (b"libMNN_htpops.so\0",),
}
"""What each backend opens at run time, or asks for in it, as it stands in the file; one is enough."""
WITHOUT_MEDIA: Final = b"requires LLM_SUPPORT_VISION"
"""What a build without MNN_BUILD_LLM_OMNI would say to a video; older ones hold nothing of the kind."""
WITH_MEDIA: Final = (b"vision_slice_start_id\0", b"image_min_pixels\0", b"<row_\0")
"""Keys that only the code for pictures reads."""

# Arm's encodings, little-endian, from their second byte on; the registers' numbers take the other bits.
_INSTRUCTIONS: Final = {
    "i8mm": re.compile(rb"[\xa4-\xa7][\x80-\x9f]\x4e"),  # SMMLA Vd.4S, Vn.16B, Vm.16B
    # SDOT Vd.4S and FMLA Vd.8H, each by vector and by element.
    "dot": re.compile(rb"[\x94-\x97][\x80-\x9f]\x4e|[\xe0-\xe3\xe8-\xeb][\x80-\xbf]\x4f"),
    "fp16": re.compile(rb"[\x0c-\x0f][\x40-\x5f]\x4e|[\x10-\x13\x18-\x1b][\x00-\x3f]\x4f"),
}
_SEEN: Final = 4
"""So many of a kind are no accident of data among code."""


@dataclass(frozen=True)
class Marks:
    """What one file holds."""

    versions: frozenset[str] = frozenset()
    """MNN's, where it is the only one."""
    loads: frozenset[str] = frozenset()
    """The backends whose libraries it opens, by the keys of `LOADED`."""
    omni: bool | None = None
    qnn_build: str | None = None
    instructions: frozenset[str] = field(default_factory=frozenset)
    """Out of `i8mm`, `dot`, `fp16`."""


def read_marks(path: Path, facts: ElfFacts) -> Marks:
    """Look through a file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if path.name.startswith(_QNN_NAME):
                found = _QNN_BUILD.search(data)
                return Marks(qnn_build=found[1].decode() if found else None)
            return Marks(
                versions=frozenset(match.decode() for match in _VERSION.findall(data)),
                loads=frozenset(name for name, texts in LOADED.items() if _any(data, texts)),
                omni=_reads_media(data),
                instructions=_instructions(data, facts),
            )
    except (OSError, ValueError) as error:
        raise unreadable(path, error if isinstance(error, OSError) else OSError(str(error))) from error


def _reads_media(data: mmap.mmap) -> bool | None:
    if data.find(WITHOUT_MEDIA) >= 0:
        return False
    return True if _any(data, WITH_MEDIA) else None


def _any(data: mmap.mmap, texts: Iterable[bytes]) -> bool:
    return any(data.find(text) >= 0 for text in texts)


def _instructions(data: mmap.mmap, facts: ElfFacts) -> frozenset[str]:
    if facts.abi != "arm64-v8a":
        return frozenset()
    return frozenset(name for name, pattern in _INSTRUCTIONS.items() if _holds(data, facts, pattern))


def _holds(data: mmap.mmap, facts: ElfFacts, pattern: re.Pattern[bytes]) -> bool:
    seen = 0
    for offset, size in facts.code:
        for match in pattern.finditer(data, offset, offset + size):
            seen += match.start() % 4 == 1
            if seen >= _SEEN:
                return True
    return False
