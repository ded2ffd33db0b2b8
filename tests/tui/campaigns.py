"""Campaigns as a hub tells of them: cells in every standing, a sweep, a history."""

from __future__ import annotations

from typing import Any, Final

from devicehub.api.campaign_model import (
    CampaignDocument,
    CampaignView,
    CellView,
    FigureSummary,
    Front,
    FrontPoint,
    History,
    HistoryPoint,
    Jump,
)
from tests.tui.scripted import WALL_S

PHONES: Final = (
    ("R5CT0001", "Galaxy S24 Ultra", "SM8650", "qualcomm"),
    ("R5CT0002", "Xiaomi 14", "SM8650", "qualcomm"),
    ("R5CT0003", "vivo X100", "MT6989", "mediatek"),
    ("R5CT0009", "vivo X100", "MT6989", "mediatek"),
)
MODELS: Final = ("Qwen3-0.6B", "Qwen2.5-1.5B-Instruct-MNN")
PROFILES: Final = ("default", "greedy-repeatable", "opencl")
ENGINE: Final = "mnn-3.6.1-arm64-9d166794"
_ENDS: Final = {
    3: ("failed", "wrong_output", "wrong: it answered 61 % of the fixture as the host does, not 99 %"),
    5: ("inconclusive", "limit", "decode no worse than 5 %: 0.970, 0.931 to 1.011; 9 more pairs decide"),
    8: ("not_comparable", "throttled", "the phone throttled in 4 of 12 launches"),
    11: ("not_run", "profile_soc", "profile opencl is not for MT6989"),
}  # fmt: skip


def figure(*, median: float, **more: Any) -> FigureSummary:
    """A figure whose launches were all alike."""
    return FigureSummary(median=median, lowest=median, highest=median, **more)


def campaign(name: str = "nightly", **changes: Any) -> CampaignView:
    """One that is under way."""
    known: dict[str, Any] = {
        "id": f"20231114-2213-{name}", "name": name, "state": "running", "created": WALL_S, "cells": 24,
        "counts": {"passed": 12, "failed": 1, "inconclusive": 1, "not_comparable": 1, "not_run": 1,
                   "running": 3, "waiting": 5},
        "eta_s": 1_460.0, "sentence": "16 of 24 cells have ended, 1 failed so far",
    }  # fmt: skip
    return CampaignView(**{**known, **changes})


