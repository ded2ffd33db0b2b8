"""What an exporter's own options tell of a model: ways to a healthy run over garbage. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.lint.keys import Kind
from devicehub.lint.reading import as_read
from devicehub.lint.subject import error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.findings import Finding

_UNQUANTISED: Final = 16


def judge_options(args: Mapping[str, Any], facts: Mapping[str, Any], place: str) -> Iterator[Finding]:
    """Options of llmexport that end with success and a model that answers wrongly.

    Args:
        args: what export_args.json says; empty where there is none.
        facts: what llm_config.json says.
        place: of export_args.json.
    """
    block, bits = as_read(Kind.WHOLE, args.get("quant_block")), as_read(Kind.WHOLE, args.get("quant_bit"))
    hidden = as_read(Kind.WHOLE, facts.get("hidden_size"))
    if 0 < hidden < block and 0 < bits < _UNQUANTISED and args.get("sym") is not True:
        why = f"quant_block is {block}, larger than the model's width of {hidden}: it says garbage"
        yield error("block_too_large", place, why, "export it with a --quant_block that divides the width")
    again = "export it without"
    if args.get("skip_weight") is True:
        why = "skip_weight is true: its weights mean nothing, only its speed is that of the model"
        yield warning("weights_skipped", place, why, again)
    if args.get("smooth") is True and as_read(Kind.WHOLE, args.get("act_bit")) == 8:
        why = "smooth with act_bit 8 has given garbage, or crashes, with every weight that was tried"
        yield warning("smooth_garbles", place, why, "export it with --act_bit 16")
    if args.get("lora_split") is True:
        why = "lora_split is true: most of the adapter is dropped on the way, and llm_demo loads none"
        yield warning("lora_dropped", place, why, "merge the adapter: export with --lora_path alone")
