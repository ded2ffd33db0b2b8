"""Whether a model finds room, by figures alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.models import room
from devicehub.models.catalog import ModelCatalog
from devicehub.models.room import HostRoom, Need, Place, find_place, look_at_host, need_of
from devicehub.settings import Home
from devicehub.units import GIB, MIB
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path

NEED = Need(plain=4 * GIB, mapped=GIB)


def host(available: int, total: int = 16 * GIB, disk: int = 100 * GIB) -> HostRoom:
    return HostRoom(available=available, total=total, disk=disk)


def test_model_that_fits_is_loaded_into_memory() -> None:
    place = find_place(NEED, host(4 * GIB))
    assert isinstance(place, Place)
    assert not place.use_mmap
    assert place.most_bytes > NEED.plain


def test_model_that_fits_the_host_but_not_what_is_free_is_mapped() -> None:
    place = find_place(NEED, host(2 * GIB))
    assert isinstance(place, Place)
    assert place.use_mmap


@pytest.mark.parametrize("there", [host(2 * GIB, total=3 * GIB), host(GIB // 2), host(2 * GIB, disk=4 * GIB)])
def test_model_without_room_says_what_it_takes_and_what_there_is(there: HostRoom) -> None:
    found = find_place(NEED, there)
    assert isinstance(found, str)
    assert "takes about 4295.0 MB of memory, and this host has" in found


def test_weights_count_as_mapped_or_not_whatever_the_model_says(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    (folder / "llm.mnn.weight").write_bytes(bytes(3 * MIB))
    model = ModelCatalog(Home(tmp_path / "home")).add(folder)
    need = need_of(model, {"use_mmap": True})
    assert need.plain - need.mapped == 3 * MIB


def test_container_with_less_memory_than_its_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_CGROUP", tmp_path)
    unlimited = look_at_host(tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.stat").write_text("anon 1048576\nfile 99999999999\n")
    assert look_at_host(tmp_path).total == unlimited.total
    (tmp_path / "memory.max").write_text(f"{3 * MIB}\n")
    limited = look_at_host(tmp_path)
    assert (limited.total, limited.available) == (3 * MIB, 2 * MIB)
