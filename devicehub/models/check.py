"""Judges an exported model's folder before anything is pushed: what MNN would answer only with silence.

The keys, their defaults and their merge order are those of transformers/llm/engine/src/llmconfig.hpp:
`llm_config.json` is merged over `config.json`, and a file that is not strict JSON counts as empty there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.findings import Finding, Severity, errors, refusal
from devicehub.manifest import check_relative, list_files, require_folder, unreadable
from devicehub.models.file_keys import FILE_KEYS, SPECULATION
from devicehub.models.graph import Graph, read_graph
from devicehub.models.model_file import flaws_of, measure, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CONFIG: Final = "config.json"
QNN_CONFIG: Final = "config_qnn.json"
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
_PARTS: Final = {"is_visual": ("visual_model", "images"), "is_audio": ("audio_model", "audio")}
_AGAIN: Final = "download or export it again"


@dataclass(frozen=True)
class ModelCheck:
    """What was found in a model's folder.

    Attributes:
        config: its config.json, read past what can be cut out; empty where that is no object at all.
        llm_config: its llm_config.json, likewise.
        files: what must be pushed, as sorted relative paths.
        left_out: what lies there and is of no use on a phone.
        findings: all that is wrong.
    """

    config: dict[str, Any]
    llm_config: dict[str, Any]
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it will not be able to do, one sentence each."""
        return tuple(f"{one.place} {one.why}" for one in self.findings if one.severity is Severity.WARNING)


@dataclass(frozen=True)
class Tie:
    """Where a model whose output layer is its embedding keeps both; zeros where it has a file for them."""

    weight_offset: int = 0
    alpha_offset: int = 0
    alpha_size: int = 0
    quant_bit: int = 0
    quant_block: int = 0

    @property
    def end(self) -> int:
        """Where the scales end, in bytes of the file that holds them."""
        return self.alpha_offset + self.alpha_size


def check_model(root: Path) -> ModelCheck:
    """Judge a folder as llmexport writes it.

    Raises:
        InputError: the first thing that would keep the model from answering, with its remedy.
    """
    found = inspect_model(root)
    if broken := errors(found.findings):
        raise refusal(broken[0])
    return found


def inspect_model(root: Path) -> ModelCheck:
    """Judge a folder, and go on behind what is wrong.

    Raises:
        InputError: there is no such folder, or it cannot be read.
    """
    remedy = "give the folder that holds it" if root.name == CONFIG else "give the model's folder"
    require_folder(root, remedy=remedy)
    folder = _Folder(root)
    folder.list()
    if not folder.files:
        folder.error("not_a_model", root, "the folder is empty", "give the folder that holds config.json")
        return ModelCheck({}, {}, (), (), tuple(folder.findings))
    if CONFIG not in folder.files:
        folder.error("not_a_model", root, f"holds no {CONFIG}", _find_config(root, sorted(folder.files)))
        return ModelCheck({}, {}, (), (), tuple(folder.findings))
    config = folder.read(CONFIG)
    folder.settings = dict(config)
    llm_config = _check_llm_config(folder)
    folder.settings = config | llm_config
    graph = _check_core(folder)
    _check_tokenizer(folder)
    _check_embedding(folder, graph)
    _check_extras(folder)
    if QNN_CONFIG in folder.files:
        _check_qnn(folder)
    pushed, left_out = _sort_out(folder)
    return ModelCheck(config, llm_config, pushed, left_out, tuple(folder.findings))


def read_object(file: Path) -> dict[str, Any]:
    """Read a file as strictly as MNN does.

    Raises:
        InputError: it is not one JSON object; names the line.
    """
    reading = read_text(file)
    if isinstance(reading, Finding):
        raise refusal(reading)
    if broken := errors(flaws_of(file, reading)):
        raise refusal(broken[0])
    assert reading.value is not None
    return reading.value


def require_content(file: Path) -> int:
    """The size of a model file in bytes; raises InputError for an empty one and for a git-lfs pointer."""
    found = measure(file)
    if isinstance(found, Finding):
        raise refusal(found)
    return found


def read_tie(settings: dict[str, Any]) -> Tie:
    """What `tie_embeddings` says; zeros where it says nothing."""
    # {"weight_offset": 1357826, "alpha_offset": ...} or the same figures as a list; older lists are shorter.
    tie = settings.get("tie_embeddings")
    names = [one.name for one in fields(Tie)]
    if isinstance(tie, list):
        return Tie(*(_whole(value) for value in tie[: len(names)]))
    return Tie(**{name: _whole(tie.get(name)) for name in names}) if isinstance(tie, dict) else Tie()


