"""Two halves of a comparison as dispatch leaves them, with figures of one's own, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicehub.profiles.schema import GateSpec
from devicehub.runs.model import ComparisonRef, Conditions, Launch, Protocol, RunRecord, summarize
from devicehub.runs.start import CpuCluster, Link
from devicehub.runs.steps import Step
from devicehub.workloads.record import Record
from tests.store.samples import record

if TYPE_CHECKING:
    from collections.abc import Sequence

CONDITIONS = Conditions(
    build="sample/one/one:14/UP1A/1:user/release-keys",
    cpus_online="0-7",
    clusters={
        "policy0": CpuCluster(
            cpus="0-3", governor="walt", khz=600, lowest_khz=300, cap_khz=2000, most_khz=2000
        ),
        "policy4": CpuCluster(
            cpus="4-7", governor="walt", khz=700, lowest_khz=400, cap_khz=3000, most_khz=3000
        ),
    },
    link=Link(kind="usb", mbit_s=480),
    external_power="usb",
    plugged_end=True,
    charge="full",
    screen_on_start=False,
    screen_on_end=False,
    skin_zone="skin",
    skin_mc_start=31000,
    temp_mc_start=42000,
    battery_percent_start=100,
    battery_percent_end=98,
    throttled=False,
    throttling="no",
    samples=40,
)
STANDARD = Protocol(id="standard", summary="llm_bench", workload="bench", gate=GateSpec())


def abba(pairs: int) -> list[int]:
    """The arm of each measured launch."""
    return [(0, 1, 1, 0)[place % 4] for place in range(2 * pairs)]


def steps_of(arms: Sequence[int]) -> list[Step]:
    """A list: a warm-up of each arm, then the measured launches."""
    warmups = [Step(kind="warmup", arm=arm) for arm in (0, 1)]
    return [*warmups, *(Step(kind="measured", arm=arm, gated=True) for arm in arms)]


def launch(number: int, order: int, **changed: Any) -> Launch:
    """A launch; its figures are `prefill_tok_s`, `decode_tok_s` and `load_ms`."""
    figures = {
        name: changed.pop(name) for name in ("prefill_tok_s", "decode_tok_s", "load_ms") if name in changed
    }
    rows = [Record(tool="llm_bench", source="stdout", prompt_tokens=512, decode_tokens=128, **figures)]
    fields: dict[str, Any] = {
        "number": number,
        "order": order,
        "verdict": "succeeded",
        "cause": None,
        "text": None,
        "records": rows,
        "exit_status": 0,
    }
    return Launch(**fields | changed)


def halves(
    figures: Sequence[dict[str, float]], arms: Sequence[int] | None = None, *, by: str = "engine"
) -> tuple[RunRecord, RunRecord]:
    """Both records of a comparison whose measured launches have these figures, in the list's order."""
    arms = abba(len(figures) // 2) if arms is None else arms
    steps = steps_of(arms)
    launches: tuple[list[Launch], list[Launch]] = ([], [])
    for arm in (0, 1):
        launches[arm].append(launch(1, arm + 1, kind="warmup", decode_tok_s=1.0))
    for place, (arm, known) in enumerate(zip(arms, figures, strict=True)):
        launches[arm].append(launch(len(launches[arm]) + 1, place + 3, **known))
    a, b = (half(launches[arm], arm, steps, by=by) for arm in (0, 1))
    return a, b


def half(launches: list[Launch], arm: int, steps: list[Step], *, by: str) -> RunRecord:
    """One half: run `a` or `b` of comparison `c`."""
    own, other = "ab"[arm], "ba"[arm]
    return record(
        "succeeded",
        own,
        workload="bench",
        config={"base_dir": "/data/local/tmp/mnn_models/m/", "thread_num": 4, "precision": "low"},
        protocol=STANDARD,
        options={"prompt_tokens": 512, "decode_tokens": 128, "repeats": 5, "extra": []},
        steps=steps,
        arm=arm,
        comparison=ComparisonRef(id="c", by=by, arm="AB"[arm], other=other),
        conditions=CONDITIONS,
        launches=launches,
        summary=summarize(launches),
    )
