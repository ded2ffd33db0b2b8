"""Every screen of the fleet of a scripted hub, at a moment that stands still: what snapshots are made of."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

import msgspec
from textual.widgets import Input

from devicehub.api.contract import Comparison, Facet, Figure
from devicehub.api.model import (
    DeviceView,
    EngineView,
    ExportPlanView,
    HolderView,
    JobChanged,
    JobView,
    LitterView,
    LogLines,
    LogPage,
    ModelView,
    Noted,
    ProfileView,
    ProgressMade,
    RunDocument,
    RunEventView,
    RunPage,
    RunView,
    SampleView,
    ShotView,
    StageView,
)
from devicehub_tui.app import FleetApp
from devicehub_tui.memory import Memory
from devicehub_tui.screens.mirror import MirrorScreen, Picture
from tests.manual_clock import ManualClock
from tests.screen.samples import PNG
from tests.tui import campaigns
from tests.tui.screens.doctor_report import REPORT
from tests.tui.scripted import WALL_S, ScriptedHub, device, figures, run, sample

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.pilot import Pilot

MODEL: Final = "Qwen2.5-1.5B-Instruct-MNN"
ENGINE: Final = "mnn-3.6.1-arm64-9d166794"
NOW_S: Final = WALL_S + 300
PHONES: Final = (
    ("Pixel 9 Pro", "Tensor G4", None, "ready"),
    ("Galaxy S24 Ultra", "SM8650", "Snapdragon 8 Gen 3", "busy"),
    ("Xiaomi 14", "SM8650", "Snapdragon 8 Gen 3", "ready"),
    ("vivo X100", "MT6989", "Dimensity 9300", "busy"),
    ("Galaxy A54", "S5E8835", "Exynos 1380", "unauthorized"),
    ("OnePlus 6", "SDM845", "Snapdragon 845", "offline"),
    ("Redmi Note 12", "SM6225", "Snapdragon 685", "quarantined"),
    ("DeviceHub Virtual One", "SM8650", "Snapdragon 8 Gen 3", "ready"),
    ("小米手机 13", "SM8550", "Snapdragon 8 Gen 2", "orphaned"),
)
_DOUBTS: Final[dict[int, dict[str, Any]]] = {
    2: {"fidelity": 0.97},
    3: {"spread": 0.13},
    6: {"trusted": False},
}
_PROBLEMS: Final = {
    "unauthorized": 'unlock the phone and press "Allow" at "Allow USB debugging?"',
    "quarantined": "5 runs in a row failed on it; `devicehub devices --release R5CT0006` lets it run again",
}


def hub_of_phones() -> ScriptedHub:
    """Phones in every state, runs in some, figures with all kinds of doubts."""
    hub = ScriptedHub()
    devices, samples = [], []
    for number, phone in enumerate(PHONES):
        view = _device(number, *phone)
        devices.append(view)
        if view.state in ("ready", "busy", "orphaned"):
            samples += [_reading(view, number, second) for second in range(0, 300, 5)]
    hub.snapshots = {
        "devices": devices,
        "samples": samples,
        "runs": [_under_way(), run("run-3", state="deploying", device="R5CT0003", model=MODEL), _waiting()],
        "progress": [ProgressMade(run="run-3", job=None, label="pushing", done=431, total=1203)],
        "jobs": [JobView(id="j", kind="push", state="running", label="push Qwen3-4B", serial="R5CT0000")],
        "campaigns": campaigns.LISTED,
        "notes": [Noted(text="the adb server was started again", wall_s=WALL_S, level="warning")],
    }
    hub.answers = {
        "runs.list": RunPage(runs=[_ended(number) for number in range(18)], total=18),
        "runs.show": lambda asked: _document(asked.run),
        "models.list": [
            _model("Qwen2.5-1.5B-Instruct-MNN", 1_203_000_000, pulled="modelscope:MNN/Qwen2.5-1.5B"),
            _variant("Qwen3-4B", "default", 2_700_000_000, "4 bit, block 64", 0.9871),
            _variant("Qwen3-4B", "precision-8bit", 4_530_000_000, "8 bit, block 64", 0.9998),
            _variant("Qwen3-4B", "extreme-speed", 2_300_000_000, "4 bit, block 256", 0.8902),
        ],
        "models.holders": [
            HolderView(model="Qwen3-4B-default", device="R5CT0000", same=True, seen=WALL_S),
            HolderView(model="Qwen3-4B-default", device="R5CT0001", same=False, seen=WALL_S),
        ],
        "engines.list": [_engine()],
        "models.litter": [
            LitterView(id="x", kind="checkpoint", path="/x", size=1, source="hf:Qwen/Qwen3-4B"),
        ],
        "exports.plan": [
            ExportPlanView(
                recipe="default",
                name="Qwen3-4B-default",
                size=2_700_000_000,
                bits_per_weight=4.73,
                ram=9_100_000_000,
                disk=11_400_000_000,
                notes=["HQQ takes about 40 min on this host"],
            ),
        ],
        "exports.log": lambda asked: LogPage(file="a", text="" if asked.first else _EXPORT_LOG, next=9),
        "jobs.show": _EXPORT,
        "campaigns.list": campaigns.LISTED,
        "campaigns.show": lambda asked: campaigns.document_of(asked.campaign),
        "profiles.list": [
            ProfileView(kind="runs", id="default", purpose="as the model's own config.json says", user=False),
            ProfileView(kind="runs", id="greedy-repeatable", purpose="the same answer each time", user=False),
            ProfileView(kind="protocols", id="standard", purpose="1 warm-up, 6 launches, cool", user=False),
            *(
                ProfileView(kind="recipes", id=recipe, purpose=purpose, user=False)
                for recipe, purpose in _RECIPES.items()
            ),
        ],
    }
    return hub


def _device(number: int, product: str, soc: str, soc_name: str | None, state: str) -> DeviceView:
    busy: dict[str, Any] = {"run": f"run-{number}", "model": MODEL} if state == "busy" else {}
    if state == "busy":
        busy["phase"] = "running" if number == 1 else "deploying"
    known: dict[str, Any] = {"spread": 0.021, "model": MODEL, **_DOUBTS.get(number, {})}
    last = None
    if number not in (4, 5):
        last = figures(
            f"old-{number}", decode_tok_s=12.3 + number * 3, prefill_tok_s=96 + number * 31, **known
        )
    return device(
        f"R5CT{number:04}", product=product, soc=soc, soc_name=soc_name, state=state, android=str(8 + number),
        virtual=number == 7, last=last, waiting=int(number == 0), problem=_PROBLEMS.get(state),
        gpu="Adreno 750", htp=75, **busy,
    )  # fmt: skip


def _reading(phone: DeviceView, number: int, second: int) -> SampleView:
    wave = math.sin(second / 40 + number)
    busy = phone.state == "busy" and second > 120
    return sample(
        phone.id,
        wall_s=WALL_S + second,
        run=phone.run,
        zone="skin",
        temp_mc=int(32_000 + number * 1_500 + 2_500 * wave + 3_000 * busy),
        cpu_percent=min(100.0, number * 17 % 60 + 8 * wave + 35 * busy),
        gpu_percent=None if number % 2 else float(number * 9),
        clocks_khz={"policy0": 2_265_600 if busy else 364_800, "policy7": int(2_600_000 + 500_000 * wave)},
        caps_khz={"policy0": 2_265_600, "policy7": 3_302_400 if second < 200 else 2_800_000},
        mem_available_kib=600_000 + number * 700_000 + 900_000 * (not busy),
        mem_total_kib=12_000_000,
        storage_free_kib=60_000_000,
        battery_percent=97 - number * 11,
        charging=number % 3 == 0,
        power_mw=4_200.0 + 900 * wave if busy else 900.0,
        thermal_status=0,
        decode_tok_s=14.2 if number == 1 and second > 200 else None,
    )


def _under_way() -> RunView:
    return run(
        "run-1", state="running", device="R5CT0001", model=MODEL, product="Galaxy S24 Ultra", engine=ENGINE,
        profile="default", protocol="standard", launches=6, started=WALL_S + 100, client="cli",
    )  # fmt: skip


def _waiting() -> RunView:
    return run(
        "wait", place=1, model="Qwen3-4B", waits_for="Galaxy S24 Ultra is busy", product="Galaxy S24 Ultra"
    )


def _ended(number: int) -> RunView:
    state, cause = (
        ("succeeded", None),
        ("failed", "out_of_memory"),
        ("succeeded", None),
        ("cancelled", "stopped"),
        ("succeeded", None),
        ("lost", None),
    )[number % 6]
    done = state == "succeeded"
    began_s = WALL_S - number * 3_000
    return run(
        f"20231114-{2200 - 7 * number:04}13-{number:06x}", state=state, cause=cause,
        trusted=number != 4 if done else None,
        product=PHONES[number % 4][0], serial=f"R5CT{number % 4:04}", serialno=f"R5CT{number % 4:04}",
        model=MODEL, engine=ENGINE,
        profile="default" if number % 2 else "greedy-repeatable", protocol="standard", launches=6,
        decode_tok_s=12 + number * 0.7 if done else None, prefill_tok_s=110 + number * 7.3 if done else None,
        fidelity=1.0 if done else None, created=began_s, started=began_s, ended=began_s + 300, client="cli",
        workload="demo" if number % 2 else "bench",
    )  # fmt: skip


_STEPS: Final = (
    (0, "added", "queued", "bench of the model"),
    (4, "checking", "checking", "attempt 1"),
    (9, "deploying", "deploying", "1.2 GB in 7 files"),
    (41, "starting", "starting", ""),
    (43, "running", "running", "pid 4711, adbd 902"),
)


def _events(began_s: float) -> list[RunEventView]:
    return [
        RunEventView(seq=seq, attempt=1, wall_s=began_s + after, kind=kind, state=state, detail=detail)
        for seq, (after, kind, state, detail) in enumerate(_STEPS)
    ]


def _document(name: str) -> RunDocument:
    if name == "run-1":
        said = "The quick brown fox said:\n\n" + "Once upon a time there was a phone on a desk. " * 12
        return RunDocument(run=_under_way(), document={}, events=_events(WALL_S + 100), text=said)
    found = next((_ended(number) for number in range(18) if _ended(number).id == name), None) or _ended(0)
    failed = found.state == "failed"
    return RunDocument(run=found, document=_record(failed=failed), events=_events(found.created))


def _record(*, failed: bool) -> dict[str, Any]:
    launch: dict[str, Any] = {
        "number": 1, "kind": "measured", "verdict": "succeeded", "cause": None, "text": "I am a phone.",
        "records": [{"prefill_tok_s": 121.4, "decode_tok_s": 13.1}],
    }  # fmt: skip
    conditions = {
        "temp_mc_start": 31_200, "temp_mc_highest": 38_900, "throttling": "none", "battery_percent_start": 81,
        "battery_percent_end": 79, "external_power": "usb", "usb_mode": "adb", "rss_kib_highest": 1_420_000,
        "mem_available_kib_lowest": 5_100_000, "build": "google/caiman/caiman:15/AP4A.250105.002/1:user",
        "caps_khz": {"policy0": {"lowest": 1_950_000}, "policy7": {"lowest": 3_105_000}},
    }  # fmt: skip
    if failed:
        proof = ["[Error] MNN: can't malloc 1203 MB", "Killed"]
        remedy = "choose a smaller model, or a profile with precision low and mmap"
        launch |= {"verdict": "failed", "cause": "out_of_memory", "evidence": proof, "remedy": remedy}
        launch |= {"records": []}
        return {"launches": [launch], "conditions": conditions, "config_sha256": "38f792998bcbb11e" * 4}
    launches = [launch | {"number": number} for number in range(1, 7)]
    summary = {
        "prefill_tok_s": {"median": 121.4, "lowest": 119.0, "highest": 124.8},
        "decode_tok_s": {"median": 13.1, "lowest": 12.9, "highest": 13.3},
        "load_ms": {"median": 812.0, "lowest": 801.0, "highest": 860.0},
    }
    return {
        "launches": launches, "conditions": conditions, "config_sha256": "38f792998bcbb11e" * 4,
        "summary": summary,
    }  # fmt: skip


def _variant(source: str, recipe: str, size: int, quant: str, cosine: float) -> ModelView:
    return _model(f"{source}-{recipe}", size, source=source, recipe=recipe, quant=quant, cosine=cosine)


def _model(name: str, size: int, **more: Any) -> ModelView:
    return ModelView(
        name=name, id=f"{name}-2f3a4aaa", state="ok", root=f"/srv/models/{name}",
        files=["config.json", "llm.mnn", "llm.mnn.weight", "tokenizer.mtok"], size=size,
        sha256="2f3a4aaa" * 8, warnings=[], fixture={"answers": []}, fixture_reason=None, **more,
    )  # fmt: skip


_RECIPES: Final = {
    "default": "4 bits, as MNN's guide says",
    "extreme-speed": "small blocks gone: the fastest",
    "precision-8bit": "8 bits: nearest to the source",
    "lora": "with an adapter merged into it",
}
_EXPORT: Final = JobView(
    id="export", kind="exports.start", state="running", label="Qwen3-4B: default, precision-8bit",
    told=["default: warning: the output layer is tied, so it stays at 8 bits"],
)  # fmt: skip
_EXPORT_LOG: Final = """Loading checkpoint shards
[load model] Done
export onnx model to onnx/llm.onnx
[export onnx] Done
convert onnx model to MNN model
"""
_EXPORT_DONE: Final = msgspec.structs.replace(
    _EXPORT,
    state="done",
    result={
        "variants": [
            {"recipe": "default", "name": "Qwen3-4B-default", "size": 2_700_000_000, "bits_per_weight": 4.73,
             "cosine": 0.9871, "perplexity": 12.4, "decode_tok_s": 9.1, "pareto": True},
            {"recipe": "precision-8bit", "name": "Qwen3-4B-precision-8bit", "size": 4_530_000_000,
             "bits_per_weight": 8.5, "cosine": 0.9998, "perplexity": 11.9, "decode_tok_s": 5.2},
        ],
        "skipped": [{"recipe": "lora", "reason": "it takes an adapter; --set lora_path=DIR"}],
    },
)  # fmt: skip


def _export_stage(number: int, title: str) -> StageView:
    return StageView(
        recipe="default", stage=title, title=title, number=number, of=8, stage_share=0.42,
        share=0.18 * number, elapsed_s=61.0 * number, left_s=340.0,
    )  # fmt: skip


def _engine() -> EngineView:
    return EngineView(
        id=ENGINE, name="mnn-3.6.1-arm64", abi="arm64-v8a", version="3.6.1", logcat=False,
        programs=["llm_demo", "llm_bench"], files=[], size=21_000_000, page_align=16384,
        sha256="9d166794" * 8, origin="https://github.com/alibaba/MNN",
    )  # fmt: skip


def _comparison(*, refused: bool) -> Comparison:
    if refused:
        return Comparison(
            a="a", b="b", by=None, unlike=[Facet(what="model", a="Qwen2.5-1.5B", b="Qwen3-4B")],
            shown=[Facet(what="profile", a="greedy-repeatable", b="default")],
        )  # fmt: skip
    decode = Figure(
        a=13.1,
        b=14.4,
        launches_a=6,
        launches_b=6,
        pairs=6,
        ratio=1.098,
        low=1.081,
        high=1.116,
        conclusion="faster",
    )
    prefill = Figure(
        a=121.4, b=120.2, launches_a=6, launches_b=6, pairs=6, ratio=0.99, low=0.93, high=1.06,
        conclusion="inconclusive", more_pairs=9,
    )  # fmt: skip
    return Comparison(
        a="a", b="b", by="phone", paired=True, pairs=6, unknown=["room temperature"],
        shown=[Facet(what="SoC", a="SM8650", b="Tensor G4")],
        figures={"prefill_tok_s": prefill, "decode_tok_s": decode},
    )  # fmt: skip


_LOG: Final = (
    "11-14 22:13:20.101  4711  4711 I MNNJNI  : Load Module: /data/local/tmp/mnn_models/qwen/llm.mnn",
    "11-14 22:13:20.412  1203  1299 D BatteryService: level:81, scale:100, status:2, health:2, present:true",
    "11-14 22:13:21.007  4711  4714 W MNN     : The device supports: i8sdot:1, fp16:1, i8mm: 1, sve2: 0",
    "11-14 22:13:21.530  4711  4711 E MNN     : Can't open file: /data/local/tmp/tmp/0.static",
    "--------- beginning of crash",
)


def app_of(look: str = "devicehub-dark", *, phones: bool = True) -> FleetApp:
    """The app on that hub, or on one without a phone."""
    memory = Memory(None)
    memory.put("theme", look)
    hub = hub_of_phones() if phones else ScriptedHub()
    app = FleetApp(hub.link, memory=memory, clock=ManualClock(NOW_S))
    app.animation_level = "none"
    _HUBS[id(app)] = hub
    return app


_HUBS: dict[int, ScriptedHub] = {}


def hub_under(app: FleetApp) -> ScriptedHub:
    """The hub that an app of `app_of` is on."""
    return _HUBS[id(app)]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app go on until something holds."""
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause(0.01)


