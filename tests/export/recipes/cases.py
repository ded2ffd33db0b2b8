"""What each recipe is tried on: a source, what is given beside it, a prompt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES: Final[Mapping[str, dict[str, object]]] = {
    "tied": {},
    "untied": {"tie_word_embeddings": False},
    "narrow": {"hidden_size": 896, "intermediate_size": 1152, "num_hidden_layers": 1},
    "deep": {"tie_word_embeddings": False, "num_hidden_layers": 8},
    "vl": {"kind": "qwen3_vl", "tie_word_embeddings": False},
    "audio": {"kind": "qwen2_audio"},
    "pruned": {"tie_word_embeddings": False, "pruned": True},
}
"""Random models in bf16; `narrow` has the width of Qwen2.5-0.5B."""
LINES: Final = 8


@dataclass(frozen=True)
class Case:
    """One export.

    Attributes:
        given: options that name what lies beside the source: (option, kind).
        words: further options, as `--set` takes them.
        prompt: for the engine; PICTURE and SOUND in it become paths.
    """

    recipe: str
    source: str = "untied"
    given: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    prompt: str = "phone 7 of the lab"
    fit_block: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.recipe}-{self.source}")


_TEXT: Final = (("calib_data", "text"),)
QUICK: Final = (Case("default"), Case("extreme-speed", "tied"))
"""Run with all other tests wherever the extra is."""
CASES: Final = (
    Case("default", "tied"),
    Case("default", "narrow"),
    Case("extreme-speed"),
    Case("extreme-speed", "narrow", fit_block=True),
    Case("precision-8bit"),
    Case("precision-block32"),
    Case("precision-awq", given=_TEXT),
    Case("memory-block128"),
    Case("memory-block256"),
    Case("memory-channel"),
    Case("memory-lm4"),
    Case("memory-embed4"),
    Case("memory-embed4", "tied"),
    Case("smoothquant", given=_TEXT),
    Case("omni", given=_TEXT, words=("omni_epochs=1",)),
    Case("vision", "vl", prompt="<img>PICTURE</img>what is it"),
    Case("audio", "audio", prompt="<audio>SOUND</audio>what is it"),
    Case("npu-qnn"),
    Case("sparse-w4", "pruned"),
    Case("lora", given=(("lora_path", "lora"),)),
    Case("gptq", given=(("gptq_path", "gptq"),)),
    Case("draft"),
    Case("eagle", "deep", given=(("eagle_path", "eagle"),)),
)
