"""What is judged: a model's settings as the engine merges them, and what is known beside them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from devicehub.findings import Finding, Severity
from devicehub.lint.keys import KEYS, default_of
from devicehub.lint.reading import as_read, fits, shown
from devicehub.profiles.layers import merge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CONFIG: Final = "config.json"
LLM_CONFIG: Final = "llm_config.json"


@dataclass(frozen=True)
class Known:
    """What is known beside a configuration; all of it may be left out.

    Attributes:
        llm_config: what the model's llm_config.json says, which the engine merges over the configuration.
        files: names in the model's folder; None where they are not known.
        sources: where a key of the configuration comes from, by key: `--set thread_num`.
        config: the configuration's own place.
        llm: the place of the model's llm_config.json.
    """

    llm_config: Mapping[str, Any] = field(default_factory=dict)
    files: Collection[str] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    config: str = CONFIG
    llm: str = LLM_CONFIG


@dataclass(frozen=True)
class Settings:
    """A configuration under judgement, as the engine merges it."""

    config: Mapping[str, Any]
    known: Known
    merged: Mapping[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any], known: Known) -> Settings:
        """Merge what is known of the model over a configuration, as the engine does."""
        try:
            return cls(config, known, merge(config, known.llm_config))
        except RecursionError:
            return cls(config, known, {**config, **known.llm_config})

    def has(self, name: str) -> bool:
        """Whether the key stands there."""
        return name in self.merged

    def read(self, name: str) -> Any:
        """A key's value as the engine reads it, or its default."""
        if name not in self.merged:
            return default_of(name)
        return as_read(KEYS[name].kind, self.merged[name])

    def said(self, name: str) -> str:
        """A key's value for a sentence, and what the engine takes it for where that is something else."""
        value = self.merged.get(name)
        if name not in KEYS or fits(KEYS[name].kind, value):
            return f"is {shown(value)}"
        return f"is {shown(value)}, which MNN reads as {shown(self.read(name))}"

    def place(self, name: str) -> str:
        """Where a key's value comes from."""
        top = name.partition(".")[0]
        if top in self.known.llm_config:
            return f"{self.known.llm}: {name}"
        return self.known.sources.get(top) or f"{self.known.config}: {name}"

    @property
    def backend(self) -> str:
        """The backend that is asked for."""
        return str(self.read("backend_type"))

    @property
    def is_for_npu(self) -> bool:
        """Whether the graph hands its work to Qualcomm's NPU; the backend is then `cpu` all the same."""
        model = self.read("llm_model")
        return bool(self.read("npu_model_dir")) or str(model).startswith("qnn/")


def error(slug: str, place: str, why: str, fix: str | None = None) -> Finding:
    """A finding that forbids a run."""
    return Finding(severity=Severity.ERROR, slug=slug, place=place, why=why, fix=fix)


def warning(slug: str, place: str, why: str, fix: str | None = None) -> Finding:
    """A finding that a run is told of."""
    return Finding(severity=Severity.WARNING, slug=slug, place=place, why=why, fix=fix)


def note(slug: str, place: str, why: str, fix: str | None = None) -> Finding:
    """A finding that only a check shows."""
    return Finding(severity=Severity.NOTE, slug=slug, place=place, why=why, fix=fix)
