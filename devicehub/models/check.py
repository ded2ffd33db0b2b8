"""Judges an exported model's folder before anything is pushed: what MNN would answer only with silence.

The keys, their defaults and their merge order are those of transformers/llm/engine/src/llmconfig.hpp:
`llm_config.json` is merged over `config.json`, and a file that is not strict JSON counts as empty there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.manifest import check_relative, list_files, require_folder, unreadable
from devicehub.models.graph import Graph, read_graph

if TYPE_CHECKING:
    from pathlib import Path

CONFIG: Final = "config.json"
QNN_CONFIG: Final = "config_qnn.json"
_LFS: Final = b"version https://git-lfs"
_BFLOAT16_BYTES: Final = 2

_NOT_PUSHED: Final = (
    "*.mnn.json",
    "export_args.json",
    "*.md",
    "*.log",
    "*.static",
    "mnn_cachefile.bin",
    "*.onnx",
)
_FOLDERS_NOT_PUSHED: Final = ("onnx", "tmp", "__pycache__")
_SPECULATIVE: Final = {
    "mtp": {"mtp_model": "mtp.mnn"},
    "eagle": {"eagle_model": "eagle.mnn"},
    "dflash": {"dflash_model": "dflash.mnn"},
}
_PARTS: Final = {
    "is_visual": ("visual_model", "visual.mnn", "images"),
    "is_audio": ("audio_model", "audio.mnn", "audio"),
}


@dataclass(frozen=True)
class ModelCheck:
    """What was found in a model's folder that can be used."""

    config: dict[str, Any]
    llm_config: dict[str, Any]
    files: tuple[str, ...]
    """What must be pushed, as sorted relative paths."""
    left_out: tuple[str, ...]
    """What lies there and is of no use on a phone."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Tie:
    """Where a model whose output layer is its embedding keeps both; zeros where it has a file for them."""

    weight_offset: int = 0
    alpha_offset: int = 0
    alpha_size: int = 0
    quant_bit: int = 0
    quant_block: int = 0


@dataclass
class _Folder:
    """A model's folder under judgement."""

    root: Path
    files: frozenset[str]
    settings: dict[str, Any]
    warnings: list[str] = field(default_factory=list)

    def file_key(self, key: str, default: str, *, source: str = CONFIG) -> str:
        """The file that a key names; raises InputError where the engine could never open such a value."""
        value = self.settings.get(key, default)
        place = self.root / source
        if not isinstance(value, str) or not value:
            raise InputError(
                place, f"{key} is not a file name", remedy=f'set it to a name such as "{default}"'
            )
        if value.startswith("/") or ".." in PurePosixPath(value).parts:
            problem = f"{key} names {value!r}, but MNN looks below the model's folder only"
            raise InputError(place, problem, remedy="put the file into the folder and name it plainly")
        return PurePosixPath(value).as_posix()

    def require(self, name: str, key: str, remedy: str) -> int:
        """The size of a file that must be there, be no pointer and not be empty, in bytes."""
        if name not in self.files:
            raise InputError(self.root / name, f"is missing ({key})", remedy=remedy)
        return require_content(self.root / name)


def check_model(root: Path) -> ModelCheck:
    """Judge a folder as llmexport writes it.

    Raises:
        InputError: the first thing that would keep the model from answering, with its remedy.
    """
    remedy = "give the folder that holds it" if root.name == CONFIG else "give the model's folder"
    require_folder(root, remedy=remedy)
    present = list_files(root)
    if not present:
        raise InputError(root, "the folder is empty", remedy="give the folder that holds config.json")
    if CONFIG not in present:
        raise InputError(root, f"holds no {CONFIG}", remedy=_find_config(root, present))
    config = read_object(root / CONFIG)
    folder = _Folder(root, frozenset(present), dict(config))
    llm_config = _check_llm_config(folder)
    folder.settings = config | llm_config
    graph = _check_core(folder)
    _check_embedding(folder, graph)
    _check_extras(folder)
    if QNN_CONFIG in folder.files:
        _check_qnn(folder)
    named = {value for value in folder.settings.values() if isinstance(value, str)}
    pushed = tuple(name for name in present if name in named or not _left_out(name))
    for name in pushed:
        check_relative(root, name)
    left_out = tuple(name for name in present if name not in set(pushed))
    return ModelCheck(config, llm_config, pushed, left_out, tuple(folder.warnings))


