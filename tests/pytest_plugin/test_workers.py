"""pytest-xdist: one fleet for all workers, taken by the process that controls them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.pytest_plugin.fakes import lean

if TYPE_CHECKING:
    import pytest

__all__ = ["lean"]

A_PHONE_APPEARS_AT_EVERY_LOOK = f"""
    import os, sys
    sys.path.insert(0, {str(Path(__file__).parents[2])!r})
    from devicehub.testing import keeper
    from tests.pytest_plugin.fakes import view

    def look(hub):
        # Each process that looks finds one phone more than the one before.
        with open("looks.txt", "a") as file:
            file.write(os.environ.get("PYTEST_XDIST_WORKER", "controller") + "\\n")
        with open("looks.txt") as file:
            return [view(f"PHONE{{number}}") for number, _ in enumerate(file)]

    keeper.list_devices = look
"""


def test_workers_collect_the_same_tests_when_a_phone_appears_meanwhile(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, lean: tuple[str, ...]
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # this test may run in a worker itself
    pytester.makeconftest(A_PHONE_APPEARS_AT_EVERY_LOOK)
    pytester.makepyfile("""
        def test_one(phone): assert phone.serial == "PHONE0"
        def test_two(phone, fleet): assert len(fleet) == 1
    """)
    result = pytester.runpytest_subprocess(*lean, "-n", "2")
    result.assert_outcomes(passed=2)
    assert (pytester.path / "looks.txt").read_text() == "controller\n"


def test_a_session_whose_tests_want_no_phone_starts_and_imports_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, lean: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TMPDIR", str(pytester.mkdir("tmp")))
    pytester.makeconftest("""
        import sys
        def pytest_sessionfinish():
            ours = {name.partition(".")[0] for name in sys.modules if not name.startswith("devicehub")}
            ours |= {name for name in sys.modules if name.startswith("devicehub")}
            with open("loaded.txt", "a") as file:
                print(*sorted(ours), file=file)
    """)
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess(*lean, "-n", "1", "--devicehub-virtual", "1")
    result.assert_outcomes(passed=1)
    worker, controller = (
        set(line.split()) for line in (pytester.path / "loaded.txt").read_text().splitlines()
    )
    foreign = {"asyncio", "click", "msgspec", "psutil", "websockets"}
    plugin = {"devicehub", "devicehub.pytest_plugin"}
    assert {name for name in worker if name in foreign or name.startswith("devicehub")} == plugin
    desk = {"devicehub.testing", "devicehub.testing.desk"}
    assert {name for name in controller if name in foreign or name.startswith("devicehub")} == plugin | desk
    assert list((pytester.path / "tmp").glob("devicehub-*")) == []
