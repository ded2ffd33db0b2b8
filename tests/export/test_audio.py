from __future__ import annotations

from typing import Any

from devicehub.export.audio import MODEL_TYPE, mend


class Mapper:
    def __init__(self) -> None:
        self.mapper: dict[str, dict[str, Any]] = {}
        self.regist_qwen2audio()

    def regist_qwen2audio(self) -> None:
        self.mapper[MODEL_TYPE] = {"config": "kept", "model": {"lm": "language_model.lm_head"}}


class Layer:
    def forward(self, hidden_states: str, attention_mask: object) -> str:
        return f"{hidden_states} {attention_mask}"


class Encoder:
    def load(self) -> None:
        self.audio_tower = self
        self.layers: list[Any] = [Layer(), Layer()]


def test_parts_are_found_where_transformers_5_has_them() -> None:
    mapper = type("OwnMapper", (Mapper,), {})
    mend(mapper, Encoder)
    found = mapper().mapper[MODEL_TYPE]
    assert found["config"] == "kept"
    assert found["model"]["lm"] == "lm_head"
    encoder = Encoder()
    encoder.load()
    assert [layer.forward("x", None, None) for layer in encoder.layers] == [("x None",)] * 2
