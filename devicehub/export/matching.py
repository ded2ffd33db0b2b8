"""Whether what was given beside a checkpoint suits it: adapter, GPTQ folder, EAGLE head, settings of layers.

What does not suit is not noticed by llmexport 0.0.5, or ends in an error within it after minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError
from devicehub.profiles.exporter import BITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.export.companions import Adapter, Companions, EagleHead, Gptq
    from devicehub.export.flags import Options
    from devicehub.export.source import Source
    from devicehub.profiles.exporter import Value

_GPTQ_BITS: Final = (4, 8)
_FORCED: Final = ("quant_bit", "quant_block")


def refuse_companions(companions: Companions, source: Source, options: Mapping[str, Value]) -> None:
    """Refuse what does not suit the source.

    Raises:
        InputError: says what, and what to give instead.
    """
    if companions.adapter is not None:
        _check_adapter(companions.adapter, source)
    if companions.gptq is not None:
        _check_gptq(companions.gptq, source)
    if companions.eagle is not None:
        _check_eagle(companions.eagle, source)
    if companions.quant_config is not None:
        _check_settings(str(options["quant_config"]), companions.quant_config, options, source)


def gptq_options(options: Options, gptq: Gptq) -> tuple[Options, list[str]]:
    """The options with bits and block of the GPTQ folder, and what the user is told where his were others."""
    own: Options = {"quant_bit": gptq.bits, "quant_block": gptq.group}
    notes = [
        f"{name} is {own[name]}, as in the GPTQ folder, not {options[name]}"
        for name in _FORCED
        if options.get(name, own[name]) != own[name]
    ]
    return options | own, notes


def _check_adapter(adapter: Adapter, source: Source) -> None:
    if adapter.kind != "LORA":
        problem = f"is an adapter of kind {adapter.kind or 'unknown'}; only LORA can be merged"
        raise InputError(adapter.folder, problem, remedy="merge it with the tool that made it")
    shapes = {
        linear.name.removesuffix(".weight"): (linear.inputs, linear.outputs) for linear in source.linears
    }
    remedy = "give the adapter that was trained on this model"
    strange = [name for name, shape in adapter.widths.items() if shapes.get(name, shape) != shape]
    if strange:
        inputs, outputs = adapter.widths[strange[0]]
        has = " x ".join(str(one) for one in reversed(shapes[strange[0]]))
        problem = f"changes {strange[0]} as if it were {outputs} x {inputs}; in the source it is {has}"
        raise InputError(adapter.folder, problem, remedy=remedy)
    if adapter.widths and not any(name in shapes for name in adapter.widths):
        problem = f"changes {next(iter(adapter.widths))} and no layer that the source has"
        raise InputError(adapter.folder, problem, remedy=remedy)


def _check_gptq(gptq: Gptq, source: Source) -> None:
    if gptq.bits not in _GPTQ_BITS:
        problem = f"has {gptq.bits} bits; llmexport 0.0.5 takes GPTQ of 4 or 8"
        raise InputError(gptq.folder, problem, remedy="give one of 4 or 8 bits")
    if not gptq.symmetric:
        problem = "is not symmetric (sym is false), and llmexport leaves its offsets out"
        raise InputError(gptq.folder, problem, remedy="give one that was made with sym")
    if not gptq.group:
        problem = "has one scale per row (group_size -1), with which llmexport ends in an error"
        raise InputError(gptq.folder, problem, remedy="give one with groups, as of 128")
    if gptq.act_order:
        problem = "has its columns sorted by activation (desc_act), and llmexport leaves their order out"
        raise InputError(gptq.folder, problem, remedy="give one that was made without desc_act")
    _check_gptq_layers(gptq, source)


def _check_gptq_layers(gptq: Gptq, source: Source) -> None:
    linears = {linear.name.removesuffix(".weight"): linear for linear in source.linears}
    found = {name: shape for name, shape in gptq.shapes.items() if name in linears}
    if not found:
        problem = "holds quantised weights of no layer that the source has"
        raise InputError(gptq.folder, problem, remedy="give the GPTQ folder of this very model")
    for name, (packed, outputs) in found.items():
        linear, inputs = linears[name], packed * 32 // gptq.bits
        if (linear.outputs, linear.inputs) != (outputs, inputs):
            own = f"{linear.outputs} x {linear.inputs}"
            problem = f"holds {name} as {outputs} x {inputs}; in the source it is {own}"
            raise InputError(gptq.folder, problem, remedy="give the GPTQ folder of this very model")


def _check_eagle(head: EagleHead, source: Source) -> None:
    for what, own, wanted in (
        ("width", head.hidden, source.hidden),
        ("vocabulary", head.vocab, source.vocab),
    ):
        if own != wanted:
            problem = f"was made for a model of {what} {own}; this has {wanted}"
            raise InputError(head.folder, problem, remedy="give the head that was trained on this model")


def _check_settings(
    file: str, settings: Mapping[str, Any], options: Mapping[str, Value], source: Source
) -> None:
    symmetric = options.get("sym") is True
    widths = {_exporters_name(linear.name): linear.inputs for linear in source.linears}
    for name, one in settings.items():
        if not isinstance(one, dict):
            raise InputError(file, f"{name} is no object", remedy='write {"bits": 8, "block_size": 64}')
        bits = one.get("bits", 4)
        if bits not in BITS:
            choices = ", ".join(str(each) for each in BITS)
            raise InputError(
                file, f"{name} has bits {bits}; llmexport 0.0.5 writes {choices}", remedy="take one of them"
            )
        if one.get("symmetric", symmetric) is not symmetric:
            problem = f"{name} is to be {'asymmetric' if symmetric else 'symmetric'}, unlike the other layers"
            remedy = (
                "leave symmetric out: llmexport marks every layer in the graph as sym says, whatever it wrote"
            )
            raise InputError(file, problem, remedy=remedy)
        block, width = one.get("block_size", 0), widths.get(name)
        if type(block) is not int or block < 0 or (block and width and width % block):
            problem = f"{name} has block_size {block}, which does not divide its width {width or ''}".rstrip()
            raise InputError(file, problem, remedy="give one that does, as 64; 0 is a whole row")


def _exporters_name(tensor: str) -> str:
    """The name of a layer for llmexport, from that of its weights."""
    # model.layers.0.self_attn.q_proj.weight: /layers.0/self_attn/q_proj/Linear
    _, _, name = tensor.removesuffix(".weight").rpartition("layers.")
    number, _, rest = name.partition(".")
    return f"/layers.{number}/{rest.replace('.', '/')}/Linear"
