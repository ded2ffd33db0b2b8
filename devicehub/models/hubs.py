"""Where models come from: how a source is written, and which of a repository's files are taken. Pure.

A source is `hf:ORG/NAME` or `modelscope:ORG/NAME`, with `@REVISION` behind it where another branch, tag or
commit is meant than the hub's default; the address of its page says the same.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

import msgspec

from devicehub.errors import InputError
from devicehub.manifest import name_problem
from devicehub.units import format_bytes

HF: Final = "hf"
MODELSCOPE: Final = "modelscope"

_SOURCE: Final = re.compile(
    r"(?P<hub>hf|modelscope):(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,100}))?",
    re.ASCII,
)
_PAGES: Final = (
    (re.compile(r"https?://(?:www\.)?huggingface\.co/([^/?#]+/[^/?#]+)(?:/tree/([^?#]+?))?/?$"), HF),
    (re.compile(r"https?://(?:www\.)?modelscope\.(?:cn|ai)/models/([^/?#]+/[^/?#]+)(?:/.*)?$"), MODELSCOPE),
)

_GB: Final = 1_000_000_000
_HF_MOST: Final = 50 * _GB
"""Bytes of a file: more, Hugging Face gives over its Xet protocol alone (huggingface_hub, constants.py)."""
_GRAPH: Final = "*.mnn"
_WEIGHTS: Final = "*.safetensors"
_OTHER_WEIGHTS: Final = (
    *("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.ot", "*.onnx", "*.onnx_data", "*.gguf"),
    *("*.mlmodel", "*.tflite", "*.xml"),
)
_OTHER_FOLDERS: Final = ("onnx", "openvino", "coreml", "original", "metal", "gguf", "flax")


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file as a hub lists it.

    Attributes:
        path: relative to the repository, with `/`.
        size: in bytes.
        sha256: of its content, in hex; None where the hub tells none.
        git_sha1: of its content as a git blob, in hex: what Hugging Face tells of small files instead.
    """

    path: str
    size: int
    sha256: str | None = None
    git_sha1: str | None = None


@dataclass(frozen=True)
class Source:
    """A repository of one of the hubs."""

    hub: Literal["hf", "modelscope"]
    repo: str
    """`ORG/NAME`."""
    revision: str | None = None
    """A branch, tag or commit; None is the hub's default."""

    def __str__(self) -> str:
        return f"{self.hub}:{self.repo}" + (f"@{self.revision}" if self.revision else "")

    @property
    def name(self) -> str:
        """The repository's own name, without its owner."""
        return self.repo.partition("/")[2]


@dataclass(frozen=True)
class Choice:
    """What is taken of a repository, and what is left there.

    Attributes:
        kind: `model` where MNN can load it, `checkpoint` where it must be exported first.
    """

    kind: Literal["model", "checkpoint"]
    files: tuple[RemoteFile, ...]
    left: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files that are taken."""
        return sum(file.size for file in self.files)

    def left_sentence(self) -> str | None:
        """What is left there, for a person; None where nothing of weight is."""
        size = sum(file.size for file in self.left)
        if not self.left:
            return None
        names = ", ".join(file.path for file in self.left[:3]) + (", ..." if len(self.left) > 3 else "")
        return f"left out {len(self.left)} files ({format_bytes(size)}) of other formats: {names}"


def parse_source(text: str) -> Source:
    """Read a source as a person writes it, or as the address of its page.

    Raises:
        InputError: it is none; says how one looks.
    """
    for page, kind in _PAGES:
        if found := page.match(text):
            groups = [group for group in found.groups() if group]
            return parse_source(f"{kind}:{'@'.join(groups[:2])}")
    found = _SOURCE.fullmatch(text)
    if found is None or ".." in text:
        remedy = "write hf:ORG/NAME or modelscope:ORG/NAME, as on the model's page"
        raise InputError(text or "''", "names no model of a hub", remedy=remedy)
    return Source("hf" if found["hub"] == HF else "modelscope", found["repo"], found["revision"])


def choose_files(source: Source, listed: list[RemoteFile]) -> Choice:
    """Decide what of a repository is taken: an MNN model whole, of a checkpoint one format of its weights.

    Hidden files are the hub's own and never taken.

    Raises:
        InputError: nothing is left, a name could leave the folder or be held by no disk, or a file is larger
            than its hub gives to us.
    """
    files = sorted((file for file in listed if not _is_hidden(file.path)), key=lambda file: file.path)
    for file in files:
        _check_path(source, file.path)
    if not files:
        raise InputError(str(source), "holds no files", remedy="look at its page")
    choice = Choice("checkpoint", tuple(files), ())
    if any(fnmatch.fnmatch(file.path, _GRAPH) for file in files):
        choice = Choice("model", tuple(files), ())
    elif any(fnmatch.fnmatch(file.path, _WEIGHTS) and "/" not in file.path for file in files):
        taken = tuple(file for file in files if not _is_other_format(file.path))
        choice = Choice("checkpoint", taken, tuple(file for file in files if file not in taken))
    _refuse_large(source, choice)
    return choice


def _refuse_large(source: Source, choice: Choice) -> None:
    large = next((file for file in choice.files if file.size > _HF_MOST), None)
    if source.hub == HF and large is not None:
        problem = (
            f"{large.path} has {large.size / _GB:.0f} GB, and files over 50 GB come by the hub's own client"
        )
        remedy = f"fetch it with `hf download {source.repo} --local-dir DIR`, and name DIR in its place"
        raise InputError(str(source), problem, remedy=remedy)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part != ".." for part in path.split("/"))


def _is_other_format(path: str) -> bool:
    pure = PurePosixPath(path)
    if len(pure.parts) > 1 and pure.parts[0].lower() in _OTHER_FOLDERS:
        return True
    return any(fnmatch.fnmatch(pure.name, pattern) for pattern in _OTHER_WEIGHTS)


def _check_path(source: Source, path: str) -> None:
    parts = path.split("/")
    if not path or any(part in ("", "..") for part in parts) or "\\" in path:
        raise InputError(
            str(source), f"lists the file {path!r}, which leads out of its folder", remedy="do not use it"
        )
    for part in parts:
        if problem := name_problem(part):
            raise InputError(str(source), f"lists the file {path!r}, whose name {problem}")
