"""JSON Schema of each kind of profile, for editors that complete and check TOML by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.profiles.exporter import OPTIONS
from devicehub.profiles.schema import KINDS

if TYPE_CHECKING:
    from devicehub.profiles.exporter import Option

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string"}


def profile_schema(kind: str) -> dict[str, Any]:
    """What files in the folder `kind` may hold, as a JSON Schema of one document."""
    schema = {"$schema": DIALECT, **msgspec.json.schema(KINDS[kind])}
    if kind == "recipes":
        for name in ("RecipeFile", "TiedSource"):
            schema["$defs"][name]["properties"]["flags"] = _flags_schema()
    return schema


def _flags_schema() -> dict[str, Any]:
    properties = {name: _option_schema(option) for name, option in OPTIONS.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _option_schema(option: Option) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _TYPES[option.kind]}
    if option.least is not None:
        schema["minimum"] = option.least
    if option.kind is str:
        schema["minLength"] = 1
    return schema
