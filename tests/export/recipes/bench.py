"""Exports by recipe: sources made once, what is given beside them, and what came of it."""

from __future__ import annotations

import asyncio
import json
import math
import os
import struct
import sys
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from devicehub import procs
from devicehub.clock import SystemClock
from devicehub.export.feed import Order, make_model
from devicehub.export.flags import parse_overrides
from devicehub.export.machine import this_machine
from devicehub.export.plan import plan_export
from devicehub.export.source import read_source
from devicehub.export.weights import read_linears
from devicehub.profiles.load import recipe_file
from devicehub.settings import Home
from tests.export.recipes.cases import LINES, SOURCES
from tests.export.sources import PYTHON, make_companion, make_source

if TYPE_CHECKING:
    from devicehub.export.acceptance import Acceptance
    from devicehub.export.parent import Exported
    from devicehub.export.plan import Plan
    from tests.export.recipes.cases import Case

_TOKENS = 8
_ROOT = Path(__file__).parents[3]


class Bench:
    """A folder in which all that exports need is made once, when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def source(self, name: str) -> Path:
        """The folder of a source of cases.py."""
        folder = self._folder / name
        if folder.exists():
            return folder
        return make_source(folder, **SOURCES[name])

    def given(self, kind: str, source: str) -> Path:
        """What lies beside a source: `text`, `lora`, `gptq`, `eagle`, `PICTURE`, `SOUND`."""
        folder = self._folder / f"{source}-{kind}"
        if folder.exists():
            return folder
        if kind == "text":
            lines = [
                f"phone {n} of the lab is warm and phone {n + 1} of the lab is cool" for n in range(LINES)
            ]
            folder.write_text("\n".join(lines), encoding="utf-8")
        elif kind == "PICTURE":
            folder = folder.with_suffix(".png")
            picture = Image.new("RGB", (320, 320))
            picture.putdata(
                [(x * 3 % 256, y * 5 % 256, (x + y) % 256) for y in range(320) for x in range(320)]
            )
            picture.save(folder)
        elif kind == "SOUND":
            folder = folder.with_suffix(".wav")
            _write_sound(folder)
        else:
            make_companion(kind, self.source(source), folder)
        return folder

    def plan(self, case: Case) -> Plan:
        """Plan an export as the hub does."""
        source = read_source(self.source(case.source))
        words = [*case.words, *(f"{name}={self.given(kind, case.source)}" for name, kind in case.given)]
        return plan_export(
            source,
            case.recipe,
            recipe_file(case.recipe, Home(Path("/nowhere"))),
            parse_overrides(words),
            machine=this_machine(self._folder),
            fit_block=case.fit_block,
        )

    async def export(self, plan: Plan, out: Path) -> Exported[Acceptance]:
        """Export, accept, and write down how, as the hub does."""
        order = Order(plan, out, out.with_suffix(".log"))
        return await make_model(order, on_stage=lambda _: None, clock=SystemClock(), python=PYTHON)

    async def answer(self, model: Path, case: Case) -> dict[str, Any]:
        """What the wheel's engine counted while it answered the case's prompt."""
        prompt = case.prompt
        for kind in ("PICTURE", "SOUND"):
            if kind in prompt:
                prompt = prompt.replace(kind, str(self.given(kind, case.source)))
        argv: list[str | Path] = [
            PYTHON,
            "-m",
            "tests.export.answer",
            model / "config.json",
            prompt,
            str(_TOKENS),
        ]
        done = await procs.run(argv, timeout_s=100, cwd=_ROOT)
        assert done.status == 0, done.stderr.decode(errors="replace")[-500:]
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    async def run_on_phone(self, model: Path, prompt: str = "phone 7 of the lab") -> dict[str, Any]:
        """The record of a run on a virtual phone; its prompt is words: no file of this host is there."""
        argv: list[str | Path] = [sys.executable, "-m", "devicehub", "demo", "--phones", "1", "--json"]
        argv += ["--model", model, "--prompt", prompt]
        home = {"DEVICEHUB_HOME": str(self._folder / "home")}
        done = await procs.run(argv, timeout_s=100, cwd=_ROOT, env=os.environ | home)
        assert done.status == 0, done.stderr.decode(errors="replace")[-500:]
        record: dict[str, Any] = json.loads(done.stdout)
        return record


def bits_per_weight(model: Path) -> tuple[float, float, float]:
    """Of layers, output layer and embedding in a file of its own (0 where none is), with their scales."""
    linears = read_linears(json.loads((model / "llm.mnn.json").read_bytes()))

    def bits(of_output: bool) -> float:
        chosen = [one for one in linears if ("lm_head" in one.name) is of_output]
        size = sum(one.weight_bytes - one.header_bytes + one.scale_bytes for one in chosen)
        return 8 * size / sum(one.outputs * one.inputs for one in chosen)

    head = next(one for one in linears if "lm_head" in one.name)
    size = sum(file.stat().st_size for file in model.glob("embeddings_*.bin"))
    return bits(False), bits(True), 8 * size / (head.outputs * head.inputs)


def _write_sound(file: Path) -> None:
    rate, seconds = 16_000, 2
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        values = (int(9000 * math.sin(0.17 * at)) for at in range(rate * seconds))
        sound.writeframes(b"".join(struct.pack("<h", value) for value in values))


def run(bench: Bench, case: Case, out: Path) -> tuple[Plan, Exported[Acceptance], dict[str, Any]]:
    """Plan, export, answer."""
    plan = bench.plan(case)
    made = asyncio.run(bench.export(plan, out))
    return plan, made, asyncio.run(bench.answer(made.folder, case))
