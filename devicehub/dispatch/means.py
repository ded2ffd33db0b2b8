"""What carrying runs needs of the hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.adb.client import AdbClient
    from devicehub.clock import Clock
    from devicehub.fleet.door import ServerDoor
    from devicehub.models.catalog import ModelCatalog
    from devicehub.profiles.match import SocBook
    from devicehub.store.store import Store


@dataclass(frozen=True)
class AdbFacts:
    """What is known of the adb server that carries a run."""

    version: int | None = None
    burst: bool | None = None


@dataclass(frozen=True)
class Means:
    """The parts that every run shares.

    Attributes:
        door: the adb server as all phones' links reach it.
        agent: the folder of the agent's scripts on this host.
    """

    client: AdbClient
    door: ServerDoor
    store: Store
    models: ModelCatalog
    socs: SocBook
    agent: Path
    clock: Clock
    adb: AdbFacts = AdbFacts()
