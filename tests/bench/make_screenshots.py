"""Takes the pictures of docs/screens: every screen of `devicehub tui`, of real runs on virtual phones.

    .venv/bin/python -m tests.bench.make_screenshots

It starts `devicehub serve --virtual 4` on a home of its own, lets the phones run and compare, opens the
screen on that hub, presses the keys that a person would, and writes one SVG per screen. Campaigns come last:
they fill the list of runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub.adb.address import ServerAddress
from devicehub.api.client import LiveClient, connect
from devicehub.api.contract import CAMPAIGN_START, CAMPAIGNS, DEVICES, RUN_COMPARE, RUN_START, STATUS
from devicehub.api.params import CampaignsQuery, CampaignText
from devicehub.clock import SystemClock
from devicehub.runs.ask import CompareAsk, RunAsk
from devicehub_tui.app import FleetApp
from tests.bench.hub_process import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.pilot import Pilot

    from devicehub.api.client import Client

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screens"
_PHONES: Final = 4
_WAIT_S: Final = 120.0
_NOWHERE: Final = ServerAddress("127.0.0.1", 9)
_FONTS: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_MARKUP: Final = re.compile(r"<style>.*?</style>|<[^>]+>", re.DOTALL)
_CLOCK: Final = SystemClock()
_MODEL: Final = "demo-model"
_ASK: Final = RunAsk(model=_MODEL, selectors=("all",), prompt="What is DeviceHub?")
_LONG: Final = RunAsk(
    model=_MODEL, selectors=("all",), workload="bench", protocol="quick", launches=8, decode_tokens=128
)
_NIGHTLY: Final = CampaignText(
    place="nightly.toml",
    text=f"""
        name = "nightly"
        phones = ["all"]
        models = ["{_MODEL}"]
        profiles = ["greedy-repeatable", "precision", "memory-saver", "npu-qnn"]
        protocol = "quick"
        baseline = {{ profile = "default" }}
        limit = [
            {{ demand = "fidelity >= 99 %" }},
            {{ demand = "decode_tok_s no worse than 10 %", profiles = ["memory-saver"] }},
        ]
    """,
)
_SWEEP: Final = CampaignText(
    place="threads.toml",
    text=f"""
        name = "threads"
        phones = ["all"]
        models = ["{_MODEL}"]
        protocol = "quick"
        sweep = {{ threads = [3, 5, 6], kv = ["plain", "k8"] }}
    """,
)
_SCENARIO: Final = """
[[fault]]
do = "set_engine_script"
[fault.script]
rules = [
    { config = { thread_num = 3 }, prefill = 0.3, decode = 0.3 },
    { config = { thread_num = 5 }, prefill = 0.5 },
    { config = { thread_num = 6 }, decode = 0.5 },
    { config = { attention_mode = 9 }, garble = true },
]
"""
"""What the sweep has to find: slow, best at answers, best at prompts, and wrong."""
_ROOT: Final = str(Path(__file__).parents[2])
_TEXT: Final = re.compile(r'(<text [^>]*textLength=")([\d.]+)("[^>]*>)([^<]*)(</text>)')


@dataclass(frozen=True)
class Shot:
    """One picture.

    Attributes:
        keys: what is pressed, from where the picture before was taken.
        shows: words that must be on the screen before it is taken.
        busy: a run or a campaign that is started before, so that something moves.
        ended: campaigns that have come to their ends before it is started.
        after_s: how long to look on until it is taken, for what is drawn over time.
    """

    name: str
    keys: tuple[str, ...]
    shows: tuple[str, ...]
    busy: RunAsk | CampaignText | None = None
    ended: tuple[CampaignText, ...] = ()
    after_s: float = 0.0


SHOTS: Final = (
    Shot("fleet", (), ("running", "±"), busy=_ASK),
    Shot("confirm", ("a", "x"), ("Stop 4 runs?",)),
    Shot("device", ("escape", "escape", "enter"), ("running", "load: cpu"), busy=_LONG, after_s=8),
    Shot("logs", ("escape", "a", "l"), ("devicehub: run", "following")),
    Shot("runs", ("escape", "escape", "2"), ("fid", "4 ready")),
    Shot("run", (*["down"] * 4, "enter"), ("Conditions", "collecting")),
    Shot("compare", ("escape", *["down"] * 4, "space", "space", "c"), ("B / A", "pairs")),
    Shot("models", ("escape", "escape", "3"), (_MODEL, "SHA-256")),
    Shot("choose", ("1", "r"), ("the workload's own", "Introduce yourself.")),
    Shot("push", ("escape", "p"), ("Push onto", "engine")),
    Shot("doctor", ("escape", "d"), ("d looks again", "build tools")),
    Shot("mirror", ("escape", "m"), ("scrcpy", "A new picture")),
    Shot("help", ("escape", "question_mark"), ("Follow the logs",)),
    Shot("palette", ("escape", "ctrl+p"), ("Mark all of the group",)),
    Shot(
        "campaigns",
        ("escape", "escape", "4"),
        ("running", "threads"),
        ended=(_NIGHTLY, _SWEEP),
        busy=_NIGHTLY,
    ),
    Shot("campaign", ("enter",), ("nightly", "3 launches")),
    Shot("history", ("v", "v"), ("[history", "decode tok/s")),
    Shot("fronts", ("escape", "escape", "down", "enter", "v"), ("* front", "up: prefill tok/s")),
)


async def make(folder: Path, *, size: tuple[int, int], only: frozenset[str]) -> None:
    """Take them all; each is written when it is taken."""
    with tempfile.TemporaryDirectory() as name:
        scenario = Path(name) / "planted.toml"
        scenario.write_text(_SCENARIO, encoding="utf-8")
        async with (
            serving(Path(name), _NOWHERE, "--virtual", str(_PHONES), "--scenario", str(scenario)) as hub,
            connect(hub.where, name="screenshots", start=False) as client,
        ):
            await _prepare(client)
            app = FleetApp(lambda: LiveClient(hub.where, name="tui", start=False), where=hub.where)
            async with app.run_test(size=size) as pilot:
                for shot in SHOTS:
                    await _carry(client, shot.ended)
                    if isinstance(shot.busy, RunAsk):
                        await client.call(RUN_START, shot.busy)
                    elif shot.busy is not None:
                        await client.call(CAMPAIGN_START, shot.busy)
                    for key in shot.keys:
                        await pilot.press(key)
                        await pilot.pause()
                    await _until_shown(pilot, shot)
                    await _CLOCK.sleep(shot.after_s)
                    picture = await _until_shown(pilot, shot)
                    if not only or shot.name in only:
                        (folder / f"{shot.name}.svg").write_text(picture, encoding="utf-8")
                        print(f"{shot.name}.svg", flush=True)


async def _prepare(client: Client) -> None:
    """Let every phone have run, and one have compared."""
    async with asyncio.timeout(_WAIT_S):
        while sum(device.state == "ready" for device in await client.call(DEVICES)) < _PHONES:
            await _CLOCK.sleep(0.5)
    phone = (await client.call(DEVICES))[0].serial
    comparing = RunAsk(
        model=_MODEL, selectors=(phone,), workload="bench", protocol="quick", launches=6, decode_tokens=64
    )
    await client.call(RUN_START, RunAsk(model=_MODEL, selectors=("all",), workload="bench", protocol="quick"))
    await client.call(
        RUN_COMPARE, CompareAsk(by="profile", a="default", b="greedy-repeatable", run=comparing)
    )
    async with asyncio.timeout(10 * _WAIT_S):
        while (status := await client.call(STATUS)).runs or status.queued:
            await _CLOCK.sleep(0.5)


async def _carry(client: Client, campaigns: Sequence[CampaignText]) -> None:
    """Carry campaigns to their ends, one after the other."""
    async with asyncio.timeout(10 * _WAIT_S):
        for campaign in campaigns:
            await client.call(CAMPAIGN_START, campaign)
            while any(view.state == "running" for view in await client.call(CAMPAIGNS, CampaignsQuery())):
                await _CLOCK.sleep(0.5)


async def _until_shown(pilot: Pilot[None], shot: Shot) -> str:
    """The screen once it shows the words."""
    picture = ""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_WAIT_S):
            while True:
                picture = make_own(pilot.app.export_screenshot(title="devicehub tui"))
                text = html.unescape(_MARKUP.sub(" ", picture)).replace("\xa0", " ")
                if all(word in text for word in shot.shows):
                    return picture
                await pilot.pause(0.3)
    raise RuntimeError(f"{shot.name} does not show {shot.shows}: {' '.join(text.split())[:1500]}")


def make_own(picture: str) -> str:
    """A picture without fonts that a reader's browser would fetch from elsewhere, and without our paths."""
    picture = _FONTS.sub("", picture).replace("Fira Code", "DejaVu Sans Mono, Cascadia Mono, Menlo, Consolas")
    return _TEXT.sub(_without_root, picture)


def _without_root(found: re.Match[str]) -> str:
    before, length, between, text, after = found.groups()
    shorter = text.replace(_ROOT, "~/devicehub")
    if shorter == text:
        return found[0]
    per_character = float(length) / len(html.unescape(text))
    return f"{before}{per_character * len(html.unescape(shorter)):.1f}{between}{shorter}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=34)
    parser.add_argument("names", nargs="*", help="Of these screens alone.")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(make(chosen.folder, size=(chosen.columns, chosen.rows), only=frozenset(chosen.names)))


if __name__ == "__main__":
    main()
