"""The tensors of a checkpoint in safetensors, by their headers alone.

A file is: 8 bytes little-endian, the length of the header; the header, JSON
`{"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, "__metadata__": {...}}`; the data, from
which the offsets count (huggingface/safetensors, README.md, "Format"). Of several files
`model.safetensors.index.json` says which holds which:
`{"weight_map": {"name": "model-00001-of-00002.safetensors"}}`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from devicehub.errors import InputError
from devicehub.manifest import unreadable
from devicehub.units import MB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
_LFS: Final = b"version https://git-lfs"
_LENGTH_BYTES: Final = 8
_MOST_HEADER: Final = 100 * MB
"""What the format allows."""
_AGAIN: Final = "download it again"

DTYPE_BYTES: Final = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """One tensor of a checkpoint.

    Attributes:
        file: that holds it.
        offset: of its first byte in the file.
        size: in bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int
    size: int

    @property
    def elements(self) -> int:
        """How many values it has."""
        return math.prod(self.shape)


def read_tensors(folder: Path) -> Mapping[str, Tensor]:
    """All tensors of a checkpoint that transformers would load.

    Raises:
        InputError: the folder has none, a file is missing, cut off, a git-lfs pointer, or no safetensors.
    """
    files = _files(folder)
    if pointers := [file.name for file in files if is_pointer(file)]:
        problem = (
            f"{', '.join(pointers)} {'are' if len(pointers) > 1 else 'is'} no weights but git-lfs pointers"
        )
        raise InputError(folder, problem, remedy="run `git lfs pull` there, or download the checkpoint again")
    found: dict[str, Tensor] = {}
    for file in files:
        for tensor in read_header(file):
            if tensor.name in found:
                raise InputError(
                    file, f"holds {tensor.name}, as {found[tensor.name].file.name} does", remedy=_AGAIN
                )
            found[tensor.name] = tensor
    if (folder / INDEX).is_file():
        absent = [name for name in _weight_map(folder / INDEX) if name not in found]
        if absent:
            problem = f"names {absent[0]}" + (f" and {len(absent) - 1} more" if absent[1:] else "")
            raise InputError(folder / INDEX, f"{problem}, which no file holds", remedy=_AGAIN)
    return found


def read_header(file: Path) -> Sequence[Tensor]:
    """The tensors of one file.

    Raises:
        InputError: it cannot be read, is cut off, or is no safetensors.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
            if size < _LENGTH_BYTES or not 2 <= length <= _MOST_HEADER:
                raise InputError(file, "is no safetensors file", remedy=_AGAIN)
            if _LENGTH_BYTES + length > size:
                raise InputError(file, f"is cut off within its header, at {size} bytes", remedy=_AGAIN)
            header = _decode(file, stream.read(length))
    except OSError as error:
        raise unreadable(file, error) from error
    tensors = [
        _tensor(file, name, entry, data_at=_LENGTH_BYTES + length)
        for name, entry in header.items()
        if name != "__metadata__"
    ]
    end = max((tensor.offset + tensor.size for tensor in tensors), default=0)
    if end > size:
        raise InputError(file, f"is cut off: {size} bytes, and its tensors end at {end}", remedy=_AGAIN)
    return tensors


def is_pointer(file: Path) -> bool:
    """Whether a file is only git-lfs's note of where its content lies; false where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(len(_LFS)) == _LFS
    except OSError:
        return False


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object of a checkpoint.

    Raises:
        InputError: it cannot be read, or is none.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error
    if data.startswith(_LFS):
        raise InputError(file, "is a git-lfs pointer, not the file itself", remedy="run `git lfs pull`")
    return _decode(file, data)


def _decode(file: Path, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode())
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(file, f"is not the JSON that is expected there{line}", remedy=_AGAIN) from error
    if not isinstance(value, dict):
        raise InputError(file, "is no JSON object", remedy=_AGAIN)
    return value


def _files(folder: Path) -> Sequence[Path]:
    if (folder / INDEX).is_file():
        names = sorted(set(_weight_map(folder / INDEX).values()))
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            problem = (
                f"{len(missing)} of {len(names)} files of weights are missing, the first is {missing[0]}"
            )
            raise InputError(folder, problem, remedy=_AGAIN)
        return [folder / name for name in names]
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    patterns = ("*.safetensors", "*.bin", "*.gguf")
    others = sorted(path.name for pattern in patterns for path in folder.glob(pattern))
    there = f"; there is {others[0]}" if others else ""
    remedy = "take the checkpoint in safetensors"
    if gguf := next((name for name in others if name.endswith(".gguf")), None):
        remedy = f"take the weights of that file: --gguf {folder / gguf}"
    raise InputError(folder, f"holds neither {SINGLE} nor {INDEX}{there}", remedy=remedy)


def _weight_map(index: Path) -> Mapping[str, str]:
    entries = read_json(index).get("weight_map")
    if not isinstance(entries, dict) or not entries:
        raise InputError(index, "has no weight_map", remedy=_AGAIN)
    for name, file in entries.items():
        if not isinstance(file, str) or Path(file).name != file or file in ("", ".", "..") or "\0" in file:
            raise InputError(index, f"names {file!r} as the file of {name}", remedy=_AGAIN)
    return entries


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[Annotated[int, msgspec.Meta(ge=0)]]
    data_offsets: tuple[Annotated[int, msgspec.Meta(ge=0)], int]


def _tensor(file: Path, name: str, described: Any, *, data_at: int) -> Tensor:
    try:
        entry = msgspec.convert(described, _Entry)
    except msgspec.ValidationError as error:
        raise InputError(file, f"describes {name} in no known way", remedy=_AGAIN) from error
    begin, end = entry.data_offsets
    tensor = Tensor(name, entry.dtype, tuple(entry.shape), file, data_at + begin, end - begin)
    each = DTYPE_BYTES.get(entry.dtype)
    if end < begin or (each is not None and tensor.elements * each != tensor.size):
        problem = f"gives {name} {tensor.size} bytes, which do not suit its shape and type"
        raise InputError(file, problem, remedy=_AGAIN)
    return tensor
