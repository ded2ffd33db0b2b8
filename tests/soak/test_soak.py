"""A minute of the soak; `make soak` is ten."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.soak.soak import soak

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        shutil.which("mksh") is None or shutil.which("toybox") is None,
        reason="mksh or toybox is not installed",
    ),
]


async def test_a_minute_of_mishaps_leaves_nothing_behind(tmp_path: Path) -> None:
    report = await soak(tmp_path, phones=10, seconds=60, seed=1)
    sys.stdout.write("\n".join(report.lines()))  # pytest shows it where the test fails
    assert report.wrong == []
    assert report.ends["succeeded"] > 0
    assert len(report.mishaps) > 1
