"""What happens to the phones of a soak, drawn by chance; each mishap is over when its coroutine is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections import Counter
    from collections.abc import Awaitable, Callable

    from devicehub.clock import Clock
    from devicehub.sim.faults import Faults

_SHORTEST_S: Final = 0.5
_LONGEST_S: Final = 8.0


class Mishaps:
    """The mishaps of one phone.

    Args:
        faults: the phone's.
        clock: paces them.
        chance: chooses.
        counts: how often each happened, to any phone.
    """

    def __init__(self, faults: Faults, clock: Clock, chance: random.Random, counts: Counter[str]) -> None:
        self._counts = counts
        self._faults = faults
        self._clock = clock
        self._chance = chance
        self._choices: tuple[Callable[[], Awaitable[None]], ...] = (
            self.cable,
            self.cut,
            self.frozen,
            self.adbd,
            self.reboot,
            self.engine,
            self.supervisor,
            self.log,
        )

    async def one(self) -> None:
        """Let one of them happen."""
        choice = self._chance.choice(self._choices)
        self._counts[choice.__name__] += 1
        await choice()

    async def cable(self) -> None:
        await self._faults.cable_out()
        try:
            await self._while()
        finally:
            await self._faults.cable_in()

    async def cut(self) -> None:
        self._faults.cut()

    async def frozen(self) -> None:
        self._faults.freeze()
        try:
            await self._while()
        finally:
            self._faults.thaw()

    async def adbd(self) -> None:
        await self._faults.restart_adbd()

    async def reboot(self) -> None:
        await self._faults.reboot(down_s=self._chance.uniform(_SHORTEST_S, _LONGEST_S))

    async def engine(self) -> None:
        self._faults.kill("llm_demo")

    async def supervisor(self) -> None:
        self._faults.kill("supervise.sh")

    async def log(self) -> None:
        self._faults.kill("logcat")

    async def _while(self) -> None:
        await self._clock.sleep(self._chance.uniform(_SHORTEST_S, _LONGEST_S))
