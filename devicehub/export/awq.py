"""What llmexport 0.0.5 lacks for AWQ, put right in the child: calibration from a file, fresh key caches."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class CalibrationError(Exception):
    """The calibration file holds nothing that AWQ can use."""


def mend(quantizer: Any) -> None:
    """Change llmexport's AwqQuantizer class so that it works.

    Its attention keeps keys and values from one forward to the next, so the second one fails (MNN #4460);
    and a file's name goes to `datasets.load_dataset`, which knows no such data set.
    """
    quantizer._module_forward = _with_fresh_caches(quantizer._module_forward)
    quantizer.get_calib_dataset = staticmethod(_from_file(quantizer.get_calib_dataset))


def _with_fresh_caches(forward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(forward)
    def fresh(self: Any, x: Any, module: Any, module_kwargs: Any) -> Any:
        try:
            return forward(self, x, module, module_kwargs)
        finally:
            # Afterwards, so that nothing is left for the ONNX export either.
            for part in module.modules():
                if hasattr(part, "past_key_value"):
                    part.past_key_value = None

    return fresh


def _from_file(dataset: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(dataset)
    def lines_of(
        data: Any, tokenizer: Any = None, n_samples: int = 128, max_seq_len: int = 512, **more: Any
    ) -> Any:
        file = Path(data) if isinstance(data, str) else None
        if file is None or not file.is_file():
            return dataset(data, tokenizer=tokenizer, n_samples=n_samples, max_seq_len=max_seq_len, **more)
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        counts = {line: len(tokenizer.encode(line)) for line in lines}
        fitting = [line for line in lines if 0 < counts[line] <= max_seq_len][:n_samples]
        if not fitting:
            raise CalibrationError(f"{file}: no line has between 1 and {max_seq_len} tokens")
        # It takes one batch of max_seq_len tokens, and fails where there are fewer.
        held = min(max_seq_len, sum(counts[line] for line in fitting))
        print(f"AWQ: {len(fitting)} of {len(lines)} lines, {held} tokens calibrate", flush=True)  # noqa: T201
        return dataset(fitting, tokenizer=tokenizer, n_samples=n_samples, max_seq_len=held, **more)

    return lines_of
