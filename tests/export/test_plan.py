from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from devicehub.errors import InputError
from devicehub.export.flags import parse_overrides
from devicehub.export.machine import TRIED, Machine, check_extra, installed_versions, this_machine
from devicehub.export.plan import Plan, plan_export
from devicehub.export.source import Source, read_source
from devicehub.profiles.load import find_profiles, recipe_file
from devicehub.settings import Home
from tests.export.checkpoints import make_checkpoint, qwen3_shapes, write_safetensors

HOME = Home(Path("/nowhere"))
ROOMY = Machine(free_ram_bytes=10**12, free_disk_bytes=10**12, versions={})
Q_PROJ = "model.layers.0.self_attn.q_proj"


@pytest.fixture(scope="session")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return read_source(make_checkpoint(tmp_path_factory.mktemp("plan") / "tied"))


@pytest.fixture(scope="session")
def untied(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return read_source(make_checkpoint(tmp_path_factory.mktemp("plan") / "untied", tied=False))


def plan(
    source: Source, recipe: str = "default", *words: str, fit: bool = False, machine: Machine = ROOMY
) -> Plan:
    return plan_export(
        source, recipe, recipe_file(recipe, HOME), parse_overrides(words), machine=machine, fit_block=fit
    )


def refusal(source: Source, recipe: str, *words: str, machine: Machine = ROOMY) -> str:
    with pytest.raises(InputError) as caught:
        plan(source, recipe, *words, machine=machine)
    assert caught.value.remedy
    return str(caught.value)


def test_default_recipe_becomes_llmexports_command_line(tied: Source) -> None:
    made = plan(tied)
    assert made.argv == ("--export", "mnn", "--quant_bit=4", "--quant_block=64", "--lm_quant_bit=8", "--hqq")
    assert (made.notes, made.warnings) == ((), ())


def test_users_options_win_over_the_recipe(tied: Source) -> None:
    made = plan(tied, "default", "quant_bit=8", "hqq=false", "onnx_slim")
    assert made.argv == (
        *("--export", "mnn", "--onnx_slim", "--quant_bit=8", "--quant_block=64", "--lm_quant_bit=8"),
    )


def test_paths_are_made_absolute(tied: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("some.txt").write_text("a phone is warm\n\nit cools\n", encoding="utf-8")
    made = plan(tied, "precision-awq", "calib_data=some.txt")
    assert f"--calib_data={tmp_path / 'some.txt'}" in made.argv
    assert made.companions.calibration_lines == 2


def test_tied_source_changes_the_recipe_and_says_so(tied: Source, untied: Source) -> None:
    assert plan(untied, "extreme-speed").options["embed_bit"] == 4
    made = plan(tied, "extreme-speed")
    assert made.options["embed_bit"] == 16
    assert "output layer" in made.notes[0]
    assert plan(tied, "memory-embed4").options["seperate_embed"] is True
    assert "seperate_embed" not in plan(untied, "memory-embed4").options


@pytest.mark.parametrize(
    ("recipe", "words", "said"),
    [
        ("default", ("quant_bit=2",), "quant_bit 2 writes models that say garbage"),
        ("default", ("quant_bit=3",), "quant_bit 3 ends in an error"),
        ("default", ("lm_quant_bit=2",), "lm_quant_bit 2 writes"),
        ("default", ("embed_bit=5",), "embed_bit is 5"),
        ("smoothquant", ("act_bit=8",), "garble, or that crash the engine"),
        ("smoothquant", ("omni",), "exclude each other"),
        ("default", ("lora_split",), "drops the adapters"),
        ("precision-awq", ("quant_block=0",), "works on groups"),
        ("default", ("skip_weight",), "leaves all weights out"),
        ("precision-awq", (), "needs a text to calibrate with"),
        ("default", ("awq",), "needs a text to calibrate with"),
        ("lora", (), "needs an adapter"),
        ("gptq", (), "GPTQ"),
        ("vision", (), "does not look at images"),
        ("audio", (), "does not listen"),
        ("eagle", ("eagle_path=head",), "has 2 layers, and this recipe needs 7"),
        ("sparse-w4", (), "is not pruned: 0 %"),
    ],
)
def test_what_would_come_out_wrong_is_refused(
    tied: Source, recipe: str, words: tuple[str, ...], said: str
) -> None:
    assert said in refusal(tied, recipe, *words)


def test_awq_refuses_mixtures_of_experts(tmp_path: Path) -> None:
    shapes = qwen3_shapes() | {
        f"model.layers.0.mlp.experts.{n}.down_proj.weight": (256, 512) for n in range(2)
    }
    source = read_source(make_checkpoint(tmp_path / "moe", shapes=shapes))
    (tmp_path / "lines.txt").write_text("warm\n", encoding="utf-8")
    given = f"calib_data={tmp_path / 'lines.txt'}"
    assert "mixtures of experts" in refusal(source, "precision-awq", given)
    assert "mixtures of experts" in refusal(source, "default", "awq", given)


def test_unpruned_sources_are_not_warned_of_and_pruned_ones_are(tmp_path: Path) -> None:
    shapes = qwen3_shapes()
    half = {
        name: b"\x00\x80\x01\x3f" * (rows * columns // 2)  # -0.0 and 0.5 in turn
        for name, (rows, columns) in ((n, s) for n, s in shapes.items() if len(s) == 2 and ".layers." in n)
    }
    source = read_source(make_checkpoint(tmp_path / "pruned", shapes=shapes, data=half))
    [warning] = plan(source).warnings
    assert "50 % of the weights" in warning
    assert "none stays zero" in warning
    for recipe, words in (
        ("sparse-w4", ()),
        ("default", ("sym", "hqq=false")),
        ("default", ("quant_bit=16",)),
    ):
        assert plan(source, recipe, *words).warnings == (), recipe


def test_python_of_a_checkpoint_is_warned_of(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "own-code", config={"auto_map": {"AutoModel": "model.Own"}})
    [warning] = plan(read_source(folder)).warnings
    assert "own-code brings Python of its own" in warning


def test_unknown_model_type_is_warned_of(tmp_path: Path) -> None:
    [warning] = plan(read_source(make_checkpoint(tmp_path / "new", config={"model_type": "qwen9"}))).warnings
    assert "qwen9" in warning


def test_model_that_embeds_is_exported_as_one_that_writes_and_said_so(tmp_path: Path) -> None:
    [warning] = plan(read_source(make_checkpoint(tmp_path / "Qwen3-Embedding-0.6B"))).warnings
    assert "named as one that embeds texts" in warning


def test_head_for_several_tokens_is_left_out_and_said_so(tmp_path: Path) -> None:
    source = read_source(make_checkpoint(tmp_path / "mtp", config={"num_nextn_predict_layers": 1}))
    [warning] = plan(source).warnings
    assert "mimo and poi_qwen2_mtp alone, this is qwen3" in warning
    assert plan(replace(source, model_type="mimo")).warnings == ()


def gptq_folder(folder: Path, *, rows: int = 256, changes: dict[str, object] | None = None) -> Path:
    folder.mkdir()
    settings = {"bits": 4, "group_size": 32, "sym": True, "desc_act": False} | (changes or {})
    (folder / "quantize_config.json").write_text(json.dumps(settings), encoding="utf-8")
    write_safetensors(folder / "model.safetensors", {f"{Q_PROJ}.qweight": (rows // 8, 256)}, dtype="I32")
    return folder


def test_gptq_forces_its_group_as_block(tied: Source, tmp_path: Path) -> None:
    made = plan(tied, "gptq", f"gptq_path={gptq_folder(tmp_path / 'gptq')}", "quant_block=64")
    assert made.options["quant_block"] == 32
    assert made.notes == ("quant_block is 32, as in the GPTQ folder, not 64",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bits": 3}, "has 3 bits"),
        ({"sym": False}, "is not symmetric"),
        ({"desc_act": True}, "sorted by activation"),
        ({"group_size": -1}, "one scale per row"),
    ],
)
def test_gptq_that_llmexport_would_garble_is_refused(
    tied: Source, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    folder = gptq_folder(tmp_path / "gptq", changes=changes)
    assert said in refusal(tied, "gptq", f"gptq_path={folder}")


def test_gptq_of_another_model_is_refused(tied: Source, tmp_path: Path) -> None:
    wider = gptq_folder(tmp_path / "wider", rows=512)
    assert f"holds {Q_PROJ} as 256 x 512; in the source it is 256 x 256" in refusal(
        tied, "gptq", f"gptq_path={wider}"
    )
    strange = gptq_folder(tmp_path / "strange")
    write_safetensors(strange / "model.safetensors", {"h.0.attn.qweight": (32, 256)}, dtype="I32")
    assert "of no layer that the source has" in refusal(tied, "gptq", f"gptq_path={strange}")


def adapter(folder: Path, *, inputs: int = 256, kind: str = "LORA", layer: str = Q_PROJ) -> Path:
    folder.mkdir()
    config = {"peft_type": kind, "base_model_name_or_path": "some/base"}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    prefix = f"base_model.model.{layer}"
    shapes = {f"{prefix}.lora_A.weight": (4, inputs), f"{prefix}.lora_B.weight": (256, 4)}
    write_safetensors(folder / "adapter_model.safetensors", shapes)
    return folder


def test_adapter_must_suit_the_source(tied: Source, tmp_path: Path) -> None:
    right = adapter(tmp_path / "right")
    assert f"--lora_path={right}" in plan(tied, "lora", f"lora_path={right}").argv
    for folder, said in (
        (adapter(tmp_path / "wide", inputs=512), f"changes {Q_PROJ} as if it were 256 x 512"),
        (adapter(tmp_path / "prefix", kind="PREFIX_TUNING"), "only LORA can be merged"),
        (adapter(tmp_path / "other", layer="model.layers.0.attention.wq"), "no layer that the source has"),
    ):
        assert said in refusal(tied, "lora", f"lora_path={folder}")


def test_eagle_head_must_suit_the_source(tmp_path: Path) -> None:
    source = read_source(make_checkpoint(tmp_path / "deep", layers=8, hidden=64, intermediate=64))
    head = tmp_path / "head"
    head.mkdir()
    write_safetensors(head / "model.safetensors", {"fc.weight": (64, 192)})
    for hidden, said in ((64, ""), (128, "was made for a model of width 128; this has 64")):
        config = {"hidden_size": hidden, "vocab_size": 64, "draft_vocab_size": 32}
        (head / "config.json").write_text(json.dumps(config), encoding="utf-8")
        if said:
            assert said in refusal(source, "eagle", f"eagle_path={head}")
        else:
            assert f"--eagle_path={head}" in plan(source, "eagle", f"eagle_path={head}").argv


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({"bits": 3}, "has bits 3"),
        ({"symmetric": True}, "is to be symmetric, unlike the other layers"),
        ({"block_size": 96}, "does not divide its width 256"),
        (8, "is no object"),
    ],
)
def test_settings_of_layers_are_checked(tied: Source, tmp_path: Path, one: object, said: str) -> None:
    file = tmp_path / "layers.json"
    file.write_text(json.dumps({"/layers.0/self_attn/q_proj/Linear": one}), encoding="utf-8")
    assert said in refusal(tied, "default", f"quant_config={file}")
    file.write_text(
        json.dumps({"/layers.0/self_attn/q_proj/Linear": {"bits": 8, "block_size": 128}}), encoding="utf-8"
    )
    assert f"--quant_config={file}" in plan(tied, "default", f"quant_config={file}").argv


def test_converter_and_tokenizer_must_be_there(tied: Source, tmp_path: Path) -> None:
    assert "is no file" in refusal(tied, "default", f"mnnconvert={tmp_path / 'absent'}")
    spaced = tmp_path / "with space"
    spaced.touch()
    assert "has a space in it" in refusal(tied, "default", f"mnnconvert={spaced}")
    assert "tokenizer" in refusal(tied, "default", f"tokenizer_path={tmp_path / 'absent'}")


def test_every_recipe_is_planned_or_refused_with_a_way_out(tied: Source, untied: Source) -> None:
    needy = {"lora", "gptq", "eagle", "omni", "precision-awq", "smoothquant", "vision", "audio", "sparse-w4"}
    for source in (tied, untied):
        for recipe in find_profiles("recipes", HOME):
            if recipe in needy:
                refusal(source, recipe)
            else:
                assert plan(source, recipe).argv[:2] == ("--export", "mnn")


def test_versions_that_were_tried_are_those_of_the_extra() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    extra = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["export"]
    pinned = dict(word.removesuffix(".*").split("==") for word in extra if "==" in word)
    assert pinned == TRIED


def test_other_versions_are_warned_of_and_another_llmexport_is_refused(tied: Source) -> None:
    tried = {"torch": "2.13.0+cpu", "MNN": "3.6.1", "llmexport": "0.0.5"}
    assert plan(tied, machine=replace(ROOMY, versions=tried)).warnings == ()
    [warning] = plan(tied, machine=replace(ROOMY, versions=tried | {"torch": "2.130.0"})).warnings
    assert warning == "torch is 2.130.0; exports were tried with 2.13"
    assert "is 0.0.6" in refusal(tied, "default", machine=replace(ROOMY, versions={"llmexport": "0.0.6"}))


def test_too_little_memory_or_disk(tied: Source) -> None:
    assert "of memory are free" in refusal(tied, "default", machine=replace(ROOMY, free_ram_bytes=1000))
    assert "of disk" in refusal(tied, "default", machine=replace(ROOMY, free_disk_bytes=1000))
    [warning] = plan(tied, machine=replace(ROOMY, free_ram_bytes=tied.bytes)).warnings
    assert "may be slow" in warning


def test_absent_extra_says_how_to_get_it_and_the_cpu_build() -> None:
    with pytest.raises(InputError) as caught:
        check_extra(lambda name: None if name in ("torch", "llmexport") else name)
    assert "torch, llmexport are not installed" in str(caught.value)
    assert "devicehub[export]" in str(caught.value)
    assert "torch's CPU build" in str(caught.value)
    check_extra(lambda name: name)


def test_this_machine_is_looked_at_where_the_export_is_to_lie(tmp_path: Path) -> None:
    machine = this_machine(tmp_path / "not" / "yet")
    assert machine.free_ram_bytes > 0
    assert machine.free_disk_bytes > 0
    assert machine.versions == installed_versions()