async def draw(app: FleetApp, pilot: Pilot[None], *keys: str) -> None:
    """Press keys and draw what came of each."""
    await pilot.pause()
    app.flush()
    for key in keys:
        await pilot.press(key)
        app.flush()
    for line in app.screen.query(Input):
        line.cursor_blink = False
    await pilot.pause()


def _by_keys(*keys: str) -> Callable[[FleetApp, Pilot[None]], Awaitable[None]]:
    async def prepare(app: FleetApp, pilot: Pilot[None]) -> None:
        await draw(app, pilot, *keys)

    return prepare


async def _compare(app: FleetApp, pilot: Pilot[None], *, refused: bool) -> None:
    hub_under(app).answers["runs.compare"] = _comparison(refused=refused)
    await draw(app, pilot, "2", *["down"] * 3, "space", "down", "space", "c")


async def _compared(app: FleetApp, pilot: Pilot[None]) -> None:
    await _compare(app, pilot, refused=False)


async def _refused(app: FleetApp, pilot: Pilot[None]) -> None:
    await _compare(app, pilot, refused=True)


async def _logs(app: FleetApp, pilot: Pilot[None]) -> None:
    await draw(app, pilot, "down", "down", "space", "down", "space", "l")
    for phone in ("R5CT0001", "R5CT0000"):
        hub_under(app).say("log", LogLines(device=phone, lines=list(_LOG)))
    await draw(app, pilot, "v", "v", "v", "v", "v", "v")


