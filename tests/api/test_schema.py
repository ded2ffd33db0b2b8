"""The published schema, as a client reads it."""

import json
import re
from typing import Any

import pytest

from devicehub.api.contract import METHODS
from devicehub.api.schema import describe_api

SCHEMA: dict[str, Any] = json.loads(json.dumps(describe_api()))
STARTS_OR_NAMES_PATHS = re.compile(r"folder|path|(^|[_.])file$|apk")


def test_every_method_is_there_and_states_its_capability() -> None:
    assert set(SCHEMA["methods"]) == set(METHODS)
    for name, method in SCHEMA["methods"].items():
        assert method["capability"] in SCHEMA["capabilities"], name
        assert method["summary"].endswith("."), name


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(SCHEMA)
    for name in re.findall(r'"#/\$defs/([^"]+)"', text):
        assert name in SCHEMA["$defs"]


def _fields(schema: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The parameters of a method, those of nested structs by their dotted names."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = {}
    for name, field in SCHEMA["$defs"].get(reference, {}).get("properties", {}).items():
        found[prefix + name] = field
        found |= _fields(field, f"{prefix}{name}.")
    return found


@pytest.mark.parametrize("name", list(METHODS))
def test_what_names_a_path_of_the_hubs_host_needs_to_be_on_it(name: str) -> None:
    method = SCHEMA["methods"][name]
    if method["capability"] == "host":
        return
    named = {field for field in _fields(method["params"]) if STARTS_OR_NAMES_PATHS.search(field)}
    assert named <= set(method.get("host_if", []))


def test_limits_and_codes_are_published() -> None:
    assert SCHEMA["limits"]["request_bytes"] == 1 << 20
    assert (SCHEMA["limits"]["request_depth"], SCHEMA["limits"]["connections"]) == (32, 64)
    assert SCHEMA["closes"]["FELL_BEHIND"] == 4001
    assert SCHEMA["methods"]["push.start"]["host_when"] == ["kind", "file"]
