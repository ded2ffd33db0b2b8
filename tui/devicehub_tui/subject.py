"""What the keys are about: the phones and runs that a screen means just now. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from devicehub_tui.state import State


@dataclass(frozen=True)
class Subject:
    """What is marked on a screen, else what its cursor is on.

    Attributes:
        devices: ids; so are runs.
        thing: a model or an engine of the catalogue, by its name or id.
    """

    devices: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    thing: tuple[Literal["model", "engine"], str] | None = None


def runs_to_stop(state: State, subject: Subject) -> tuple[str, ...]:
    """The runs that `x` ends: those named, else those on the phones, else those that wait for them."""
    if subject.runs:
        return tuple(run for run in subject.runs if not _has_ended(state, run))
    devices = [state.devices[device] for device in subject.devices if device in state.devices]
    on_them = tuple(device.run for device in devices if device.run is not None)
    if on_them:
        return on_them
    serials = {device.serial for device in devices}
    return tuple(run.id for run in state.waiting() if run.device in subject.devices or run.serial in serials)


def runs_to_compare(state: State, subject: Subject) -> tuple[str, str] | None:
    """The two runs that `c` sets side by side: those named, else the newest of two phones."""
    runs = subject.runs or tuple(
        device.last.run
        for device in (state.devices.get(name) for name in subject.devices)
        if device is not None and device.last is not None
    )
    return (runs[0], runs[1]) if len(runs) == 2 else None


def _has_ended(state: State, run: str) -> bool:
    view = state.runs.get(run)
    return view is not None and view.ended is not None
