"""Where things lie in a checkout of MNN and in Qualcomm's SDK. Pure."""

from __future__ import annotations

from typing import Final

HOST: Final = "x86_64-linux-clang"
"""The SDK's folders for this host, below bin/ and lib/."""
EXPORTER: Final = "transformers/llm/export/llmexport.py"
GENERATOR: Final = "transformers/llm/export/npu/generate_llm_qnn.py"
CONVERTER: Final = "source/backend/qnn/npu_convert.py"
BUILT: Final = ("MNNConvert", "generateIO", "compilefornpu")
"""Programs of a build: the exporter starts the first, generate_llm_qnn.py the others."""
