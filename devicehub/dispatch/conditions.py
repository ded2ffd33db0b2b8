"""What a run's figures depend on, gathered while it is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from devicehub.runs.model import figure_of
from devicehub.telemetry.energy import measure_energy
from devicehub.telemetry.sample import SampleReader
from devicehub.telemetry.stamp import stamp
from devicehub.telemetry.summary import infer_throttling, memory_short, summarize_samples, with_inferred
from devicehub.telemetry.timeline import find_breaks, find_unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.device.state import EndState
    from devicehub.runner.contract import LaunchExit
    from devicehub.runs.model import Conditions, Energy, Launch, RunHeader
    from devicehub.runs.steps import Step
    from devicehub.telemetry.sample import Sample
    from devicehub.telemetry.timeline import Break


class ConditionsReader:
    """Takes the run's `samples` in pieces."""

    def __init__(self, header: RunHeader) -> None:
        self._header = header
        self._reader = SampleReader()
        self._samples: list[Sample] = []

    def feed(self, data: bytes) -> None:
        """Take a piece of the file."""
        self._samples += self._reader.feed(data)

    def breaks(self, exits: Sequence[LaunchExit]) -> list[Break]:
        """Where the phone slept or its clock stepped during a launch: the engine times with that clock."""
        unsampled = [(end.started_s, end.ended_s) for end in exits if not self._is_sampled(end)]
        found = find_breaks(self._samples, 1 / self._header.sample_hz, unsampled=unsampled)
        return [gap for gap in found if any(gap.touches(end.started_s, end.ended_s) for end in exits)]

    def unseen(self, exits: Sequence[LaunchExit]) -> list[str]:
        """Where no sample tells whether the phone slept during a launch, a sentence each."""
        period_s = 1 / self._header.sample_hz
        found = [
            find_unseen(self._samples, period_s, end.started_s, end.ended_s, sampled=self._is_sampled(end))
            for end in exits
        ]
        return [sentence for sentence in dict.fromkeys(found) if sentence]

    def _is_sampled(self, end: LaunchExit) -> bool:
        return self._header.steps[end.number - 1].sampled

    def memory_short(self, end: LaunchExit | None) -> str | None:
        """That memory had run out when a launch ended, as a sentence; None where it had not."""
        return memory_short(self._samples, end.ended_s) if end else None

    def finish(
        self,
        exits: Sequence[LaunchExit] = (),
        launches: Sequence[Launch] = (),
        supervisor: Mapping[str, str] | None = None,
        at_end: EndState | None = None,
    ) -> Conditions:
        """The conditions over the whole run; None is what the phone did not tell.

        Args:
            exits: how the launches ended.
            launches: what they gave.
            supervisor: what the agent said of the phone when the run started, by the names of its protocol.
            at_end: the phone as it was when the run was collected.
        """
        header, said = self._header, supervisor or {}
        found = summarize_samples(self._samples, [(end.started_s, end.ended_s) for end in exits])
        if sign := self._inferred_throttling(exits, launches):
            found = with_inferred(found, sign)
        found = replace(
            found,
            adb_server=header.adb_server,
            adb_burst=header.adb_burst,
            steady=said.get("steady") or None,
            agent=said.get("agent") or None,
            **{name: said.get(name) or None for name in ("usb_state", "screen", "plugged")},
        )
        return stamp(found, header.at_start, at_end)

    def energy(
        self,
        own: Mapping[int, Step],
        exits: Sequence[LaunchExit],
        launches: Sequence[Launch],
        *,
        plugged_end: bool | None,
    ) -> Energy:
        """What the measured launches took from the battery.

        Args:
            own: the run's own steps by their number in the list.
            exits: how they ended.
            launches: what they gave.
            plugged_end: whether the phone was fed when the run was collected.
        """
        ends = {end.number: end for end in exits}
        spans = [
            (ends[launch.order].started_s, ends[launch.order].ended_s, self._tokens(launch))
            for launch in launches
            if launch.kind == "measured" and launch.verdict == "succeeded" and launch.order in ends
        ]
        idle = [(end.started_s, end.ended_s) for end in exits if own[end.number].kind == "idle"]
        return measure_energy(
            self._samples, launches=spans, idle=idle, at_start=self._header.at_start, plugged_end=plugged_end
        )

    def _tokens(self, launch: Launch) -> int | None:
        """All that the launch generated; llm_bench decodes once more than it counts, to warm up."""
        counts = [record.decode_tokens for record in launch.records if record.decode_tokens]
        if not counts:
            return None
        repeats = self._header.options.get("repeats", 0) + 1 if self._header.workload == "bench" else 1
        return sum(counts) * int(repeats)

    def _inferred_throttling(self, exits: Sequence[LaunchExit], launches: Sequence[Launch]) -> str | None:
        # A virtual phone's processor is shared with whatever else this host does.
        if self._header.virtual or self._header.config.get("backend_type", "cpu") != "cpu":
            return None
        speeds = {launch.order: figure_of(launch, "decode_tok_s") for launch in launches}
        spans = [(end.started_s, end.ended_s, speeds.get(end.number)) for end in exits]
        return infer_throttling(self._samples, spans)
