"""`devicehub prune`: weights of a checkpoint become zero."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.at_hub import at_hub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.cli.at_hub import Place


@click.command("prune")
@click.argument("source", metavar="SRC")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The result.")
@click.option("--method", default="magnitude", show_default=True, help="magnitude, wanda or sparsegpt.")
@click.option("--pattern", default="2:4", show_default=True, help="2:4, 4:8 or unstructured.")
@click.option("--sparsity", type=float, help="The share of zeros, for unstructured; default 0.5.")
@click.option("--calib", "calibration", type=click.Path(path_type=Path), help="A text, one sample a line.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@at_hub
def command(
    source: str, out: Path, calibration: Path | None, *, as_json: bool, place: Place, **options: Any
) -> None:
    """Make weights in the linear layers of the checkpoint SRC zero; DIR becomes an ordinary checkpoint.

    Export it with --recipe sparse-w4: asymmetric quantisation loses the zeros. MNN's kernels for sparse
    weights do not know 2:4, so zeros buy no speed by themselves. wanda and sparsegpt look at what the layers
    make of a text, and take the extra `export`; magnitude looks at the weights alone.
    """
    from devicehub.api.contract import PRUNE_START, Prune
    from devicehub.cli.jobs import finish_jobs
    from devicehub.cli.output import print_json, run_async

    if not source.startswith(("hf:", "modelscope:", "https://")):
        source = str(Path(source).absolute())
    text = str(calibration.absolute()) if calibration is not None else None
    params = Prune(source=source, out=str(out.absolute()), calibration=text, **options)
    [report] = run_async(finish_jobs(place, PRUNE_START, params))
    if as_json:
        print_json(report)
    else:
        _show(report)


def _show(report: Mapping[str, Any]) -> None:
    from devicehub.cli.output import print_table, say
    from devicehub.units import format_share

    layers = report["layers"]
    rows = [
        (layer["name"], format_share(layer["zeros"]), format_share(layer["conforming"])) for layer in layers
    ]
    whole = [
        "all layers",
        format_share(fmean(layer["zeros"] for layer in layers)),
        format_share(fmean(layer["conforming"] for layer in layers)),
    ]
    print_table(("layer", "zeros", "fours with two"), [*rows, whole])
    if report["unmeasured"]:
        say(f"perplexity: {report['unmeasured']}")
    else:
        before, after = report["perplexity_before"], report["perplexity_after"]
        say(f"perplexity on the text: {before:.2f} before, {after:.2f} after")
    say(f"{report['folder']}: export it with `devicehub export {report['folder']} --recipe sparse-w4`")
