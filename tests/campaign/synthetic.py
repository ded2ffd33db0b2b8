"""Campaigns as phones might have given them, drawn by a seed, for tests of judgement and reports.

The states come of the judgement itself: cells are planted as slow, wrong, throttled and so on.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.campaign.history import history, points_of
from devicehub.campaign.judge import conclude, judge_campaign, judge_cell
from devicehub.campaign.limits import parse_demand
from devicehub.campaign.outcome import Arm, CellOutcome, Compared, LaunchFigures, PairOf, Trace
from devicehub.campaign.planned import SPEEDS, Against, Cell, Limit, PhoneRef, Plan, ThingRef, Variant
from devicehub.campaign.result import CampaignResult, Front, FrontPoint
from devicehub.runs.answers import Evaluation, SubjectScore, SuiteAnswer, SuiteResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.campaign.planned import LimitFigure

PHONES: Final = (
    PhoneRef(
        serial="3A021FDJG", serialno="3A021FDJG", product="Xiaomi 14", vendor="qualcomm",
        soc="SM8650", soc_name="Snapdragon 8 Gen 3", android="14", virtual=True,
    ),
    PhoneRef(
        serial="192.168.1.7:5555", serialno="RZCX51", product="OnePlus 13", vendor="qualcomm",
        soc="SM8750", soc_name="Snapdragon 8 Elite", android="15", virtual=True,
    ),
    PhoneRef(
        serial="10AE3R06", serialno="10AE3R06", product="vivo X100", vendor="mediatek",
        soc="MT6989", soc_name="Dimensity 9300", android="14", virtual=True,
    ),
    PhoneRef(
        serial="TPC7N18", serialno="TPC7N18", product="Redmi <K70> & Ultra", vendor="mediatek",
        soc="MT6897", soc_name="Dimensity 8300", android="14", virtual=True,
    ),
)  # fmt: skip
MODELS: Final = (
    ThingRef(name="qwen3-0.6b", id="sha256-m1"),
    ThingRef(name="gemma-3-1b-it", id="sha256-m2"),
)
NEW_ENGINE: Final = ThingRef(name="mnn-3.6.1", id="sha256-e2")
OLD_ENGINE: Final = ThingRef(name="mnn-3.5.0", id="sha256-e1")
PROFILES: Final = ("default", "cpu-4-threads", "opencl")
DEMANDS: Final = (
    "decode_tok_s >= 5",
    "decode_tok_s no worse than 5 %",
    "prefill_tok_s no worse than 5 %",
    "load_ms no worse than 10 %",
    "fidelity >= 90 %",
)
KINDS: Final = (
    "good", "slow", "wrong", "noisy", "throttled", "left_out", "good", "crashed", "baseline_missing",
    "phone_away", "good", "suite", "suite_failed", "eval", "good", "lost",
)  # fmt: skip
"""What is planted in the cells, in turn; all five states are among the first six."""
LEVELS: Final[dict[LimitFigure, float]] = {
    "prefill_tok_s": 180.0,
    "decode_tok_s": 24.0,
    "load_ms": 900.0,
    "ttft_ms": 420.0,
    "peak_memory_mib": 1100.0,
}
PAIR_S: Final = 30.0


def make_result(
    *, cells: int = 24, launches: int = 6, seed: int = 1, kinds: Sequence[str] = KINDS, earlier: int = 0
) -> CampaignResult:
    """A campaign that has ended.

    Args:
        cells: how many.
        launches: measured ones of each arm.
        seed: of the figures.
        kinds: what is planted in the cells, in turn.
        earlier: how many campaigns before give it a history; with the last of them all speeds fell by 15 %.
    """
    plan = make_plan(cells=cells, kinds=kinds)
    outcomes = make_outcomes(plan, launches=launches, seed=seed, kinds=kinds)
    results = [judge_cell(plan, cell, outcomes.get(cell.number)) for cell in plan.cells]
    made = conclude(plan, results, state="ended", ended=plan.created + 7200.0, fronts=make_fronts(seed))
    points = points_of(made)
    for number in range(1, earlier + 1):
        before = msgspec.structs.replace(
            plan, id=f"c0ffee{number:02}-{number}", created=plan.created - 86400.0 * number
        )
        known = make_outcomes(
            before,
            launches=launches,
            seed=seed + 1000 * number,
            kinds=kinds,
            pace=1.0 if number == 1 else 1 / 0.85,
        )
        points += points_of(judge_campaign(before, known, state="ended"))
    return msgspec.structs.replace(made, history=history(points) if earlier else [])


def make_plan(*, cells: int = 24, kinds: Sequence[str] = KINDS, demands: Sequence[str] | None = None) -> Plan:
    """A plan of so many cells over four phones.

    Args:
        cells: how many.
        kinds: what is planted in them, in turn.
        demands: what holds for each of them; None for `DEMANDS`, as far as they suit a cell.
    """
    limits = [limit for text in demands or DEMANDS if isinstance(limit := parse_demand(text), Limit)]
    assert len(limits) == len(demands or DEMANDS)
    made = tuple(_cell(number, kinds[(number - 1) % len(kinds)]) for number in range(1, cells + 1))
    if demands is not None:
        made = tuple(msgspec.structs.replace(cell, limits=tuple(range(len(limits)))) for cell in made)
    order: dict[str, list[int]] = {phone.serialno: [] for phone in PHONES}
    for cell in made:
        if cell.left_out is None:
            order[cell.phone.serialno].append(cell.number)
    return Plan(
        id="c0ffee12",
        name="nightly <release> & all phones",
        file='name = "nightly"\n',
        created=1_790_000_000.0,
        seed=7,
        phones=PHONES,
        cells=made,
        limits=tuple(limits),
        order=order,
        estimate_s=sum(cell.estimate_s for cell in made),
        notes=("the figures are virtual phones'",),
        virtual=True,
    )


def _cell(number: int, kind: str) -> Cell:
    phone = PHONES[(number - 1) % len(PHONES)]
    model = MODELS[(number - 1) // len(PHONES) % len(MODELS)]
    profile = PROFILES[(number - 1) // (len(PHONES) * len(MODELS)) % len(PROFILES)]
    variant = Variant(model=model, engine=NEW_ENGINE, profile=profile)
    workload = {"suite": "demo", "suite_failed": "demo", "eval": "eval"}.get(kind, "bench")
    suite = "facts" if kind in ("suite", "suite_failed") else None
    compared = workload == "bench" and kind != "crashed"
    against = Against(by="engine", variant=Variant(model=model, engine=OLD_ENGINE, profile=profile))
    if kind == "baseline_missing":
        against = Against(
            by="engine",
            variant=against.variant,
            name="release-3.5",
            problem="baseline_missing",
            sentence="the baseline's engine mnn-3.5.0 (sha256-e1) is not in the catalogue",
            stored={"decode_tok_s": 23.1},
        )
    left_out = kind == "left_out"
    parts = (f"{phone.soc} {phone.serial}", model.name, NEW_ENGINE.name, profile, suite or workload)
    return Cell(
        number=number,
        name=" / ".join(parts),
        phone=phone,
        variant=variant,
        workload=workload,
        suite=suite,
        against=against if compared else None,
        left_out="profile_soc" if left_out else None,
        left_out_why=f"profile {profile} is for other SoCs than {phone.soc}" if left_out else None,
        limits=(() if workload == "eval" else (0, 1, 2, 3, 4) if compared else (4,)),
        estimate_s=120.0,
    )


def make_outcomes(
    plan: Plan, *, launches: int = 6, seed: int = 1, kinds: Sequence[str] = KINDS, pace: float = 1.0
) -> dict[int, CellOutcome]:
    """What the cells of a plan came to, by number; what was left out has no outcome."""
    draw = random.Random(seed)
    return {
        cell.number: _outcome(draw, cell, kinds[(cell.number - 1) % len(kinds)], launches, pace)
        for cell in plan.cells
        if cell.left_out is None
    }


def _outcome(draw: random.Random, cell: Cell, kind: str, launches: int, pace: float) -> CellOutcome:
    if kind == "phone_away":
        return CellOutcome(
            cell=cell.number, attempt=1, phone=cell.phone, problem=kind, why="its phone was away for 30 min"
        )
    slower = {"slow": 0.12, "noisy": 0.03}.get(kind, 0.0)
    noise = {"noisy": 0.05}.get(kind, 0.01)
    both = cell.against is not None and cell.against.problem is None
    level = pace * random.Random(cell.number).uniform(0.6, 1.6)
    rows = _figures(draw, launches, level=level, slower=slower, noise=noise, both=both)
    changed = _changed(kind)
    arm = make_arm(f"r{cell.number}b", cell.variant, rows["cell"], **changed)
    if not both:
        return CellOutcome(
            cell=cell.number, attempt=1, phone=cell.phone, arm=arm, **_answers(kind), ended=1_790_001_000.0
        )
    assert cell.against is not None
    base_changed = {key: value for key, value in changed.items() if key in ("throttled", "flags")}
    base = make_arm(f"r{cell.number}a", cell.against.variant, rows["base"], **base_changed)
    return CellOutcome(
        cell=cell.number,
        attempt=1,
        phone=cell.phone,
        arm=arm,
        base=base,
        compared=compare_arms(base, arm),
        ended=1_790_001_000.0,
    )


def _changed(kind: str) -> dict[str, Any]:
    """What is other than in a good run."""
    if kind == "wrong":
        return {
            "state": "failed", "verdict": "failed", "cause": "wrong_output", "fidelity": 0.1,
            "evidence": ["asked: Why is the sky blue?", "host: Because <of> it", "phone: ¿¿¿ \x00\x1b[31m"],
            "remedy": "compare both texts; try precision high",
            "trusted": False, "trust_reasons": ["the answer to prompt 1 is another than the host's"],
        }  # fmt: skip
    if kind == "crashed":
        return {
            "state": "failed", "verdict": "failed", "cause": "segfault",
            "evidence": ['signal 11 (SIGSEGV), code 1, fault addr 0x0 in "llm_bench" ]]>'],
            "remedy": "try backend_type cpu",
            "trusted": False, "trust_reasons": ["the run is failed: segfault"],
        }  # fmt: skip
    if kind == "throttled":
        return {
            "throttled": True,
            "flags": ["the phone held its processor back: the thermal status rose to 3"],
        }
    if kind == "suite_failed":
        return {"state": "failed", "verdict": "failed", "cause": kind}
    if kind == "lost":
        return {"state": "lost", "verdict": None, "cause": "phone_lost", "trusted": False}
    return {}


def _answers(kind: str) -> dict[str, Any]:
    if kind in ("suite", "suite_failed"):
        good = kind == "suite"
        answers = [
            SuiteAnswer(id="capital", text="Paris is the capital of France.", passed=True),
            SuiteAnswer(
                id="json",
                text='{"a": 1}' if good else "I cannot <answer>",
                passed=good,
                why=None if good else "the answer is not JSON: it begins with 'I cannot'",
            ),
        ]
        return {"suite": SuiteResult(name="facts", answers=answers, passed=1 + good, of=2)}
    if kind == "eval":
        subjects = {"physics": SubjectScore(right=12, of=20), "law": SubjectScore(right=9, of=20)}
        return {
            "evaluation": Evaluation(
                subjects=subjects, right=21, of=40, accuracy=0.525, low=0.375, high=0.67, perplexity=14.2
            )
        }
    return {}


def _figures(
    draw: random.Random, launches: int, *, level: float, slower: float, noise: float, both: bool
) -> dict[str, list[tuple[int, dict[str, float]]]]:
    """The figures of each measured launch with its place, ABBA where there are two arms."""
    drift = draw.uniform(-0.04, 0.04)
    arms = [("base", "cell", "cell", "base")[place % 4] for place in range(2 * launches)] if both else []
    rows: dict[str, list[tuple[int, dict[str, float]]]] = {"base": [], "cell": []}
    for place, arm in enumerate(arms or ["cell"] * launches):
        pace = level * (1 + drift * place / launches) * (1 - slower * (arm == "cell"))
        rows[arm].append(
            (
                place + 3,
                {
                    figure: value * (pace if "tok_s" in figure else 1 / pace) * (1 + draw.gauss(0, noise))
                    for figure, value in LEVELS.items()
                },
            )
        )
    return rows


def make_arm(run: str, variant: Variant, rows: Sequence[tuple[int, dict[str, float]]], **changed: Any) -> Arm:
    """A run with these figures: place in the list and figures of each measured launch."""
    good = changed.get("verdict", "succeeded") == "succeeded" or changed.get("cause") == "suite_failed"
    launches = [LaunchFigures(order=1, number=1, kind="warmup", verdict="succeeded", why_not="a warm-up")]
    launches += [
        LaunchFigures(
            order=place,
            number=number,
            kind="measured",
            cold=False,
            verdict="succeeded" if good else "failed",
            cause=None if good else changed.get("cause"),
            counts=good,
            why_not=None if good else changed.get("cause"),
            temp_c=31.0 + number * 0.7,
            at_s=place * PAIR_S / 2,
            duration_s=PAIR_S / 3,
            throttled=changed.get("throttled", False),
            run=None,
            **figures,
        )
        for number, (place, figures) in enumerate(rows, 2)
    ]
    length = (rows[-1][0] if rows else 1) * PAIR_S / 2
    at_s = [round(length * share / 60, 1) for share in range(60)]
    fields: dict[str, Any] = {
        "run": run,
        "variant": variant,
        "state": "succeeded",
        "verdict": "succeeded",
        "cause": None,
        "conditions": {
            "charging": "full", "throttled": "no", "screen": "off", "governor": "policy0 walt, policy4 walt",
            "temperature at the start": "31.0 °C (skin)", "build": "sample/one:14/UP1A/1:user/release-keys",
        },
        "config": {"backend_type": "cpu", "thread_num": 4, "precision": "low"},
        "config_sha256": "c" * 64,
        "fidelity": 1.0,
        "joules_per_token": 0.31,
        "throttled": False,
        "started": 1_790_000_100.0,
        "ended": 1_790_000_100.0 + length,
        "launches": launches,
        "trace": Trace(at_s=at_s, temp_c=[31.0 + 6.0 * at / (at + 60.0) for at in at_s]),
    }  # fmt: skip
    return Arm(**fields | changed)


def compare_arms(base: Arm, arm: Arm) -> Compared:
    """The pairs of two arms whose launches alternate."""
    first = [launch for launch in base.launches if launch.counts]
    second = [launch for launch in arm.launches if launch.counts]
    return Compared(
        pairs={
            figure: [
                PairOf(
                    base=getattr(one, figure),
                    cell=getattr(other, figure),
                    place_base=one.order,
                    place_cell=other.order,
                )
                for one, other in zip(first, second, strict=False)
            ]
            for figure in SPEEDS
        }
    )


def make_fronts(seed: int = 1) -> list[Front]:
    """The settings of two small sweeps."""
    draw = random.Random(seed)
    return [
        Front(
            soc=phone.soc or "unknown",
            model=MODELS[0].name,
            engine=NEW_ENGINE.name,
            profile=PROFILES[0],
            workload="bench",
            phones=[phone.serial],
            points=[
                FrontPoint(
                    cell=0,
                    settings={"thread_num": threads, "precision": precision},
                    launches=2 if (threads, precision) == (1, "high") else 5,
                    stopped="slower" if (threads, precision) == (1, "high") else None,
                    prefill_tok_s=60.0 * threads * draw.uniform(0.9, 1.1),
                    decode_tok_s=20.0 - abs(threads - 4) * 2 + draw.uniform(-1, 1),
                    peak_memory_mib=900.0 + 40 * threads,
                    fidelity=1.0 if precision == "high" else 0.95,
                    on_front=threads >= 4,
                )
                for threads in (1, 4, 6)
                for precision in ("low", "high")
            ],
        )
        for phone in (PHONES[0], PHONES[2])
    ]
