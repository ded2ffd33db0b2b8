"""The page in a real browser: it asks nobody, fits, searches and sorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.report.html import render
from tests.campaign.synthetic import make_result
from tests.report.chromium import CHROMIUM, Tab, open_tab
from tests.report.test_html import _hostile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium)"),
    pytest.mark.asyncio(loop_scope="module"),
]

_OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    async with open_tab(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(render(make_result(cells=24, earlier=3)), encoding="utf-8")
    return file


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 420])
async def test_fits_and_asks_for_nothing_but_itself(tab: Tab, page: Path, width: int, dark: bool) -> None:
    await tab.show(page, width=width, dark=dark)
    await tab.ask(_OPEN_ALL)
    assert await tab.ask(_WIDER) == 0
    assert await tab.ask("document.querySelector('.failed').getClientRects().length") == 1
    ground = await tab.ask("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
    assert [address for address in tab.requests if address != "about:blank"] == [page.as_uri()]
    assert tab.complaints == []
    assert len(await tab.picture()) > 10_000


async def test_search_leaves_what_holds_every_word(tab: Tab, page: Path) -> None:
    await tab.show(page, width=1280)
    cells = "[...document.querySelectorAll('details[data-find]')]"
    typed = "{const find = document.getElementById('find');"
    typed += "find.value = 'WORDS'; find.dispatchEvent(new Event('input'))}"
    await tab.ask(typed.replace("WORDS", "MT6989 GEMMA"))
    names = await tab.ask(
        f"{cells}.filter(one => !one.classList.contains('hide')).map(one => one.textContent)"
    )
    assert 0 < len(names) < 24
    assert all("MT6989" in name and "gemma" in name for name in names)
    assert await tab.ask("told.textContent") == f"{len(names)} of 24 cells"
    assert await tab.ask("document.querySelectorAll('tbody tr.hide').length") > 0
    await tab.ask(typed.replace("WORDS", ""))
    assert await tab.ask("document.querySelectorAll('.hide').length") == 0


async def test_click_on_a_head_sorts_by_figure_and_back(tab: Tab, page: Path) -> None:
    await tab.show(page, width=1280)
    table = "document.querySelector('#figures ~ .box table')"
    decode = f"[...{table}.tBodies[0].rows].map(row => row.cells[4].textContent)"
    click = f"{table}.tHead.rows[0].cells[4].querySelector('button').click()"
    before = await tab.ask(decode)
    known = sorted(float(value) for value in before if value != "-")
    assert len(known) > 5
    await tab.ask(click)
    rising = await tab.ask(decode)
    await tab.ask(click)
    falling = await tab.ask(decode)
    assert [float(value) for value in rising[: len(known)]] == known != [float(v) for v in before if v != "-"]
    assert [float(value) for value in falling[: len(known)]] == known[::-1]
    assert set(rising[len(known) :]) | set(falling[len(known) :]) <= {"-"}
    assert await tab.ask(f"{table}.tHead.rows[0].cells[4].getAttribute('aria-sort')") == "descending"


async def test_link_of_a_mark_opens_its_cell(tab: Tab, page: Path) -> None:
    await tab.show(page, width=1280)
    assert await tab.ask("c7.open") is False
    await tab.ask("document.querySelector('.grid a[href=\"#c7\"]').click()")
    await tab.ask("new Promise(done => setTimeout(() => done(1)))")
    assert await tab.ask("c7.open") is True


async def test_texts_of_others_run_nothing(tab: Tab, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(render(_hostile()), encoding="utf-8")
    await tab.show(file, width=420)
    await tab.ask(_OPEN_ALL)
    assert await tab.ask("document.images.length + document.scripts.length") == 1
    assert await tab.ask(_WIDER) == 0
    assert tab.complaints == []