@dataclass
class _Folder:
    """A model's folder under judgement."""

    root: Path
    files: frozenset[str] = frozenset()
    settings: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    measured: set[str] = field(default_factory=set)

    def error(self, slug: str, place: Path | str, why: str, fix: str | None = None) -> None:
        self._add(Severity.ERROR, slug, place, why, fix)

    def warn(self, slug: str, place: Path | str, why: str, fix: str | None = None) -> None:
        self._add(Severity.WARNING, slug, place, why, fix)

    def list(self) -> None:
        """See which files there are."""
        try:
            self.files = frozenset(list_files(self.root))
        except InputError as error:
            if error.place == self.root:
                raise
            self.error("folder_unreadable", error.place, error.problem, error.remedy)
            self.files = frozenset(one.name for one in self.root.iterdir() if one.is_file())

    def read(self, name: str) -> dict[str, Any]:
        """A file's object, as far as it is one."""
        self.measured.add(name)
        reading = read_text(self.root / name)
        if isinstance(reading, Finding):
            self.findings.append(reading)
            return {}
        self.findings += flaws_of(self.root / name, reading)
        return reading.value or {}

    def name_of(self, key: str, *, source: str = CONFIG) -> str | None:
        """The file that a key names; None, and a finding, where the engine could never open such a value."""
        value = self.settings.get(key, FILE_KEYS[key])
        place = f"{self.root / source}"
        if not isinstance(value, str) or not value:
            fix = f'set it to a name such as "{FILE_KEYS[key] or "llm.mnn"}"'
            self.error("file_key", place, f"{key} is not a file name", fix)
            return None
        if value.startswith("/") or ".." in PurePosixPath(value).parts or "\0" in value:
            why = f"{key} names {value!r}, but MNN looks below the model's folder only"
            self.error("file_key", place, why, "put the file into the folder and name it plainly")
            return None
        return PurePosixPath(value).as_posix()

    def require(self, key: str, fix: str) -> tuple[str, int] | None:
        """Name and size of the file that a key names; None, and a finding, where it is of no use."""
        name = self.name_of(key)
        if name is None:
            return None
        if name not in self.files:
            self.error("file_missing", self.root / name, f"is missing ({key})", fix)
            return None
        size = self.content(name)
        return None if size is None else (name, size)

    def content(self, name: str) -> int | None:
        """The size of a file that is there; None, and a finding, where it is of no use."""
        self.measured.add(name)
        found = measure(self.root / name)
        if isinstance(found, Finding):
            self.findings.append(found)
            return None
        return found

    def _add(self, severity: Severity, slug: str, place: Path | str, why: str, fix: str | None) -> None:
        self.findings.append(Finding(severity=severity, slug=slug, place=str(place), why=why, fix=fix))


def _find_config(root: Path, present: Sequence[str]) -> str:
    deeper = next((name for name in present if name.count("/") == 1 and name.endswith(f"/{CONFIG}")), None)
    if deeper is not None:
        return f"add {(root / deeper).parent} instead"
    if any(name.endswith((".safetensors", ".gguf")) for name in present):
        return "this is a checkpoint, not an MNN model: export it first"
    return "give the folder that llmexport wrote"


def _check_llm_config(folder: _Folder) -> dict[str, Any]:
    # Without it the engine answers garbage at full speed.
    found = folder.require("llm_config", "export the model again, or copy this file too")
    return {} if found is None else folder.read(found[0])


def _check_core(folder: _Folder) -> Graph:
    found = folder.require("llm_model", "copy the whole folder")
    graph = Graph() if found is None else _read_graph(folder, found[0])
    weight = folder.require("llm_weight", "copy the whole folder")
    if weight is not None:
        tie = read_tie(folder.settings)
        # A tied embedding's quantised weights and their scales stand in this file, the scales behind them.
        _check_size(folder, *weight, max(tie.end if tie.weight_offset > 0 else 0, graph.weight_end))
    return graph


def _check_tokenizer(folder: _Folder) -> None:
    if "tokenizer_file" not in folder.settings and "tokenizer.mtok" in folder.files:
        why = "has no tokenizer_file, and MNN then looks for tokenizer.txt, not for the tokenizer.mtok here"
        folder.error("tokenizer_default", folder.root / CONFIG, why, 'add "tokenizer_file": "tokenizer.mtok"')
        return
    folder.require("tokenizer_file", "copy it too, or correct the key in config.json")


