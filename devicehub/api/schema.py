"""The API as JSON Schema: what `devicehub api schema` publishes. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from devicehub.api import limits
from devicehub.api.contract import METHODS, PROTOCOL, Capability
from devicehub.api.model import TOPICS
from devicehub.api.rpc import MOST_DEPTH, MOST_REPLY_BYTES, MOST_REQUEST_BYTES, CloseCode, ErrorCode

LIMITS: Final = {
    "request_bytes": MOST_REQUEST_BYTES,
    "request_depth": MOST_DEPTH,
    "reply_bytes": MOST_REPLY_BYTES,
    "requests_per_second": limits.MOST_REQUESTS_S,
    "requests_under_way": limits.MOST_UNDER_WAY,
    "connections": limits.MOST_CONNECTIONS,
    "hello_s": limits.HELLO_S,
    "waiting_messages": limits.MOST_WAITING,
    "waiting_bytes": limits.MOST_WAITING_BYTES,
    "kept_events_of_a_topic": limits.KEPT_EVENTS,
    "kept_bytes_of_a_topic": limits.KEPT_BYTES,
    "kept_run_events": limits.KEPT_RUN_EVENTS,
}
"""What a client may do before it is refused or closed on, and how far back a replay reaches."""
_REFS: Final = "#/$defs/{name}"


def describe_api() -> dict[str, Any]:
    """Every method with its capability, every topic, every code; `$defs` holds the types."""
    kinds = [kind for method in METHODS.values() for kind in (method.params, method.result)]
    schemas, components = msgspec.json.schema_components([*kinds, *TOPICS.values()], ref_template=_REFS)
    found = iter(schemas)
    methods = {
        name: {
            "summary": method.summary,
            "capability": method.capability,
            **_conditions(method),
            "params": next(found),
            "result": next(found),
        }
        for name, method in METHODS.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "protocol": PROTOCOL,
        "capabilities": list(Capability),
        "methods": methods,
        "topics": {topic: next(found) for topic in TOPICS},
        "errors": {code.name: int(code) for code in ErrorCode},
        "closes": {code.name: int(code) for code in CloseCode},
        "limits": LIMITS,
        "$defs": components,
    }


def _conditions(method: Any) -> dict[str, Any]:
    """The parameters that ask for more than the method's own capability."""
    names = ("host_if", "host_when", "shell_if", "host_for")
    return {name: value for name in names if (value := getattr(method, name, None))}
