"""What is going on: jobs and runs that wait, then notes, the newest first. Knows no Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub_tui import format as show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.api.model import Noted
    from devicehub_tui.format import Cell
    from devicehub_tui.state import State


def news(state: State, *, utc_offset_s: int = 0) -> list[Cell]:
    """All of it; `utc_offset_s` is that of the user's own clock."""
    return [*_jobs(state), *_waiting(state), *_notes(state, utc_offset_s)]


def _jobs(state: State) -> Iterator[Cell]:
    for job in state.jobs.values():
        if job.state == "running":
            made = state.progress.get(job.id)
            yield show.job_line(job, made.done if made else 0, made.total if made else 0)
    failed = [job for job in state.jobs.values() if job.state == "failed"]
    for job in failed[-3:]:
        yield show.job_line(job, 0, 0)


def _waiting(state: State) -> Iterator[Cell]:
    for run in state.waiting()[:20]:
        why = f": {run.waits_for}" if run.waits_for else ""
        place = f"{run.place}." if run.place else "·"
        yield (f"{place} {run.model} waits{why}", "dim")


def _notes(state: State, utc_offset_s: int) -> Iterator[Cell]:
    for note in reversed(state.notes):
        yield _note(state, note, utc_offset_s)


def _note(state: State, note: Noted, utc_offset_s: int) -> Cell:
    sign, meaning = show.notice_sign(note.level)
    at = show.clock_time(note.wall_s, utc_offset_s)
    about = _about(state, note)
    text = " ".join(f"{about}{note.text}".split())
    return (f"{sign} {at}  {text}", "" if note.level == "info" else meaning)


def _about(state: State, note: Noted) -> str:
    """The phone that a note is about, as it is called; else its run."""
    run = state.runs.get(note.run or "")
    device = state.device_of(run) if run is not None else None
    name = state.names.get(device.id) if device is not None else None
    if name is None:
        name = next(
            (state.names[d.id] for d in state.devices.values() if d.serial == note.serial), note.serial
        )
    name = name or note.run
    return f"{name}: " if name and name not in note.text else ""
