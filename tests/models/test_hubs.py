"""How a source is written, and which of a repository's files are taken."""

from __future__ import annotations

import pytest

from devicehub.errors import InputError
from devicehub.models.hubs import RemoteFile, Source, choose_files, parse_source

SOURCE = Source("hf", "org/name")


def listed(*paths: str) -> list[RemoteFile]:
    return [RemoteFile(path=path, size=1000) for path in paths]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("hf:taobao-mnn/Qwen3-0.6B-MNN", Source("hf", "taobao-mnn/Qwen3-0.6B-MNN")),
        ("modelscope:MNN/Qwen3-0.6B-MNN", Source("modelscope", "MNN/Qwen3-0.6B-MNN")),
        ("hf:org/name@refs/pr/3", Source("hf", "org/name", "refs/pr/3")),
        ("https://huggingface.co/org/name", SOURCE),
        ("https://huggingface.co/org/name/", SOURCE),
        ("https://huggingface.co/org/name/tree/v2", Source("hf", "org/name", "v2")),
        ("https://www.modelscope.cn/models/MNN/Qwen3/files", Source("modelscope", "MNN/Qwen3")),
    ],
)
def test_source_as_a_person_writes_it(text: str, source: Source) -> None:
    assert parse_source(text) == source
    assert parse_source(str(source)) == source


@pytest.mark.parametrize(
    "text",
    ["", "hf:", "hf:name", "hf:org/name/more", "hf:../name", "hf:org/..", "ollama:org/name", "org/name",
     "hf:org/name@", "hf:org/na me", "hf:org/n\x00", "hf:örg/name", "https://huggingface.co/org"],
)  # fmt: skip
def test_what_is_no_source_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(InputError, match=r"names no model of a hub; write hf:ORG/NAME"):
        parse_source(text)


def test_model_is_taken_whole_without_hidden_files() -> None:
    chosen = choose_files(SOURCE, listed(".gitattributes", "llm.mnn", "a.bin", "sub/.x/y", "README.md"))
    assert (chosen.kind, [file.path for file in chosen.files]) == ("model", ["README.md", "a.bin", "llm.mnn"])
    assert chosen.left_sentence() is None


def test_checkpoint_with_every_format_is_taken_in_one() -> None:
    chosen = choose_files(
        SOURCE,
        listed(
            *("config.json", "model.safetensors", "tokenizer.json", "pytorch_model.bin", "tf_model.h5"),
            *("onnx/model.onnx", "original/params.json", "model-q4.gguf"),
        ),
    )
    assert (chosen.kind, [file.path for file in chosen.files]) == (
        "checkpoint",
        ["config.json", "model.safetensors", "tokenizer.json"],
    )
    assert chosen.left_sentence() == (
        "left out 5 files (5.0 kB) of other formats: "
        "model-q4.gguf, onnx/model.onnx, original/params.json, ..."
    )


def test_repository_of_one_other_format_is_taken_whole() -> None:
    chosen = choose_files(SOURCE, listed("model-q4.gguf", "README.md"))
    assert (chosen.kind, len(chosen.files), chosen.left) == ("checkpoint", 2, ())


@pytest.mark.parametrize("path", ["../x", "a/../x", "/etc/passwd", "a//b", "", "a\\..\\b", "a\nb", "x" * 300])
def test_name_that_leads_out_or_that_no_disk_holds(path: str) -> None:
    with pytest.raises(InputError, match=r"hf:org/name: lists the file"):
        choose_files(SOURCE, listed("llm.mnn", path))


def test_repository_of_hidden_files_only() -> None:
    with pytest.raises(InputError, match="holds no files"):
        choose_files(SOURCE, listed(".gitattributes"))


def test_file_that_hugging_face_gives_to_its_own_program_alone() -> None:
    files = [*listed("llm.mnn"), RemoteFile(path="llm.mnn.weight", size=51_000_000_000)]
    with pytest.raises(InputError, match=r"llm\.mnn\.weight has 51 GB.*hf download org/large"):
        choose_files(parse_source("hf:org/large"), files)
    assert choose_files(parse_source("modelscope:org/large"), files).kind == "model"
