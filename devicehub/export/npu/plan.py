"""Plans a model for Qualcomm's NPU: looks whether everything is there, and says what would be done."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.export.machine import this_machine
from devicehub.export.npu.steps import Kit, plan_steps
from devicehub.export.npu.target import find_target
from devicehub.export.npu.toolkit import check_host, check_plain, find_checkout, find_sdk
from devicehub.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devicehub.export.npu.steps import Step
    from devicehub.export.npu.target import Target
    from devicehub.export.plan import Plan
    from devicehub.profiles.match import SocBook

_NPU_OPTIONS: Final = ("generate_for_npu", "seperate_embed", "sym")
"""Without one of these MNN's NPU cannot run what llmexport writes."""
_ACT_BIT: Final = 16
_DOUBTFUL: Final = ("smooth", "omni")
_ROOM: Final = 6
"""Times the model: exported, and its weights for both shapes as files, as an archive or a library, compiled.

Reckoned from what npu_convert.py keeps at a time.
"""
_VISUAL: Final = "images are looked at on the CPU: only the language model is compiled for the NPU"


@dataclass(frozen=True)
class NpuPlan:
    """A model for one generation of the NPU that can be made.

    Attributes:
        export: the plan of the export that comes first.
        out: the folder that the model becomes.
        notes: what the user is told, after those of `export`.
        warnings: what may not be as he expects, likewise.
    """

    export: Plan
    kit: Kit
    out: Path
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def target(self) -> Target:
        """What it is made for."""
        return self.kit.target

    @property
    def versions(self) -> Mapping[str, str]:
        """Of the two tools that shape it, beside the Python packages."""
        found = {"MNN checkout": self.kit.checkout.version, "QNN SDK": self.kit.sdk.version}
        return {name: version or "unknown" for name, version in found.items()}

    def commands(self) -> list[str]:
        """All that would be run, in order, as lines for a shell; each step begins with a comment."""
        lines = []
        for number, step in enumerate(self.steps, start=1):
            lines.append(f"# {number} of {len(self.steps)}: {step.title}")
            lines += [str(command) for command in step.commands]
        return lines


def prepare_npu(
    export: Plan,
    *,
    qnn_sdk: Path | None,
    mnn: Path | None,
    soc: str | None,
    out: Path,
    socs: SocBook,
    python: str = sys.executable,
) -> NpuPlan:
    """Look at SDK, checkout, host and target, and plan the steps; nothing is written. Blocking.

    Args:
        export: of recipe npu-qnn, or of another with its options.
        qnn_sdk: the folder of Qualcomm's SDK.
        mnn: the folder of a checkout of MNN that is built for this host.
        soc: part number, alias or platform name of the phones that it is for.
        out: what the model becomes.
        socs: where SoCs are looked up.
        python: the interpreter that has the extra.

    Raises:
        InputError: something is missing or cannot be used, with the way out.
    """
    place = f"recipe {export.recipe_id}"
    if qnn_sdk is None or mnn is None or soc is None:
        given = {"--qnn-sdk DIR": qnn_sdk, "--mnn DIR": mnn, "--soc NAME (or --on SELECTOR)": soc}
        missing = ", ".join(option for option, value in given.items() if value is None)
        problem = "its graphs are made by Qualcomm's SDK and MNN's own tools, for one generation of the NPU"
        raise InputError(place, problem, remedy=f"give {missing}")
    if export.source.gguf is not None:
        problem = "the weights of a GGUF are rounded already, and the NPU's own rounding would come on top"
        raise InputError(
            export.source.gguf, problem, remedy="give the checkpoint that it was made from alone"
        )
    _check_options(export, place)
    target = find_target(soc, socs)
    check_host()
    checkout, sdk = find_checkout(mnn), find_sdk(qnn_sdk, target.generation)
    work = work_place(out)
    check_plain((sdk.root, checkout.root, checkout.build, work))
    kit = Kit(sdk, checkout, target, work, python)
    steps = plan_steps(export.source.folder, export.source.model_type or "", export.argv, kit)
    notes = [
        f"made for HTP {target.htp} ({target.name}): phones with another generation cannot run it",
        "phones need an engine built with MNN_QNN=ON and MNN_WITH_PLUGIN=ON, and beside it, from the same "
        f"SDK: {', '.join(str(library) for library in sdk.libraries)}",
    ]
    if export.source.has_visual:
        notes.append(_VISUAL)
    warnings = (*target.warnings, *_warnings(export, checkout.version), *_room_warnings(export, work))
    return NpuPlan(export, kit, out, steps, tuple(notes), warnings)


def work_place(out: Path) -> Path:
    """Where the steps keep what they have made, until the model appears: hidden, on the same file system."""
    return out.absolute().parent / f".{out.name}.npu"


def _check_options(export: Plan, place: str) -> None:
    for name in _NPU_OPTIONS:
        if export.options.get(name) is not True:
            problem = f"{name} is not asked for, and the NPU needs it"
            raise InputError(place, problem, remedy=f"take --recipe npu-qnn, or --set {name}")
    if export.options.get("act_bit", _ACT_BIT) != _ACT_BIT:
        raise InputError(place, "the NPU's graphs work with activations of 16 bits", remedy="take act_bit 16")


def _warnings(export: Plan, version: str | None) -> list[str]:
    warnings = []
    methods = [name for name in _DOUBTFUL if export.options.get(name) is True]
    if methods:
        warnings.append(
            f"{methods[0]}: MNN's issue 4716 reports wrong ranges of activations with it on QNN; "
            "compare the text"
        )
    if version is None:
        warnings.append(
            "the checkout's version of MNN cannot be told; its engine must be as new as its exporter"
        )
    else:
        warnings.append(
            f"the checkout is of MNN {version}: take an engine built from the same sources, not an older one"
        )
    return warnings


def _room_warnings(export: Plan, work: Path) -> list[str]:
    free, wanted = this_machine(work).free_disk_bytes, _ROOM * export.estimate.bytes
    if free >= wanted:
        return []
    return [f"compiling may take {format_bytes(wanted)} in {work.parent}, and {format_bytes(free)} are free"]
