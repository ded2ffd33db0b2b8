"""From what is asked of the protocol, and what changes it, to the protocol of a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.errors import AskError
from devicehub.profiles.load import protocol_file
from devicehub.profiles.schema import GateSpec
from devicehub.runs.model import Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.runs.ask import RunAsk
    from devicehub.settings import Home

NO_PROTOCOL: Final = "none"
_CHANGING: Final = ("prompt_tokens", "decode_tokens", "repeats", "launches")
"""What changes the field of its name."""
_ZONE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_GATE: Final = {"temp": ("temp_c", "CELSIUS"), "zone": ("zone", "NAME"), "cap": ("cap_s", "SECONDS")}


def choose_protocol(ask: RunAsk, home: Home, *, default: str | None) -> Protocol | None:
    """The protocol that is asked for, with what is changed of it; None for a run without.

    Args:
        ask: what is asked.
        home: holds the user's own.
        default: the one where none is named.

    Raises:
        AskError: it is for another workload, or cannot be changed so.
        InputError: there is no such protocol.
        ConfigError: its file is wrong.
    """
    name = ask.protocol or default
    if name in (None, NO_PROTOCOL):
        if ask.gate:
            raise AskError("--gate is a protocol's; name one with --protocol")
        return None
    file = protocol_file(name, home)
    if file.workload != ask.workload:
        raise AskError(
            f"protocol {name} is for --workload {file.workload}, not {ask.workload}; "
            "`devicehub profiles list protocols` names them all"
        )
    said = msgspec.to_builtins(file)
    asked: dict[str, Any] = {
        field: value for field in _CHANGING if (value := getattr(ask, field)) is not None
    }
    if ask.suite is not None:
        asked["launches"] = len(ask.suite.prompts)
    if ask.steady:
        asked["steady"] = True
    if ask.gate:
        asked["gate"] = parse_gate(ask.gate, said["gate"] or {})
    changes = {field: value for field, value in asked.items() if value != said[field]}
    try:
        protocol = msgspec.convert({**said, **changes, "id": name, "changed": list(changes)}, Protocol)
    except msgspec.ValidationError as error:
        # "Expected `int` <= 40 - at `$.launches`"
        words, _, place = str(error).partition(" - at `$.")
        raise AskError(f"protocol {name}: {place.rstrip('`')}: {_lower(words)}") from None
    for field, problem in protocol.problems(name):
        raise AskError(f"protocol {name}: {field} {problem}")
    return protocol


def parse_gate(texts: Sequence[str], said: Mapping[str, Any]) -> dict[str, Any] | None:
    """The table of a gate from `--gate WHAT=VALUE`, over what the protocol says; None for `off`.

    Raises:
        AskError: it is none of a gate's values.
    """
    if "off" in texts:
        if len(set(texts)) > 1:
            raise AskError("--gate off: there is no gate then, so leave the other --gate out")
        return None
    values = dict(said)
    for text in texts:
        what, equals, value = text.partition("=")
        if what not in _GATE or not equals:
            known = ", ".join(f"{name}={unit}" for name, (_, unit) in _GATE.items())
            raise AskError(f"--gate {text}: is no gate; write one of {known}, or off")
        field, _ = _GATE[what]
        try:
            if what == "zone" and not _ZONE.fullmatch(value):
                raise AskError(f"--gate {text}: a zone's name has letters, digits and ._- alone")
            values[field] = value if what == "zone" else float(value) if what == "temp" else int(value)
            msgspec.convert({field: values[field]}, GateSpec)
        except msgspec.ValidationError as error:
            words, _, _ = str(error).partition(" - at `$")
            raise AskError(f"--gate {text}: {_lower(words)}") from None
        except ValueError:
            kind = "number" if what == "temp" else "whole number"
            raise AskError(f"--gate {text}: {value!r} is no {kind}") from None
    return dict(msgspec.to_builtins(msgspec.convert(values, GateSpec)))


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
