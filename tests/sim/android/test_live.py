"""The files of a phone that change while it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.sim.android.live import CpuTimes, LiveFiles
from devicehub.sim.android.profile import load_profile
from devicehub.sim.android.system import PhoneSystem

if TYPE_CHECKING:
    from pathlib import Path

WARM_MC = 35_000


def test_busy_time_is_taken_from_idle_time_and_no_tick_is_lost() -> None:
    before = CpuTimes((100, 5, 40, 1000, 7, 0, 3, 0, 0, 0))
    after = before.after(50, 0.6)
    assert after.ticks == (130, 5, 40, 1020, 7, 0, 3, 0, 0, 0)
    assert before.after(0, 1.0) == before


@pytest.mark.parametrize("name", ["snapdragon", "dimensity"])
def test_a_busy_host_warms_no_phone(name: str, tmp_path: Path) -> None:
    profile = load_profile(name)
    for path, text in profile.files({}, boot_id="").items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    # The first look counts all that the host did since it booted.
    LiveFiles(PhoneSystem(profile, {}, properties=tmp_path), tmp_path).refresh(wall_s=1_700_000_000)
    zones = [tmp_path / f"sys/class/thermal/thermal_zone{number}" for number in range(len(profile.zones))]
    temps_mc = {(zone / "type").read_text().strip(): int((zone / "temp").read_text()) for zone in zones}
    assert temps_mc == dict(profile.zones)
    surfaces = [
        temp for kind, temp in temps_mc.items() if "battery" in kind or "skin" in kind or "AP" in kind
    ]
    assert len(surfaces) == 2
    assert max(surfaces) < WARM_MC
