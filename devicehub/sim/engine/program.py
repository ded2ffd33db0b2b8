"""What every program of the virtual engine is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.sim.engine.scenario import Opener
    from devicehub.sim.engine.stdio import Stdio


class Program:
    """One run of a program.

    Args:
        stdio: where it prints.
        open_model: loads a model by its configuration.
        threads: so many are granted.
        note: is told what a person should know who looks at the phone.
    """

    def __init__(
        self,
        stdio: Stdio,
        *,
        open_model: Opener,
        threads: int,
        note: Callable[[str], None],
    ) -> None:
        self._stdio = stdio
        self._open_model = open_model
        self._threads = threads
        self._note = note