def _read_graph(folder: _Folder, name: str) -> Graph:
    file = folder.root / name
    try:
        graph = read_graph(file.read_bytes())
    except OSError as error:
        said = unreadable(file, error)
        folder.error("file_unreadable", file, said.problem, said.remedy)
        return Graph()
    if graph is not None and graph.is_cut:
        folder.error("graph_truncated", file, "is truncated: it points behind its own end", _AGAIN)
    return graph or Graph()  # no graph that we can read says nothing of the other files


def _check_size(folder: _Folder, name: str, size: int, end: int) -> None:
    if size < end:
        why = f"is truncated: {size} bytes, and the model points at byte {end}"
        folder.error("weight_truncated", folder.root / name, why, _AGAIN)


def _check_embedding(folder: _Folder, graph: Graph) -> None:
    tie = read_tie(folder.settings)
    hidden = _whole(folder.settings.get("hidden_size"))
    if tie.quant_block > 0 and hidden % tie.quant_block:
        why = f"quant_block {tie.quant_block} does not divide hidden_size {hidden}: it would say garbage"
        folder.error("block_garbles", folder.root, why, "export it with a --quant_block that divides it")
    if tie.weight_offset > 0:
        return  # embeddings come from the weight file, whatever file config.json names
    fix = "copy it too; this model's embeddings are not part of llm.mnn.weight"
    found = folder.require("embedding_file", fix)
    if found is None:
        return
    name, size = found
    rows, rest = (
        divmod(size, hidden * _BFLOAT16_BYTES) if "bf16" in name and hidden > 0 else (graph.tokens, 0)
    )
    why = ""
    if size < tie.end:
        why = f"{size} bytes, and the model points at byte {tie.end}"
    elif rest:
        why = f"{size} bytes are no whole number of rows of {hidden} values"
    elif rows < graph.tokens:
        why = f"{rows} rows, and the model can say {graph.tokens} tokens"
    if why:
        folder.error("embedding_truncated", folder.root / name, f"is truncated: {why}", _AGAIN)


def _check_extras(folder: _Folder) -> None:
    kind = folder.settings.get("speculative_type")
    if isinstance(kind, str) and (key := SPECULATION.get(kind)) is not None:
        folder.require(key, f'copy it too, or remove "speculative_type": "{kind}"')
    if "ple_embed_file" in folder.settings:
        folder.require("ple_embed_file", "copy it too")
    for flag, (key, what) in _PARTS.items():
        if not folder.settings.get(flag) or (part := folder.name_of(key)) is None:
            continue
        _check_part(folder, part, what)


def _check_part(folder: _Folder, part: str, what: str) -> None:
    weight = f"{part}.weight"
    for name in (part, weight):
        if name not in folder.files:
            why = f"is missing: the model will not take {what}"
            folder.warn("part_missing", folder.root / name, why, "copy it too")
    sizes = {name: folder.content(name) for name in (part, weight) if name in folder.files}
    size = sizes.get(weight)
    if size is not None and sizes.get(part) is not None:
        _check_size(folder, weight, size, _read_graph(folder, part).weight_end)


def _check_qnn(folder: _Folder) -> None:
    settings = folder.settings | folder.read(QNN_CONFIG)
    npu = replace(folder, settings=settings)
    for key in ("llm_model", "llm_weight"):
        name = npu.name_of(key, source=QNN_CONFIG)
        if name is not None and name not in npu.files:
            # Even where the graphs hold everything, the engine refuses to load without a file of this name.
            why = f"is missing ({key}): runs on the NPU will fail"
            folder.warn("qnn_graph_missing", folder.root / name, why, "copy it too")


def _sort_out(folder: _Folder) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What must be pushed, and what need not."""
    present = sorted(folder.files)
    named = {value for value in folder.settings.values() if isinstance(value, str)}
    pushed = tuple(name for name in present if name in named or not _left_out(name))
    for name in pushed:
        try:
            check_relative(folder.root, name)
        except InputError as error:
            folder.error("file_name", error.place, error.problem, error.remedy)
        if name not in folder.measured:
            found = measure(folder.root / name)
            if isinstance(found, Finding) and found.slug != "file_empty":
                folder.findings.append(found)
    taken = frozenset(pushed)
    return pushed, tuple(name for name in present if name not in taken)


def _left_out(name: str) -> bool:
    path = PurePosixPath(name)
    folders = path.parts[:-1]
    if any(part in _FOLDERS_NOT_PUSHED or part.startswith("tmp_") for part in folders):
        return True
    return any(path.match(pattern) for pattern in _NOT_PUSHED)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
