"""What /metrics tells, in Prometheus' text format."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from devicehub.device.lifecycle import DeviceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prometheus_client.core import Metric

    from devicehub.api.model import DeviceView, SampleView
    from devicehub.clock import Clock

LAG_S: Final = 1.0
"""How often the event loop is asked how late it is."""


@dataclass(frozen=True)
class Sources:
    """Where the figures come from, asked anew each time.

    Attributes:
        runs: how many runs there are by state and verdict.
        queued: how many wait.
        clients: how many are connected.
    """

    devices: Callable[[], Sequence[DeviceView]]
    samples: Callable[[], Sequence[SampleView]]
    runs: Callable[[], Sequence[tuple[str, str | None, int]]]
    queued: Callable[[], int]
    clients: Callable[[], int]


class Metrics(Collector):
    """Collects when it is asked; only what passes by is counted as it happens."""

    def __init__(self, sources: Sources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._lag_s = 0.0
        self._tasks = 0
        self._pushed = 0
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        # process_resident_memory_bytes, process_open_fds, process_cpu_seconds_total and their like.
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self._registry)

    def pushed(self, size: int) -> None:
        """So many bytes went onto a phone."""
        self._pushed += size

    async def watch_lag(self) -> None:
        """Measure how late the event loop is and how much it has to carry, until cancelled."""
        while True:
            asked_s = self._clock.monotonic_s()
            await self._clock.sleep(LAG_S)
            self._lag_s = max(0.0, self._clock.monotonic_s() - asked_s - LAG_S)
            self._tasks = len(asyncio.all_tasks())

    def collect(self) -> Iterable[Metric]:
        """The families, as they stand now."""
        devices = self._sources.devices()
        states = Counter(device.state for device in devices)
        yield _gauge("devices", "Devices by state.", ["state"], {(str(s),): states[s] for s in DeviceState})
        runs: Counter[tuple[str, ...]] = Counter()
        for state, verdict, count in self._sources.runs():
            runs[state, verdict or "none"] += count
        yield _gauge("runs", "Runs by state and verdict.", ["state", "verdict"], runs)
        yield _gauge("queue_length", "Runs that wait for a phone.", [], {(): self._sources.queued()})
        yield _gauge("clients", "Clients that are connected.", [], {(): self._sources.clients()})
        pushed = CounterMetricFamily("devicehub_push_bytes", "Bytes that went onto phones.")
        pushed.add_metric([], self._pushed)
        yield pushed
        yield from _speeds(devices)
        yield _gauge(
            "temperature_celsius",
            "Of a phone's skin, else its battery.",
            ["device"],
            _temperatures(devices, self._sources.samples()),
        )
        yield _gauge("event_loop_lag_seconds", "How late the hub's event loop was.", [], {(): self._lag_s})
        yield _gauge("event_loop_tasks", "Tasks that the hub's event loop carries.", [], {(): self._tasks})


def _speeds(devices: Sequence[DeviceView]) -> Iterable[Metric]:
    for name, field in (("prefill", "prefill_tok_s"), ("decode", "decode_tok_s")):
        found: dict[tuple[str, ...], float] = {
            (device.id, device.last.model): value
            for device in devices
            if device.last is not None and (value := getattr(device.last, field)) is not None
        }
        text = f"The newest {name} speed of a phone, in tokens per second."
        yield _gauge(f"last_{name}_tokens_per_second", text, ["device", "model"], found)


def _temperatures(
    devices: Sequence[DeviceView], samples: Sequence[SampleView]
) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    found |= {(device.id,): device.temp_c for device in devices if device.temp_c is not None}
    found |= {(one.device,): one.temp_mc / 1000 for one in samples if one.temp_mc is not None}
    return found


def _gauge(
    name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"devicehub_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