async def _mirror(app: FleetApp, pilot: Pilot[None]) -> None:
    hub = hub_under(app)
    hub.answers["devices.shot"] = ShotView(png=PNG)
    why = "scrcpy is not installed, so here are pictures."
    screen = MirrorScreen(hub.link(), "R5CT0001", title="Galaxy S24 Ultra", reason=why, busy=lambda: True)
    await draw(app, pilot)
    await app.push_screen(screen)
    await until(pilot, lambda: screen.query_one(Picture).drawn)
    await draw(app, pilot)


async def _exporting(app: FleetApp, pilot: Pilot[None]) -> None:
    hub = hub_under(app)
    await draw(app, pilot)
    hub.say("jobs", JobChanged(job=_EXPORT))
    await draw(app, pilot, "e")
    for number, title in enumerate(("load the checkpoint", "write the graph", "convert the graph"), start=1):
        hub.say("jobs", JobChanged(job=msgspec.structs.replace(_EXPORT, stage=_export_stage(number, title))))
        await draw(app, pilot)


async def _exported(app: FleetApp, pilot: Pilot[None]) -> None:
    await _exporting(app, pilot)
    hub_under(app).say("jobs", JobChanged(job=_EXPORT_DONE))
    await draw(app, pilot)


async def _gone(app: FleetApp, pilot: Pilot[None]) -> None:
    await draw(app, pilot)
    hub_under(app).drop("it was stopped")
    await draw(app, pilot)


