"""What llmexport 0.0.5 lacks for Qwen2-Audio, put right in the child: transformers 5 has another shape."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL_TYPE: Final = "qwen2_audio"
_PLACES: Final = {
    "lm": "lm_head",
    "embed": "model.language_model.embed_tokens",
    "blocks": "model.language_model.layers",
    "final_layernorm": "model.language_model.norm",
    "audio": "model.audio_tower",
    "audio.multi_modal_projector": "model.multi_modal_projector",
}


def mend(mapper: Any, encoder: Any) -> None:
    """Change two classes of llmexport's: ModelMapper and Qwen2Audio.

    The parts of the model lie elsewhere in transformers 5; and a layer of its encoder takes one argument less
    and gives its result itself, not within a tuple.
    """
    register, load = mapper.regist_qwen2audio, encoder.load

    @functools.wraps(register)
    def with_places(self: Any) -> None:
        register(self)
        self.mapper[MODEL_TYPE]["model"] = dict(_PLACES)

    @functools.wraps(load)
    def with_layers(self: Any) -> None:
        load(self)
        for layer in self.audio_tower.layers:
            layer.forward = _as_before(layer.forward)

    mapper.regist_qwen2audio = with_places
    encoder.load = with_layers


def _as_before(forward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(forward)
    def in_tuple(hidden_states: Any, attention_mask: Any, _head_mask: Any) -> Any:
        return (forward(hidden_states, attention_mask),)

    return in_tuple
