"""What a Prometheus server reads."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

from devicehub.api.metrics import Metrics, Sources
from devicehub.api.model import LastFigures, SampleView
from devicehub.api.views import device_view
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device, Identity
from tests.manual_clock import ManualClock


def metrics_of(clock: ManualClock) -> Metrics:
    last = LastFigures(run="r", model="qwen", prefill_tok_s=200.5, decode_tok_s=None, fidelity=1.0)
    devices = [
        device_view(Device(DeviceState.READY, identity=Identity("S1", "b")), last=last),
        device_view(Device(DeviceState.BUSY, identity=Identity('S"2\\', "b"))),
    ]
    return Metrics(
        Sources(
            devices=lambda: devices,
            samples=lambda: [SampleView(device="S1", wall_s=0, temp_mc=36_400)],
            runs=lambda: [("succeeded", "succeeded", 3), ("running", None, 1)],
            queued=lambda: 2,
            clients=lambda: 5,
        ),
        clock,
    )


def read(metrics: Metrics) -> dict[tuple[str, str], float]:
    return {
        (
            sample.name,
            ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_every_family_is_there_with_its_labels() -> None:
    metrics = metrics_of(ManualClock())
    metrics.pushed(10)
    metrics.pushed(32)
    found = read(metrics)
    assert found["devicehub_devices", "state=ready"] == 1
    assert found["devicehub_devices", "state=quarantined"] == 0, "a state that is empty is told as well"
    assert found["devicehub_runs", "state=running,verdict=none"] == 1
    assert found["devicehub_queue_length", ""] == 2
    assert found["devicehub_push_bytes_total", ""] == 42
    assert found["devicehub_last_prefill_tokens_per_second", "device=S1,model=qwen"] == 200.5
    assert not [name for name, _ in found if name.startswith("devicehub_last_decode")]
    assert found["devicehub_temperature_celsius", "device=S1"] == 36.4
    assert found["devicehub_event_loop_lag_seconds", ""] == 0
    assert found["devicehub_event_loop_tasks", ""] == 0
    assert found["devicehub_clients", ""] == 5


def test_the_process_tells_of_itself() -> None:
    found = read(metrics_of(ManualClock()))
    process = psutil.Process()
    told, real = found["process_resident_memory_bytes", ""], process.memory_info().rss
    assert real / 2 < told < real * 2
    with Path(os.devnull).open():
        more = read(metrics_of(ManualClock()))
    assert more["process_open_fds", ""] > found["process_open_fds", ""]
    assert found["process_cpu_seconds_total", ""] > 0


class LateOnce(ManualClock):
    """Its first sleep takes a quarter of a second too long, its second one does not end."""

    def __init__(self) -> None:
        super().__init__()
        self.was_late = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if self.slept_s:
            self.was_late.set()
            await asyncio.Event().wait()
        await super().sleep(seconds + 0.25)


async def test_lag_is_what_a_sleep_took_too_long() -> None:
    clock = LateOnce()
    metrics = metrics_of(clock)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(metrics.watch_lag())
        await clock.was_late.wait()
        assert read(metrics)["devicehub_event_loop_lag_seconds", ""] == 0.25
        watching.cancel()
