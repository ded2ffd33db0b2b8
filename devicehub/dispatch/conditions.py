"""What a run's figures depend on, gathered while it is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from devicehub.telemetry.sample import SampleReader
from devicehub.telemetry.summary import infer_throttling, memory_short, summarize_samples
from devicehub.telemetry.timeline import find_breaks, find_unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.runner.contract import LaunchExit
    from devicehub.runs.model import Conditions, Launch, RunHeader
    from devicehub.telemetry.sample import Sample
    from devicehub.telemetry.timeline import Break


class ConditionsReader:
    """Takes the run's `samples` in pieces; the battery's state at identification stands for the start."""

    def __init__(self, header: RunHeader) -> None:
        self._header = header
        self._reader = SampleReader()
        self._samples: list[Sample] = []

    def feed(self, data: bytes) -> None:
        """Take a piece of the file."""
        self._samples += self._reader.feed(data)

    def breaks(self, exits: Sequence[LaunchExit]) -> list[Break]:
        """Where the phone slept or its clock stepped during a launch: the engine times with that clock."""
        found = find_breaks(self._samples, 1 / self._header.sample_hz)
        return [gap for gap in found if any(gap.touches(end.started_s, end.ended_s) for end in exits)]

    def unseen(self, exits: Sequence[LaunchExit]) -> list[str]:
        """Where no sample tells whether the phone slept during a launch, a sentence each."""
        period_s = 1 / self._header.sample_hz
        found = [find_unseen(self._samples, period_s, end.started_s, end.ended_s) for end in exits]
        return [sentence for sentence in dict.fromkeys(found) if sentence]

    def memory_short(self, end: LaunchExit | None) -> str | None:
        """That memory had run out when a launch ended, as a sentence; None where it had not."""
        return memory_short(self._samples, end.ended_s) if end else None

    def finish(
        self,
        exits: Sequence[LaunchExit] = (),
        launches: Sequence[Launch] = (),
        at_start: Mapping[str, str] | None = None,
    ) -> Conditions:
        """The conditions over the whole run; None is what the phone did not tell.

        Args:
            exits: how the launches ended.
            launches: what they gave.
            at_start: what the agent said of the phone when the run started, by the names of its protocol.
        """
        header, found = self._header, summarize_samples(self._samples)
        if found.temp_mc_start is None:
            found = replace(found, temp_mc_start=header.battery_temp_mc)
        if found.battery_percent_start is None:
            found = replace(found, battery_percent_start=header.battery_percent)
        if sign := self._inferred_throttling(exits, launches):
            found = replace(found, throttled=True, throttle_signs=[*found.throttle_signs, sign])
        said = {name: (at_start or {}).get(name) or None for name in ("usb_state", "screen", "plugged")}
        return replace(found, adb_server=header.adb_server, adb_burst=header.adb_burst, **said)

    def _inferred_throttling(self, exits: Sequence[LaunchExit], launches: Sequence[Launch]) -> str | None:
        if self._header.config.get("backend_type", "cpu") != "cpu":
            return None
        speeds = {launch.number: launch.records[-1].decode_tok_s for launch in launches if launch.records}
        spans = [(end.started_s, end.ended_s, speeds.get(end.number)) for end in exits]
        return infer_throttling(self._samples, spans)
