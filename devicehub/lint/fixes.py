"""Mends of a configuration's text that change nothing but what was wrong. Pure.

The text is edited where it stands: keys keep their order, lines their indent, and whatever is not mended
stays byte for byte.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from devicehub.lint.hardware import WITHOUT_KV_MODES
from devicehub.lint.keys import GONE, KEYS, Kind
from devicehub.lint.naming import is_tied
from devicehub.lint.reading import as_read, fits, meant, shown
from devicehub.models.strict_json import MENDABLE, FlawKind, cut_out, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_MODES: Final = {0: 8, 1: 9, 2: 10, 3: 10, 4: 10, 8: 8, 9: 9, 10: 10}
"""attention_mode for what quant_qkv meant when it was made, or means since."""


@dataclass(frozen=True)
class Mended:
    """A text after its mends.

    Attributes:
        changes: what was changed, one sentence's rest each, in the order of the text's mends.
    """

    text: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class _Mend:
    """One change of the outermost object.

    Attributes:
        change: what is done, as the rest of a sentence.
        entry: what stands in the key's place afterwards, or is added; None removes it.
    """

    key: str
    change: str
    entry: str | None = None


@dataclass(frozen=True)
class _Member:
    """One key of the outermost object: where it begins, and where its value ends."""

    key: str
    start: int
    end: int


def mend_config(data: bytes, *, llm_config: Mapping[str, Any], files: Collection[str]) -> Mended | None:
    """Mend config.json; None where it is not text that can be read, even mended.

    Args:
        data: the file.
        llm_config: what the model's llm_config.json says.
        files: names in the model's folder.
    """
    mended = mend_json(data)
    if mended is None:
        return None
    text, changes = mended.text, [*mended.changes]
    rules: Sequence[Callable[[Mapping[str, Any]], Iterator[_Mend]]] = (
        _deprecated,
        _crashing,
        _quoted,
        partial(_tokenizer, llm_config, files),
        partial(_dangling, llm_config, files),
    )
    for rule in rules:
        config = read_json(text.encode()).value
        if config is None:
            return None
        for mend in rule(config):
            text = _apply(text, mend)
            changes.append(f"{mend.key}: {mend.change}")
    return Mended(text, tuple(changes))


def mend_json(data: bytes) -> Mended | None:
    """Cut out comments, trailing commas and a byte order mark; None where that leaves no object."""
    reading = read_json(data)
    if reading.value is None:
        return None
    names = {FlawKind.COMMENT: "comment", FlawKind.COMMA: "trailing comma", FlawKind.BOM: "byte order mark"}
    changes = tuple(
        f"line {flaw.line}: {names[flaw.kind]} removed" for flaw in reading.flaws if flaw.kind in MENDABLE
    )
    text = cut_out(reading) if changes else reading.text
    members = _members(text)
    first = {member.key: member for member in reversed(members)}
    if len(first) == len(members):
        return Mended(text, changes)
    # MNN takes the first of several, so the later ones can go.
    again = {member.key for member in members if member is not first[member.key]}
    text = _keep(text, members, list(first.values()))
    return Mended(text, (*changes, *(f"{key}: later ones removed" for key in sorted(again))))


def _deprecated(config: Mapping[str, Any]) -> Iterator[_Mend]:
    """Keys that MNN reads no longer, or otherwise than they were meant."""
    for key, gone in GONE.items():
        if key not in config:
            continue
        value = _successor_value(key, config)
        if value is None or gone.successor in config:
            yield _Mend(key, "removed")
        else:
            entry = f"{json.dumps(gone.successor)}: {json.dumps(value)}"
            yield _Mend(key, f"replaced by {entry}", entry)


def _successor_value(key: str, config: Mapping[str, Any]) -> int | None:
    value = config[key]
    if key == "quant_qkv":
        if as_read(Kind.TEXT, config.get("backend_type", "cpu")) in WITHOUT_KV_MODES:
            return None
        return _MODES.get(value) if fits(Kind.WHOLE, value) else None
    if key == "prefer_decode":
        return 8 if value is True or (fits(Kind.WHOLE, value) and value == 1) else None
    return value if fits(Kind.WHOLE, value) and value >= 1 else None


def _crashing(config: Mapping[str, Any]) -> Iterator[_Mend]:
    """Values with which the engine crashes; its defaults do well."""
    for key in ("top_k", "topK"):
        if key in config and not as_read(Kind.WHOLE, config[key]) and not meant(KEYS[key], config[key]):
            yield _Mend(key, f"removed, was {shown(config[key])}")
    key = "mixed_samplers"
    if key in config and not as_read(Kind.TEXTS, config[key]):
        yield _Mend(key, f"removed, was {shown(config[key])}")


def _quoted(config: Mapping[str, Any]) -> Iterator[_Mend]:
    """Numbers and switches in quotes, fractions without a rest: what was meant is plain."""
    for key, value in config.items():
        if key not in KEYS or fits(KEYS[key].kind, value):
            continue
        wanted = meant(KEYS[key], value)
        if wanted is not None:
            entry = f"{json.dumps(key)}: {json.dumps(wanted)}"
            yield _Mend(key, f"{shown(value)} written as {shown(wanted)}", entry)


def _tokenizer(
    llm_config: Mapping[str, Any], files: Collection[str], config: Mapping[str, Any]
) -> Iterator[_Mend]:
    key, name = "tokenizer_file", "tokenizer.mtok"
    if key not in config and key not in llm_config and name in files:
        yield _Mend(key, f'added, "{name}"', f'"{key}": "{name}"')


def _dangling(
    llm_config: Mapping[str, Any], files: Collection[str], config: Mapping[str, Any]
) -> Iterator[_Mend]:
    """An embedding that was never written, of a model that needs none."""
    key = "embedding_file"
    if key not in config or not is_tied({**config, **llm_config}):
        return
    if as_read(Kind.FILE, config[key]) not in files:
        yield _Mend(key, f"removed, no engine reads {shown(config[key])}")


def _apply(text: str, mend: _Mend) -> str:
    members = _members(text)
    member = next((one for one in members if one.key == mend.key), None)
    if mend.entry is None:
        others = [one for one in members if one is not member]
        return text if member is None else _keep(text, members, others)
    if member is None:
        return _append(text, mend.entry)
    return f"{text[: member.start]}{mend.entry}{text[member.end :]}"


def _members(text: str) -> list[_Member]:
    """The keys of the outermost object of a text that is JSON."""
    found: list[_Member] = []
    depth, index = 0, 0
    key: tuple[str, int] | None = None
    while index < len(text):
        char = text[index]
        if char == '"':
            match = _STRING.match(text, index)
            assert match is not None
            if depth == 1 and key is None:
                key = (json.loads(match[0]), index)
            index = match.end()
            continue
        if depth == 1 and char in ",}" and key is not None:
            found.append(_Member(*key, len(text[:index].rstrip())))
            key = None
        depth += (char in "{[") - (char in "}]")
        index += 1
    return found


def _keep(text: str, members: Sequence[_Member], wanted: Sequence[_Member]) -> str:
    """The text with those members only; each but the last keeps what stands behind it up to the next."""
    starts = {member.start for member in wanted}
    kept = [index for index, member in enumerate(members) if member.start in starts]
    tail = text[members[-1].end :]
    if not kept:
        return text[: text.index("{") + 1] + tail
    pieces = [text[members[index].start : members[index + 1].start] for index in kept[:-1]]
    last = members[kept[-1]]
    return "".join([text[: members[0].start], *pieces, text[last.start : last.end], tail])


def _append(text: str, entry: str) -> str:
    members = _members(text)
    if not members:
        opening = text.index("{") + 1
        return f"{text[:opening]}{entry}{text[opening:]}"
    last = members[-1]
    line_start = text.rfind("\n", 0, last.start) + 1
    indent = text[line_start : last.start]
    # Members that share a line are followed on it; else the new one gets a line, and their indent.
    gap = f"\n{indent}" if not indent.strip() and line_start else " "
    return f"{text[: last.end]},{gap}{entry}{text[last.end :]}"
