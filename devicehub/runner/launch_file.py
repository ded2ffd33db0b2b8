"""Writes a run's `launch` file, which the agent's sh sources (agent/PROTOCOL.md). Pure.

What the phone could not be told is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.runner.contract import (
    CONTRACT,
    MAX_LAUNCHES,
    SAMPLE_HZ,
    check_result_name,
    check_run_id,
    launch_dir,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runner.contract import Command, Gate, Limits, RunSpec

_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAG: Final = re.compile(r"[A-Za-z0-9_.+-]+")
_LARGEST: Final = 100_000_000


def encode_launch(spec: RunSpec, root: str) -> bytes:
    """The `launch` file: definitions that the agent's sh sources.

    Every foreign text stands in single quotes. The phone's root stands as $root wherever it occurs and a
    launch's own folder as $launch_dir, so that an agent is told its own paths.

    Raises:
        InputError: a text holds NUL, a name is not one of an environment variable, or a number is out of
            its range.
    """
    check_run_id(spec.run_id)
    if not 0 < len(spec.launches) <= MAX_LAUNCHES:
        raise InputError("run", f"has {len(spec.launches)} launches; 1 to {MAX_LAUNCHES} can be made")
    lines = [f"launch_contract={CONTRACT}", f"launch_count={len(spec.launches)}"]
    lines += [f"launch_period={_period(spec.sample_hz)}", *_limits(spec.limits), *_gate(spec.gate)]
    lines.append(f"launch_steady={_flag(on=spec.steady)}")
    lines.append(_function("launch_tags", (*_tags(spec), "*:S"), _Quoter(root)))
    for number, command in enumerate(spec.launches, 1):
        lines += _command(number, command, root, launch_folder(spec, number, root))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def launch_folder(spec: RunSpec, number: int, root: str) -> str:
    """Where a launch of the list writes: launches are counted within the run that they are of.

    Raises:
        InputError: it is of a run that the list does not have.
    """
    owners = [command.run_id or spec.run_id for command in spec.launches[:number]]
    owner = check_run_id(owners[-1])
    if owner not in (spec.run_id, *spec.others):
        raise InputError(f"launch {number}", f"is of run {owner}, which this list does not have")
    return launch_dir(f"{root}/runs/{owner}", owners.count(owner))


def _command(number: int, command: Command, root: str, folder: str) -> list[str]:
    if not command.argv:
        raise InputError(f"launch {number}", "has no command")
    for name in command.result_files:
        check_result_name(name)
    quoter, place = _Quoter(root, folder), _Quoter(root)
    lines = [
        f"launch_{number}_place() {{",
        f"  launch_home={place(folder.rpartition('/')[0])} launch_dir={place(folder)}",
        f"  launch_cwd={quoter(command.cwd)} launch_config={place(check_result_name(command.config))}",
        f"  launch_gated={_flag(on=command.gated)} launch_sampled={_flag(on=command.sampled)}"
        f" launch_discards={_flag(on=command.discards_cwd)}",
        "}",
        f"launch_{number}_env() {{",
    ]
    for name, value in command.env.items():
        if not _ENV_NAME.fullmatch(name):
            raise InputError(f"environment variable {name!r}", "has a name that no shell takes")
        lines.append(f"  export {name}={quoter(value)}")
    return [*lines, "  :", "}", _function(f"launch_{number}_argv", command.argv, quoter)]


def _flag(*, on: bool) -> str:
    return "1" if on else "''"


def _gate(gate: Gate | None) -> list[str]:
    if gate is None:
        return ["gate_temp_mc='' gate_zone='' gate_cap_s=''"]
    if not _TAG.fullmatch(gate.zone):
        raise InputError(f"gate zone {gate.zone!r}", "has a name that no thermal zone bears")
    if not (-_LARGEST <= gate.temp_mc <= _LARGEST and 0 <= gate.cap_s <= _LARGEST):
        raise InputError("gate", f"has a number beyond {_LARGEST}, which cannot be told to a phone")
    return [f"gate_temp_mc={gate.temp_mc} gate_zone='{gate.zone}' gate_cap_s={gate.cap_s}"]


def _limits(limits: Limits) -> list[str]:
    numbers = {
        "limit_wall_s": limits.wall_s,
        "limit_temp_mc": limits.temp_mc,
        "limit_battery": limits.battery_percent,
        "limit_free_mib": limits.free_mib,
    }
    for name, number in numbers.items():
        # The phone's sh counts in 32 bits.
        if number is not None and not 0 <= number <= _LARGEST:
            raise InputError(name, f"is {number}; 0 to {_LARGEST} can be told to a phone")
    return [f"{name}={'' if number is None else number}" for name, number in numbers.items()]


def _period(sample_hz: float) -> str:
    slowest, fastest = SAMPLE_HZ
    if not slowest <= sample_hz <= fastest:
        raise InputError("sample rate", f"is {sample_hz} Hz; {slowest} to {fastest:g} Hz can be had")
    return f"{1 / sample_hz:.3f}".rstrip("0").rstrip(".")


def _tags(spec: RunSpec) -> list[str]:
    # fastrpc and QNN log under the name of the process.
    own = (command.argv[0].rpartition("/")[2] for command in spec.launches if command.argv)
    named = [f"{name}:V" for name in own if _TAG.fullmatch(name)]
    return list(dict.fromkeys([*named, *spec.log_tags]))


def _function(name: str, words: Sequence[str], quoter: _Quoter) -> str:
    return f'{name}() {{ "$@" {" ".join(quoter(word) for word in words)}; }}'


class _Quoter:
    """Texts as words of the launch file."""

    def __init__(self, root: str, launch_dir: str | None = None) -> None:
        names = {root: "root"} | ({launch_dir: "launch_dir"} if launch_dir else {})
        self._names = names
        # The folder before the root that begins it; runs/r/1 is no part of runs/r/12.
        own = f"{re.escape(launch_dir)}(?![A-Za-z0-9._-])|" if launch_dir else ""
        self._pattern = re.compile(f"({own}{re.escape(root)})")

    def __call__(self, text: str) -> str:
        if "\0" in text:
            raise InputError(f"launch text {text[:40]!r}", "holds a NUL, which no command line can")
        parts = self._pattern.split(text)
        return "".join(
            f'"${self._names[part]}"' if index % 2 else _single_quote(part)
            for index, part in enumerate(parts)
        )


def _single_quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