def read_object(file: Path) -> dict[str, Any]:
    """Read a file as strictly as MNN does.

    Raises:
        InputError: it is not one JSON object; names the line.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error
    if data.startswith(_LFS):
        raise _pointer(file)
    silent = "MNN ignores such a file without a word"
    if data.startswith(b"\xef\xbb\xbf"):
        raise InputError(file, f"begins with a byte order mark; {silent}", remedy="save it as plain UTF-8")
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(file, f"is not UTF-8; {silent}", remedy="save it as plain UTF-8") from error
    except json.JSONDecodeError as error:
        why = _json_problem(error)
        raise InputError(f"{file}:{error.lineno}", f"{why}; {silent}", remedy="correct this line") from error
    except RecursionError as error:
        raise InputError(file, "is nested too deeply", remedy="export the model again") from error
    if not isinstance(value, dict):
        raise InputError(file, f"is not a JSON object; {silent}", remedy="export the model again")
    return value


def require_content(file: Path) -> int:
    """The size of a model file in bytes; raises InputError for an empty one and for a git-lfs pointer."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(len(_LFS))
    except OSError as error:
        raise unreadable(file, error) from error
    if head == _LFS:
        raise _pointer(file)
    if size == 0:
        raise InputError(file, "is empty", remedy="download or export the model again")
    return size


def _find_config(root: Path, present: list[str]) -> str:
    deeper = next((name for name in present if name.count("/") == 1 and name.endswith(f"/{CONFIG}")), None)
    if deeper is not None:
        return f"add {(root / deeper).parent} instead"
    if any(name.endswith((".safetensors", ".gguf")) for name in present):
        return "this is a checkpoint, not an MNN model: export it first"
    return "give the folder that llmexport wrote"


def _check_llm_config(folder: _Folder) -> dict[str, Any]:
    name = folder.file_key("llm_config", "llm_config.json")
    # Without it the engine answers garbage at full speed.
    folder.require(name, "llm_config", "export the model again, or copy this file too")
    return read_object(folder.root / name)


def _check_core(folder: _Folder) -> Graph:
    model = folder.file_key("llm_model", "llm.mnn")
    folder.require(model, "llm_model", "copy the whole folder")
    graph = _read_graph(folder.root / model)
    weight = folder.file_key("llm_weight", "llm.mnn.weight")
    size = folder.require(weight, "llm_weight", "copy the whole folder")
    _check_weight_size(folder, weight, size, graph)
    if "tokenizer_file" not in folder.settings and "tokenizer.mtok" in folder.files:
        problem = (
            "has no tokenizer_file, and MNN then looks for tokenizer.txt, not for the tokenizer.mtok here"
        )
        raise InputError(folder.root / CONFIG, problem, remedy='add "tokenizer_file": "tokenizer.mtok"')
    tokenizer = folder.file_key("tokenizer_file", "tokenizer.txt")
    folder.require(tokenizer, "tokenizer_file", "copy it too, or correct the key in config.json")
    return graph


def _read_graph(file: Path) -> Graph:
    try:
        graph = read_graph(file.read_bytes())
    except OSError as error:
        raise unreadable(file, error) from error
    if graph is not None and graph.is_cut:
        problem = "is truncated: it points behind its own end"
        raise InputError(file, problem, remedy="download or export it again")
    return graph or Graph()  # no graph that we can read says nothing of the other files


def _check_weight_size(folder: _Folder, name: str, size: int, graph: Graph) -> None:
    tie = _tie(folder)
    # The embedding's quantised weights and their scales stand in this file, the scales behind the weights.
    end = max(tie.alpha_offset + tie.alpha_size, graph.weight_end)
    if size < end:
        problem = f"is truncated: {size} bytes, and the model points at byte {end}"
        raise InputError(folder.root / name, problem, remedy="download or export it again")