async def _doctor(app: FleetApp, pilot: Pilot[None]) -> None:
    hub_under(app).answers["doctor.look"] = REPORT
    await _by_keys("d")(app, pilot)


async def _no_campaign(app: FleetApp, pilot: Pilot[None]) -> None:
    hub_under(app).answers["campaigns.list"] = []
    await draw(app, pilot, "4")


SCREENS: Final[dict[str, Callable[[FleetApp, Pilot[None]], Awaitable[None]]]] = {
    "fleet": _by_keys(),
    "fleet_groups": _by_keys("g", "down", "space", "space", "slash", *"virtual=false"),
    "fleet_gone": _gone,
    "device": _by_keys("down", "down", "enter"),
    "run": _by_keys("down", "down", "enter", "enter"),
    "run_ended": _by_keys("2", "down", "down", "down", "enter"),
    "run_failed": _by_keys("2", "down", "down", "down", "down", "enter"),
    "runs": _by_keys("2", "down", "space"),
    "campaigns_none": _no_campaign,
    "models": _by_keys("3"),
    "campaigns": _by_keys("4"),
    "campaign": _by_keys("4", "enter", "n", "n"),
    "campaign_fronts": _by_keys("4", "enter", "v", "down", "down"),
    "campaign_history": _by_keys("4", "enter", "v", "v", "down", "down"),
    "logs": _logs,
    "compare": _compared,
    "compare_refused": _refused,
    "doctor": _doctor,
    "choose": _by_keys("r"),
    "push": _by_keys("p"),
    "confirm": _by_keys("a", "x"),
    "mirror": _mirror,
    "fleet_empty": _by_keys(),
    "export": _by_keys("e", "enter"),
    "exporting": _exporting,
    "exported": _exported,
    "help": _by_keys("question_mark"),
    "palette": _by_keys("ctrl+p"),
}
