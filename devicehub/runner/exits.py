"""Reads the agent's key=value texts: how a run stands and how it ended (agent/PROTOCOL.md).

Pure; takes whatever a phone says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.runner.contract import CONTRACT, Exit, LaunchExit, RunPhase, RunStatus, duration

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATES: Final[Mapping[str, RunPhase]] = {"running": "running", "ended": "ended", "lost": "lost"}


def parse_fields(text: bytes) -> dict[str, str]:
    """The key=value lines of an agent's file or answer; of a repeated key the last counts."""
    return dict(_pairs(text))


def parse_status(text: bytes) -> RunStatus:
    """The answer of `ctl.sh status`; what cannot be understood is a run that was never begun."""
    fields = parse_fields(text)
    return RunStatus(_STATES.get(fields.get("state", ""), "none"), fields.get("cause") or None, fields)


def parse_launch_exit(text: bytes) -> LaunchExit | None:
    """A launch's `exit` file; None where it is not whole: its last line is `end=launch`."""
    fields = parse_fields(text)
    number = whole(fields.get("launch"))
    if fields.get("end") != "launch" or number is None:
        return None
    return LaunchExit(
        number=number,
        status=whole(fields.get("status")),
        cause=fields.get("cause") or None,
        started_s=_decimal(fields.get("started")),
        ended_s=_decimal(fields.get("ended")),
        workload_pid=whole(fields.get("workload")),
        byte_counts=_byte_counts(fields),
        free_kib=whole(fields.get("free_kib")),
        oom_score_adj=_signed(fields.get("oom_score_adj")),
        cgroups=tuple(value for key, value in _pairs(text) if key == "cgroup"),
        kernel=tuple(value for key, value in _pairs(text) if key == "kernel"),
        cpus_allowed=fields.get("cpus_allowed") or None,
        gate_waited_s=duration(_decimal(fields.get("gate_begun")), _decimal(fields.get("gate_passed"))),
        gate_timed_out=_flag(fields.get("gate_timed_out")),
        gate_temp_mc=_signed(fields.get("gate_temp_mc")),
        gate_zone=fields.get("gate_zone") or None,
        gate_throttled=_flag(fields.get("gate_throttled")),
        caches_before=whole(fields.get("caches_before")),
        caches_after=whole(fields.get("caches_after")),
    )


def parse_exit(text: bytes) -> Exit | None:
    """The `exit` files of a run's launches, then its own; None where one is missing or not whole."""
    *launch_texts, own = text.split(b"end=launch\n")
    launches = [parse_launch_exit(part + b"end=launch\n") for part in launch_texts]
    fields = parse_fields(own)
    if fields.get("end") != "exit" or fields.get("contract") != CONTRACT:
        return None
    begun = [launch for launch in launches if launch is not None]
    if len(begun) != len(launches) or [launch.number for launch in begun] != list(range(1, len(begun) + 1)):
        return None
    if len(begun) != whole(fields.get("launches")):
        return None
    return Exit(
        cause=fields.get("cause") or None,
        launches=tuple(begun),
        byte_counts=_byte_counts(fields),
        log_captured=fields.get("log_captured") == "1",
        log_wrapped=fields.get("log_wrapped") == "1",
        started_s=_decimal(fields.get("started")),
        ended_s=_decimal(fields.get("ended")),
        boot_id=fields.get("boot_id", ""),
    )


def parse_list(text: bytes) -> dict[str, str]:
    """The answer of `ctl.sh list`: states by run id."""
    words = (line.split() for line in text.decode("utf-8", "replace").splitlines())
    return {pair[0]: pair[1] for pair in words if len(pair) == 2}


def _pairs(text: bytes) -> list[tuple[str, str]]:
    pairs = []
    for line in text.decode("utf-8", "replace").split("\n"):
        key, separator, value = line.rstrip("\r").partition("=")
        if separator and key:
            pairs.append((key, value))
    return pairs


def _byte_counts(fields: Mapping[str, str]) -> dict[str, int]:
    """Sizes by stream."""
    sizes = {name: whole(fields.get(name)) for name in ("stdout", "stderr", "samples", "log")}
    return {name: size for name, size in sizes.items() if size is not None}


def whole(text: str | None) -> int | None:
    """A number of the phone's, None where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None


def _signed(text: str | None) -> int | None:
    size = whole(text[1:] if text and text.startswith("-") else text)
    return None if size is None or text is None else -size if text.startswith("-") else size


def _flag(text: str | None) -> bool | None:
    return {"1": True, "0": False}.get(text or "")


def _decimal(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"[0-9]{1,18}(\.[0-9]{0,9})?", text, re.ASCII) else None
