"""What a session has once, and how workers reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api.contract import RUN_STOP
from devicehub.errors import ApiError
from devicehub.testing import keeper
from devicehub.testing.desk import Desk, ask_desk
from devicehub.testing.hub import TestHub
from devicehub.testing.keeper import FarKeeper, Keeper
from tests.pytest_plugin.fakes import FakeHub

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the hub is asked: method and run. Runs called `ended` cannot be stopped."""
    told: list[tuple[str, str]] = []

    def call(_hub: TestHub, method: Any, params: Any, **_more: Any) -> None:
        told.append((method.name, params.run))
        if params.run == "ended":
            raise ApiError("it has ended", code=0)

    monkeypatch.setattr(keeper, "list_devices", FakeHub().list_devices)
    monkeypatch.setattr(TestHub, "call", call)
    return told


@pytest.fixture
def near() -> Keeper:
    return Keeper(virtual=None)


@pytest.fixture
def desk(near: Keeper) -> Iterator[Desk]:
    made = Desk(near.answer)
    yield made
    made.close()


def test_a_worker_has_the_fleet_of_the_process_that_controls_it(
    asked: list[tuple[str, str]], near: Keeper, desk: Desk
) -> None:
    first, second = (FarKeeper(desk.port, desk.key).take() for _ in range(2))
    assert first == second == near.take()
    assert [device.serial for device in first.devices] == ["SNAP1", "DIM1"]
    near.close()
    assert asked == []


def test_runs_that_killed_workers_have_left_are_stopped_with_the_session(
    asked: list[tuple[str, str]], near: Keeper, desk: Desk
) -> None:
    far = FarKeeper(desk.port, desk.key)
    far.take()
    for run_id in ("waited-for", "left", "ended", "left-too"):
        far.began(run_id)
    far.ended("waited-for")
    near.close()
    assert asked == [(RUN_STOP.name, run_id) for run_id in ("ended", "left", "left-too")]


def test_who_does_not_know_the_key_is_told_nothing(near: Keeper, desk: Desk) -> None:
    assert ask_desk(desk.port, "guessed", "fleet") == b""
    stranger = FarKeeper(desk.port, "guessed")
    assert "does not tell the fleet" in (stranger.take().problem or "")
    stranger.began("run")
    near.close()


def test_a_worker_whose_controlling_process_is_gone_says_so(near: Keeper) -> None:
    gone = Desk(near.answer)
    gone.close()
    far = FarKeeper(gone.port, gone.key)
    assert "does not tell the fleet" in (far.take().problem or "")
    far.began("run")
