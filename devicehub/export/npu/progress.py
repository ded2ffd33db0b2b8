"""Where the making of a model for the NPU is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devicehub.export.npu.output import PARTS
from devicehub.export.npu.steps import BIND, EXPORT, GRAPHS

ACCEPT: Final = "accept"
PUBLISH: Final = "publish"

_TITLES: Final = {
    EXPORT: "export with MNN's own exporter",
    ACCEPT: "check the model before it is compiled",
    **{f"{GRAPHS}-{number}": title for number, title in PARTS.items()},
    BIND: "bind it to the NPU's generation",
    PUBLISH: "check the result",
}


@dataclass(frozen=True)
class NpuProgress:
    """Where it is; nothing tells how far within a stage.

    Attributes:
        stage: a stable word: export, accept, graphs-1 to graphs-4, bind, publish.
        title: what a person reads.
        number: which of `of` stages that is, from 1.
        share: of the stages that are behind, 0 to 1.
        elapsed_s: since the beginning of this try.
    """

    stage: str
    title: str
    number: int
    of: int
    share: float
    elapsed_s: float


def progress_at(stage: str, part: int, *, elapsed_s: float) -> NpuProgress:
    """The progress in a step or a stage of its own.

    Args:
        stage: a step's name, `accept` or `publish`.
        part: of generate_llm_qnn.py, from 1; 0 before it has said anything.
        elapsed_s: since the beginning.
    """
    name = f"{GRAPHS}-{min(max(part, 1), len(PARTS))}" if stage == GRAPHS else stage
    number = list(_TITLES).index(name) + 1
    return NpuProgress(name, _TITLES[name], number, len(_TITLES), (number - 1) / len(_TITLES), elapsed_s)
