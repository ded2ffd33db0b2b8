"""Fixtures: real adb programs with private servers, and virtual phones in both modes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import SimError
from devicehub.sim.phone import PhoneSpec, VirtualPhone, virtual_phone
from tests.sim.adb_programs import BUNDLED, DEBIAN, Adb, adb_with_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.clock import Clock
    from devicehub.sim.process.shell import Mode


@pytest.fixture(params=["adb 36", "adb 36 burst", "Debian's adb"])
async def adb(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adb]:
    """An adb program with a server of its own."""
    debian = request.param.startswith("Debian")
    if debian and (DEBIAN is None or Path(DEBIAN) == BUNDLED):
        pytest.skip("Debian's adb is not installed (apt-get install adb)")
    program = Path(DEBIAN) if debian and DEBIAN else BUNDLED
    async with adb_with_server(program, tmp_path / "home", burst="burst" in request.param) as found:
        yield found


@pytest.fixture(params=["confined", "portable"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Both modes of a phone's shell."""
    chosen: Mode = request.param
    return chosen


@contextlib.asynccontextmanager
async def phone_or_skip(
    spec: PhoneSpec, keys: list[Path], *, clock: Clock | None = None
) -> AsyncIterator[VirtualPhone]:
    """A phone; the test skips where this kernel lets nobody confine processes."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            phone = await stack.enter_async_context(virtual_phone(spec, keys=keys, clock=clock))
        except SimError as error:
            if spec.mode != "confined":
                raise
            pytest.skip(f"no confinement on this host: {error}")
        yield phone