def cell(place: int = 1, **changes: Any) -> CellView:
    """One that passed, beside a baseline; its place in the plan says of which phone and variant."""
    serial, product, soc, vendor = PHONES[(place - 1) % len(PHONES)]
    variant = (place - 1) // len(PHONES)
    model, profile = MODELS[variant // len(PROFILES) % 2], PROFILES[variant % len(PROFILES)]
    known: dict[str, Any] = {
        "number": place, "name": f"{soc} {serial} / {model} / {ENGINE} / {profile} / bench",
        "serial": serial, "product": product, "vendor": vendor, "soc": soc, "model": model, "engine": ENGINE,
        "profile": profile, "workload": "bench", "state": "passed", "attempt": 1,
        "sentence": "decode_tok_s no worse than 5 %: 1.012, 1.001 to 1.023",
        "runs": [f"run-{place}-a", f"run-{place}-b"], "fidelity": 1.0,
        "figures": {
            "prefill_tok_s": figure(median=241.3 - place, launches=6, base=243.0, ratio=0.992,
                                        low=0.981, high=1.004),
            "decode_tok_s": figure(median=21.37 + place / 10, launches=6, base=21.1, ratio=1.012,
                                       low=1.001, high=1.023),
            "load_ms": figure(median=812.0, launches=6),
        },
    }  # fmt: skip
    return CellView(**{**known, **changes})


def cells() -> list[CellView]:
    """All of the campaign that is under way."""
    return [_cell(number) for number in range(1, 25)]


def _cell(number: int) -> CellView:
    if number in _ENDS:
        state, reason, sentence = _ENDS[number]
        without: dict[str, Any] = {"runs": [], "figures": {}, "fidelity": None} if state == "not_run" else {}
        return cell(number, state=state, reason=reason, sentence=sentence, **without)
    if number == 14:  # moved from one phone of its SoC to the other
        return cell(number, serial="R5CT0001", product=PHONES[0][1], moved=True, attempt=2)
    if number in (17, 18, 19):
        return cell(number, state="running", sentence="launch 3 of 12", runs=[f"run-{number}-a"], figures={})
    if number > 19:
        return cell(number, state="waiting", sentence="", runs=[], figures={}, attempt=0, fidelity=None)
    return cell(number)


_POINTS: Final = (
    (1, {"thread_num": 2, "precision": "low"}, 131.0, 14.2, 910.0, True),
    (2, {"thread_num": 4, "precision": "low"}, 243.0, 21.4, 940.0, True),
    (3, {"thread_num": 6, "precision": "low"}, 258.0, 19.8, 951.0, True),
    (4, {"thread_num": 4, "precision": "high"}, 170.0, 15.1, 1204.0, False),
    (5, {"thread_num": 8, "precision": "high"}, 121.0, 9.7, 1233.0, False),
)


def front(soc: str = "SM8650") -> Front:
    """Five settings, three of them on the front, one given up early and one wrong."""
    points = [
        FrontPoint(
            cell=cell, settings=settings, launches=1 if cell == 5 else 6,
            stopped="slower" if cell == 5 else None, prefill_tok_s=prefill, decode_tok_s=decode,
            peak_memory_mib=memory, fidelity=1.0, on_front=on_front,
        )
        for cell, settings, prefill, decode, memory, on_front in _POINTS
    ]  # fmt: skip
    wrong = FrontPoint(cell=6, settings={"precision": "int2"}, launches=1, stopped="wrong", fidelity=0.4)
    return Front(
        soc=soc, model=MODELS[0], engine=ENGINE, profile="default", workload="bench",
        phones=["R5CT0001", "R5CT0002"], points=[wrong, *points],
    )  # fmt: skip


def history(*decode: float, soc: str = "SM8650", jump_at: int | None = None) -> History:
    """A thing over as many campaigns; at one of them decode and load jumped."""
    points = [
        HistoryPoint(
            campaign=f"campaign-{number}", name=f"nightly-{number}", created=WALL_S + 86_400 * number,
            state="failed" if number == jump_at else "passed", engine_id=f"mnn-3.6.{number}-arm64",
            figures={
                "decode_tok_s": figure(median=value, launches=6),
                "load_ms": figure(median=800.0 if number < (jump_at or 99) else 640.0, launches=6),
            },
        )
        for number, value in enumerate(decode)
    ]  # fmt: skip
    jumps = []
    if jump_at is not None:
        before, after = decode[jump_at - 1], decode[jump_at]
        name = f"campaign-{jump_at}"
        jumps = [
            Jump(figure="decode_tok_s", before=before, after=after, ratio=after / before, campaign=name),
            Jump(figure="load_ms", before=800.0, after=640.0, ratio=0.8, campaign=name),
        ]
    return History(
        soc=soc,
        model=MODELS[0],
        engine="mnn",
        profile="default",
        workload="bench",
        points=points,
        jumps=jumps,
    )


def document(view: CampaignView | None = None, **changes: Any) -> CampaignDocument:
    """All of one that is under way."""
    known: dict[str, Any] = {
        "campaign": view or campaign(), "cells": cells(), "fronts": [front()],
        "history": [history(21.1, 21.2, 21.0, soc="MT6989"), history(21.3, 21.4, 18.2, 18.3, jump_at=2)],
        "notes": ["Galaxy A54 was left out: it is not allowed to be debugged"],
    }  # fmt: skip
    return CampaignDocument(**{**known, **changes})


LISTED: Final = [
    campaign(),
    campaign(
        "release-3.6.1", state="ended", exit=1, created=WALL_S - 90_000, ended=WALL_S - 80_000, eta_s=None,
        counts={"passed": 22, "failed": 2}, sentence="2 of 24 cells failed", virtual=True,
    ),
    campaign(
        "sweep-threads", state="stopped", created=WALL_S - 99_000, cells=40, eta_s=None,
        counts={"passed": 11, "waiting": 29}, sentence="stopped with 29 of 40 cells left",
    ),
    campaign(
        "smoke", state="ended", exit=0, created=WALL_S - 199_000, cells=4, counts={"passed": 4},
        sentence="all 4 cells passed",
    ),
    campaign(
        "away", created=WALL_S - 100, cells=8, counts={"passed": 2, "waiting": 6}, eta_s=None,
        waits_for="vivo X100 is away; its cells wait for it until 22:50",
    ),
]  # fmt: skip
"""A list of them: running, ended, stopped, and one that waits for a phone."""


def document_of(name: str) -> CampaignDocument:
    """All of one in the list."""
    return document(next(view for view in LISTED if view.id == name))
