"""Makes the pictures of a report in docs/screens: `python -m tests.report.make_pictures`.

The campaign in them is a synthetic one, and says so.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from msgspec.structs import replace

from devicehub.report.html import render
from tests.campaign.synthetic import make_result
from tests.report.chromium import Tab, open_tab

_SCREENS = Path(__file__).parents[2] / "docs" / "screens"


async def _take(tab: Tab, page: Path, name: str, at: str, *, width: int, height: int, dark: bool) -> None:
    """A picture of the page from one of its elements on."""
    await tab.show(page, width=width, height=height, dark=dark)
    await tab.ask("document.querySelectorAll('#c2, #c2 details').forEach(one => one.open = true)")
    await tab.ask(f"document.getElementById('{at}')?.scrollIntoView()")
    await tab.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
    (_SCREENS / name).write_bytes(await tab.picture())


async def _make() -> None:
    made = make_result(cells=24, earlier=4)
    result = replace(
        made, plan=replace(made.plan, name="nightly", notes=("The figures are made up, to show a report.",))
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = Path(folder) / "report.html"
        page.write_text(render(result), encoding="utf-8")
        async with open_tab(Path(folder) / "profile") as tab:
            await _take(tab, page, "report.png", "top", width=1280, height=960, dark=False)
            await _take(tab, page, "report-ratios.png", "ratios", width=1280, height=620, dark=True)
            await _take(tab, page, "report-cell.png", "c2", width=1280, height=900, dark=False)
            await _take(tab, page, "report-phone.png", "c2", width=420, height=900, dark=True)


if __name__ == "__main__":
    asyncio.run(_make())
