from __future__ import annotations

import os
from pathlib import Path

import pytest

from devicehub.errors import InputError
from devicehub.models.catalog import ModelCatalog
from devicehub.settings import Home
from tests.models.make_folder import make_model


@pytest.fixture
def catalog(tmp_path: Path) -> ModelCatalog:
    return ModelCatalog(Home(tmp_path / "home"))


def test_add_names_the_model_after_its_folder(catalog: ModelCatalog, tmp_path: Path) -> None:
    model = catalog.add(make_model(tmp_path / "Qwen3 0.6B 'int4' 模型"))
    assert model.name == "Qwen3 0.6B 'int4' 模型"
    assert model.id == f"{model.name}-{model.manifest.id[:8]}"
    assert model.llm_config["hidden_size"] == 128
    assert {entry.mode for entry in model.manifest.files} == {0o644}
    assert catalog.get(model.name) == catalog.get(model.id) == catalog.get("Qwen3") == model


def test_relative_and_dotted_path_gets_a_real_name(
    catalog: ModelCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model(tmp_path / "tiny")
    monkeypatch.chdir(folder)
    assert catalog.add(Path()).name == "tiny"


def test_second_add_hashes_only_what_changed(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    announced: list[int] = []
    first = catalog.add(folder, begin=announced.append)
    assert catalog.add(folder, begin=announced.append) == first
    (folder / "tokenizer.mtok").write_bytes(b"other tokens")
    hashed: list[int] = []
    second = catalog.add(folder, begin=announced.append, progress=hashed.append)
    assert announced[1:] == [0, len(b"other tokens")]
    assert sum(hashed) == len(b"other tokens")
    assert second.id != first.id
    assert catalog.list() == [second]


def test_overwrite_with_the_old_time_and_size_is_noticed(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    catalog.add(folder)
    weight = folder / "llm.mnn.weight"
    before = weight.stat()
    with weight.open("r+b") as stream:
        stream.write(b"1")
    os.utime(weight, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match=r"llm\.mnn\.weight: has changed.*models add"):
        catalog.get("m")
    assert catalog.state(catalog.list()[0]) == "changed"
    catalog.add(folder)
    assert catalog.state(catalog.get("m")) == "ok"


def test_vanished_file_is_named(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    catalog.add(folder)
    (folder / "llm.mnn").unlink()
    with pytest.raises(InputError, match=r"llm\.mnn: is gone"):
        catalog.get("m")


def test_name_of_another_folder_is_taken(catalog: ModelCatalog, tmp_path: Path) -> None:
    catalog.add(make_model(tmp_path / "a" / "m"))
    with pytest.raises(InputError, match=r"the name m is taken by the model in .*--name"):
        catalog.add(make_model(tmp_path / "b" / "m"))
    assert catalog.add(tmp_path / "b" / "m", "n").name == "n"
    assert [model.name for model in catalog.list()] == ["m", "n"]


def test_ambiguous_and_unknown_names(catalog: ModelCatalog, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="known: none"):
        catalog.get("x")
    folder = make_model(tmp_path / "m")
    catalog.add(folder, "qwen-1")
    catalog.add(folder, "qwen-2")
    with pytest.raises(InputError, match="use one of qwen-1, qwen-2"):
        catalog.get("qwen")


@pytest.mark.parametrize("name", ["", "a/b", "-rf", ".hidden", "a\nb", " a", "a ", "é" * 101])
def test_names_that_no_folder_of_the_phone_can_bear(catalog: ModelCatalog, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="model name"):
        catalog.add(make_model(tmp_path / "m"), name)


def test_remove_leaves_the_folder(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    catalog.add(folder)
    catalog.remove("m")
    assert catalog.list() == []
    assert (folder / "llm.mnn").exists()


def test_changed_model_can_be_removed(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    catalog.add(folder)
    (folder / "llm.mnn").unlink()
    assert catalog.remove("m").name == "m"


def test_damaged_entry_names_its_file_and_add_repairs_it(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    catalog.add(folder)
    (tmp_path / "home" / "models" / "m.json").write_text("{")
    with pytest.raises(InputError, match=r"m\.json.*add the model again"):
        catalog.list()
    assert catalog.add(folder) == catalog.get("m")


def test_broken_model_leaves_no_entry(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    (folder / "llm.mnn").write_bytes(b"")
    with pytest.raises(InputError):
        catalog.add(folder)
    assert catalog.list() == []


def test_check_hashes_files_that_look_unchanged(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    model = catalog.add(folder)
    hashed: list[int] = []
    assert catalog.check("m", begin=hashed.append, progress=hashed.append) == (model, ())
    assert hashed[0] == sum(hashed[1:]) == model.manifest.size


def test_check_takes_a_touched_file_for_what_it_is(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    model = catalog.add(folder)
    (folder / "llm.mnn").write_bytes((folder / "llm.mnn").read_bytes())
    os.utime(folder / "llm.mnn", ns=(1, 1))
    assert catalog.state(model) == "changed"
    assert catalog.check("m") == (model, ())
    assert catalog.get("m") == model


def test_check_names_each_file_that_is_not_as_it_was(catalog: ModelCatalog, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    model = catalog.add(folder)
    (folder / "tokenizer.mtok").unlink()
    (folder / "llm.mnn.weight").write_bytes(b"1" + bytes(999))
    assert catalog.check("m") == (model, ("tokenizer.mtok is gone", "llm.mnn.weight has changed"))
    assert catalog.state(model) == "changed"
