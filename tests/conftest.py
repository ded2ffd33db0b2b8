"""What holds for all tests: nothing in property tests is timed, for machines are slow and shared."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator

# For tests of the pytest plugin; pytest takes it from no other conftest.py.
pytest_plugins = ["pytester"]

# The hubs of tests list the phones that a test has made; tests/host turns it on.
os.environ.setdefault("DEVICEHUB_LOCAL", "off")
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pytest_sessionstart() -> None:
    """Not while this file is imported: a profile is its context's, and tests are imported in another."""
    settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was logged of nonsense may be no UTF-8, which pytest-xdist cannot carry from worker to worker."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
