"""What llmexport 0.0.5 lacks for OmniQuant, put right in the child: weights in fp32 while it learns."""

from __future__ import annotations

import functools
from typing import Any


def mend(exporter: Any) -> None:
    """Change llmexport's LlmExporter class so that OmniQuant takes a checkpoint of any type.

    For AWQ and SmoothQuant it makes the whole model fp32; here only norms, and a model in bf16, as nearly all
    are, ends in an error about two types within its first layer.
    """
    learn = exporter.omni_quant

    @functools.wraps(learn)
    def in_float(self: Any) -> Any:
        self.model.float()
        return learn(self)

    exporter.omni_quant = in_float
