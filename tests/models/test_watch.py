"""What moved in the catalogue since one last looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.models.catalog import ModelCatalog
from devicehub.models.fixture import NoFixture
from devicehub.models.shelf import FixtureShelf
from devicehub.models.watch import CatalogueWatch
from devicehub.settings import Home
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path


def test_model_comes_changes_and_goes(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    catalog, watch = ModelCatalog(home), CatalogueWatch(home)
    assert watch.look() == ([], [])
    folder = make_model(tmp_path / "tiny")
    model = catalog.add(folder)
    assert watch.look() == ([model], [])
    assert watch.look() == ([], [])
    FixtureShelf(home).put(model.manifest.id, NoFixture(reason="it is mute"))
    assert watch.look() == ([model], [])
    (folder / "llm.mnn").write_bytes(b"other")
    assert watch.look() == ([model], [])
    catalog.remove("tiny")
    assert watch.look() == ([], ["tiny"])


def test_entry_that_is_damaged_or_half_written_is_none(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    catalog, watch = ModelCatalog(home), CatalogueWatch(home)
    catalog.add(make_model(tmp_path / "tiny"))
    watch.look()
    (home.models / "tiny.json").write_text("{")
    (home.models / ".adding-x.json").write_text("{}")
    assert watch.look() == ([], ["tiny"])