def _check_embedding(folder: _Folder, graph: Graph) -> None:
    tie = _tie(folder)
    hidden = _whole(folder.settings.get("hidden_size"))
    if tie.weight_offset > 0:
        # Embeddings come from the weight file, whatever file config.json names.
        if tie.quant_block > 0 and hidden % tie.quant_block:
            problem = (
                f"quant_block {tie.quant_block} does not divide hidden_size {hidden}: it would say garbage"
            )
            raise InputError(folder.root, problem, remedy="export it with a --quant_block that divides it")
        return
    name = folder.file_key("embedding_file", "embeddings_bf16.bin")
    remedy = "copy it too; this model's embeddings are not part of llm.mnn.weight"
    size = folder.require(name, "embedding_file", remedy)
    if "bf16" not in name or hidden <= 0:
        return
    rows, rest = divmod(size, hidden * _BFLOAT16_BYTES)
    if rest or rows < graph.tokens:
        problem = f"is truncated: {size} bytes are no whole number of rows of {hidden} values"
        if not rest:
            problem = f"is truncated: {rows} rows, and the model can say {graph.tokens} tokens"
        raise InputError(folder.root / name, problem, remedy="download or export it again")


def _check_extras(folder: _Folder) -> None:
    kind = folder.settings.get("speculative_type")
    if isinstance(kind, str):
        for key, default in _SPECULATIVE.get(kind, {}).items():
            remedy = f'copy it too, or remove "speculative_type": "{kind}"'
            folder.require(folder.file_key(key, default), key, remedy)
    if "ple_embed_file" in folder.settings:
        folder.require(folder.file_key("ple_embed_file", ""), "ple_embed_file", "copy it too")
    for flag, (key, default, what) in _PARTS.items():
        if not folder.settings.get(flag):
            continue
        for name in (part := folder.file_key(key, default), f"{part}.weight"):
            if name in folder.files:
                require_content(folder.root / name)
            else:
                folder.warnings.append(f"{folder.root / name} is missing: the model will not take {what}")


def _check_qnn(folder: _Folder) -> None:
    npu = _Folder(folder.root, folder.files, folder.settings | read_object(folder.root / QNN_CONFIG))
    for key in ("llm_model", "llm_weight"):
        name = npu.file_key(key, "", source=QNN_CONFIG)
        if name not in npu.files:
            # Even where the graphs hold everything, the engine refuses to load without a file of this name.
            folder.warnings.append(f"{folder.root / name} is missing ({key}): runs on the NPU will fail")


def _left_out(name: str) -> bool:
    path = PurePosixPath(name)
    folders = path.parts[:-1]
    if any(part in _FOLDERS_NOT_PUSHED or part.startswith("tmp_") for part in folders):
        return True
    return any(path.match(pattern) for pattern in _NOT_PUSHED)


def _json_problem(error: json.JSONDecodeError) -> str:
    text, place = error.doc, error.pos
    here = text[place : place + 1]
    before = text[:place].rstrip()[-1:]
    if here in ("/", "#"):
        return "a comment, which JSON does not know"
    if (here in ("}", "]") and before == ",") or "trailing comma" in error.msg.lower():
        return "a trailing comma, which JSON does not allow"
    if not text.strip():
        return "the file is empty"
    return f"is not valid JSON ({error.msg}, column {error.colno})"


def _pointer(file: Path) -> InputError:
    return InputError(
        file, "is a git-lfs pointer, not the file itself", remedy="run `git lfs pull` or download it again"
    )


def _tie(folder: _Folder) -> _Tie:
    # {"weight_offset": 1357826, "alpha_offset": ...} or the same figures as a list; older lists are shorter.
    tie = folder.settings.get("tie_embeddings")
    names = [one.name for one in fields(_Tie)]
    if isinstance(tie, list):
        return _Tie(*(_whole(value) for value in tie[: len(names)]))
    return _Tie(**{name: _whole(tie.get(name)) for name in names}) if isinstance(tie, dict) else _Tie()


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
