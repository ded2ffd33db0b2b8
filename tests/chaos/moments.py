"""The moments of a run at which something may happen, told by its listener."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from collections.abc import Callable

Moment = Literal["deploying", "starting", "decoding", "collecting"]
MOMENTS: Final[tuple[Moment, ...]] = ("deploying", "starting", "decoding", "collecting")


class Listener:
    """A run's listener that lets others wait for its moments.

    A moment has come when its event is set; what waits for it goes on before the next byte of the phone is
    taken.
    """

    def __init__(self) -> None:
        self.states: list[RunState] = []
        self.notes: list[str] = []
        self._come = {moment: asyncio.Event() for moment in MOMENTS}
        self._away = asyncio.Event()

    async def come(self, moment: Moment) -> None:
        """Wait for a moment."""
        await self._come[moment].wait()

    async def away(self) -> None:
        """Wait until the run is detached, or an attempt of it has ended."""
        await self._away.wait()

    def on_state(self, state: RunState) -> None:
        """Note the state, and the moments that are states."""
        self.states.append(state)
        if state is RunState.STARTING:
            self._come["starting"].set()
        elif state is RunState.COLLECTING:
            self._come["collecting"].set()
        elif state is RunState.DETACHED or state.is_end:
            self._away.set()

    def on_transfer(self, label: str, total: int) -> Callable[[int], None]:
        """The first bytes of the model are the moment of deploying."""
        if label != "model":
            return lambda size: None
        return lambda size: self._come["deploying"].set()

    def on_samples(self, data: bytes) -> None:
        pass

    def on_text(self, text: str) -> None:
        """The first word of the model is the moment of decoding."""
        if text.strip():
            self._come["decoding"].set()

    def on_note(self, text: str) -> None:
        """Note it; an attempt that ended is told so."""
        self.notes.append(text)
        if text.startswith("attempt "):
            self._away.set()
