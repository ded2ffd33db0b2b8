"""How the next token is chosen: values with which the engine crashes or answers at random. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.lint.keys import MIXED, SAMPLERS
from devicehub.lint.reading import shown
from devicehub.lint.subject import error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.findings import Finding
    from devicehub.lint.subject import Settings

_READ_IT: Final = frozenset({"temperature", "topP", "minP", "min_p", "tfs", "typical"})
"""Samplers that take the temperature from the configuration; the others keep 1."""


def judge_sampling(settings: Settings) -> Iterator[Finding]:
    """The sampler and what it is told."""
    kind = settings.read("sampler_type")
    chain = list(settings.read("mixed_samplers")) if kind == "mixed" else [kind]
    yield from _top_k(settings, chain)
    yield from _mixed(settings, is_used=kind == "mixed")
    yield from _temperature(settings, chain)


def _top_k(settings: Settings, chain: list[str]) -> Iterator[Finding]:
    """With no token left to choose from, sampler.cpp reads before the first; a negative top_k is as none."""
    name = "top_k" if settings.has("top_k") and settings.read("top_k") >= 0 else "topK"
    if not settings.has(name) or settings.read(name) > 0:
        return
    said = settings.said(name)
    why = f"{said}, with which the engine crashes"
    if "topK" not in chain:
        why = f"{said}: the engine crashes as soon as a sampler uses it"
    yield error("top_k_zero", settings.place(name), why, "set it to 1 or more, or remove it")


def _mixed(settings: Settings, *, is_used: bool) -> Iterator[Finding]:
    if not settings.has("mixed_samplers"):
        return
    place, names = settings.place("mixed_samplers"), settings.read("mixed_samplers")
    fix = f"name at least one sampler, or remove it: MNN then takes {', '.join(MIXED)}"
    if not names:
        empty = "is empty" if settings.merged["mixed_samplers"] == [] else settings.said("mixed_samplers")
        why = f"{empty}, with which the engine crashes"
        if not is_used:
            why = f"{empty}: the engine crashes as soon as sampler_type is mixed"
        yield error("mixed_samplers_empty", place, why, fix)
    if unknown := [name for name in names if name not in SAMPLERS]:
        why = f"names {', '.join(map(shown, unknown))}, which MNN does not know and skips"
        yield warning("sampler_unknown", place, why, f"use {', '.join(SAMPLERS)}")


def _temperature(settings: Settings, chain: list[str]) -> Iterator[Finding]:
    """Logits are divided by it, unless the most likely token is taken anyway."""
    if not _READ_IT.intersection(chain) or chain[-1] == "greedy":
        return
    if not settings.has("temperature") or settings.read("temperature") > 0:
        return
    why = f"{settings.said('temperature')}, not above 0, with which the engine answers at random"
    fix = 'set sampler_type to "greedy" instead, which takes the most likely token'
    yield error("temperature_garbles", settings.place("temperature"), why, fix)
