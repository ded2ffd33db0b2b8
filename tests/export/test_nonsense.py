"""Whatever stands in the files of a checkpoint, reading it ends in a source or in one sentence."""

from __future__ import annotations

import json
import shutil
import struct
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devicehub.errors import InputError
from devicehub.export.companions import read_adapter, read_eagle, read_gptq
from devicehub.export.gguf import gguf_tensors, read_gguf
from devicehub.export.machine import Machine
from devicehub.export.plan import plan_export
from devicehub.export.source import read_source
from devicehub.profiles.recipes import EngineNeeds, RecipeFile
from tests.export.checkpoints import make_checkpoint
from tests.export.gguf_file import write_gguf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    *("model_type", "architectures", "hidden_size", "intermediate_size", "head_dim", "tie_word_embeddings"),
    *("text_config", "thinker_config", "quantization_config", "auto_map", "num_nextn_predict_layers"),
    *("bits", "group_size", "desc_act", "sym", "peft_type", "base_model_name_or_path", "draft_vocab_size"),
)
CONFIGS = st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6)
RECIPE = RecipeFile(
    summary="x", purpose="x", engines=EngineNeeds(least="3.5.0"), flags={"hqq": True, "sym": True}
)
MACHINE = Machine(10**12, 10**12, {})
LENIENT = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def sentence_or_nothing(read: Callable[[], object]) -> None:
    try:
        read()
    except InputError as error:
        assert str(error)  # noqa: PT017  either end is right


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("nonsense") / "model")


@LENIENT
@given(config=CONFIGS)
def test_config(checkpoint: Path, config: dict[str, Any]) -> None:
    base = {"model_type": "qwen3", "hidden_size": 256}
    (checkpoint / "config.json").write_text(json.dumps(base | config), encoding="utf-8")

    def read() -> object:
        source = read_source(checkpoint)
        return plan_export(source, "x", RECIPE, {}, machine=MACHINE, fit_block=True)

    sentence_or_nothing(read)


def test_config_within_configs_without_end(checkpoint: Path) -> None:
    text = '{"text_config":' * 900 + '{"hidden_size": 256}' + "}" * 900
    (checkpoint / "config.json").write_text(text, encoding="utf-8")
    sentence_or_nothing(lambda: read_source(checkpoint))


@LENIENT
@given(config=CONFIGS | ANYTHING)
def test_companions(tmp_path: Path, config: Any) -> None:
    for name in ("adapter_config.json", "quantize_config.json", "config.json"):
        (tmp_path / name).write_text(json.dumps(config), encoding="utf-8")
    for read in (read_adapter, read_gptq, read_eagle):
        sentence_or_nothing(partial(read, tmp_path))


@LENIENT
@given(
    header=st.dictionaries(
        st.sampled_from(
            ["model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "lm_head.weight", "x"]
        ),
        ANYTHING
        | st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["BF16", "F32", "F6", ""]),
                "shape": st.lists(st.integers(-1, 9), max_size=3),
                "data_offsets": st.lists(st.integers(-1, 300), min_size=2, max_size=2),
            }
        ),
        max_size=4,
    )
)
def test_header(checkpoint: Path, tmp_path: Path, header: dict[str, Any]) -> None:
    folder = tmp_path / "model"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(checkpoint, folder)
    (folder / "config.json").write_text('{"model_type": "qwen3", "hidden_size": 4}', encoding="utf-8")
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(200))

    def read() -> object:
        source = read_source(folder)
        return plan_export(source, "x", RECIPE, {}, machine=MACHINE, fit_block=True)

    sentence_or_nothing(read)


@LENIENT
@given(at=st.integers(0, 200), garbage=st.binary(min_size=1, max_size=16))
def test_gguf(tmp_path: Path, at: int, garbage: bytes) -> None:
    file = write_gguf(tmp_path / "x.gguf", "qwen3", {"token_embd.weight": ((4, 8), bytes(128), 0)})
    data = bytearray(file.read_bytes())
    data[at : at + len(garbage)] = garbage
    file.write_bytes(data)
    sentence_or_nothing(lambda: gguf_tensors(read_gguf(file)))
