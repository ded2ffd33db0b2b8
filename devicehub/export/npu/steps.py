"""What is done to make a model for Qualcomm's NPU, as commands that a person could paste. Pure.

::

    export   MNN's own llmexport    the checkpoint      -> WORK/model
    graphs   generate_llm_qnn.py    a copy of it        -> WORK/graphs (its qnn/ and config_qnn.json)
    bind     cp, rm, printf         what phones need    -> WORK/ready

Each step makes one folder anew, so that one which was killed is simply done again.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.export.npu.places import BUILT, CONVERTER, EXPORTER, GENERATOR, HOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from devicehub.export.npu.target import Target
    from devicehub.export.npu.toolkit import Checkout, Sdk

EXPORT: Final = "export"
GRAPHS: Final = "graphs"
BIND: Final = "bind"

MODEL: Final = "model"
READY: Final = "ready"
NPU_CONFIG: Final = "config_qnn.json"
CHUNK: Final = 128
"""Tokens of a prompt that the NPU takes at once; the graphs are made for this many and for one."""
_CPU_GRAPH: Final = ("llm.mnn", "llm.mnn.weight", "llm.mnn.json")
_PLACEHOLDER: Final = "The weights are within qnn/: MNN only wants a file of this name to be there."
_OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
}
_FAMILIES: Final = {
    "qwen2_vl": "Qwen2-VL",
    "qwen2_5_vl": "Qwen2.5-VL",
    "qwen3_vl": "Qwen3-VL",
    "qwen3_vl_moe": "Qwen3-VL",
    "qwen3_5": "Qwen3.5",
    "qwen3_5_moe": "Qwen3.5",
    "qwen3_5_text": "Qwen3.5",
}
"""generate_llm_qnn.py tells families with inputs of their own by words in the path of the model."""


@dataclass(frozen=True)
class Command:
    """A program to run.

    Attributes:
        env: variables over those inherited.
        before: what goes before the inherited value of a search path.
    """

    argv: tuple[str, ...]
    cwd: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    before: tuple[tuple[str, str], ...] = ()

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """The variables that the program gets."""
        joined = {
            name: f"{value}:{inherited[name]}" if inherited.get(name) else value
            for name, value in self.before
        }
        return {**inherited, **dict(self.env), **joined}

    def __str__(self) -> str:
        words = [f"{name}={shlex.quote(value)}" for name, value in self.env]
        words += [f"{name}={shlex.quote(value)}${{{name}:+:${name}}}" for name, value in self.before]
        line = " ".join([*words, shlex.join(self.argv)])
        return line if self.cwd is None else f"(cd {shlex.quote(self.cwd)} && {line})"


@dataclass(frozen=True)
class Step:
    """A part of the work that is done as a whole or again.

    Attributes:
        title: what a person reads.
        commands: in their order.
        inputs: files and folders on which its outcome depends.
        output: the folder that it makes.
    """

    name: str
    title: str
    commands: tuple[Command, ...]
    inputs: tuple[Path, ...]
    output: Path


@dataclass(frozen=True)
class Kit:
    """With what, for what and where the steps are done."""

    sdk: Sdk
    checkout: Checkout
    target: Target
    work: Path
    python: str


def plan_steps(source: Path, model_type: str, options: Sequence[str], kit: Kit) -> tuple[Step, ...]:
    """The steps from a checkpoint to a model that is bound to the target's HTP.

    Args:
        source: the checkpoint's folder.
        model_type: as its config.json says.
        options: of llmexport, without source and destination.
        kit: with what.
    """
    graphs = kit.work / f"{GRAPHS}{_suffix(model_type)}"
    return (_export(source, options, kit), _graphs(graphs, kit), _bind(graphs, kit))


def _suffix(model_type: str) -> str:
    family = _FAMILIES.get(model_type)
    return f"-{family}" if family else ""


def _export(source: Path, options: Sequence[str], kit: Kit) -> Step:
    root, build, work = kit.checkout.root, kit.checkout.build, kit.work
    # A link: llmexport takes a path that holds `bge` or `gte` anywhere for that of an embedding model.
    link, made = work / "source", work / MODEL
    places = ("--mnnconvert", str(build / BUILT[0]), "--path", str(link), "--dst_path", str(made))
    exporter = root / EXPORTER
    commands = (
        Command(("rm", "-rf", str(made))),
        Command(("mkdir", "-p", str(work))),
        Command(("ln", "-sfn", str(source), str(link))),
        # There and not in the checkout: it leaves its log where it runs.
        Command((kit.python, str(exporter), *options, *places), cwd=str(work), env=tuple(_OFFLINE.items())),
    )
    inputs = (source, exporter, exporter.with_name("utils"), build / BUILT[0])
    return Step(EXPORT, "export with MNN's own exporter", commands, inputs, made)


def _graphs(graphs: Path, kit: Kit) -> Step:
    root, build, sdk, work = kit.checkout.root, kit.checkout.build, kit.sdk.root, kit.work
    script = root / GENERATOR
    cache = "tmp"
    argv = (
        *(kit.python, str(script), "--model", graphs.name),
        *("--soc_id", str(kit.target.soc_id), "--dsp_arch", kit.target.htp),
        *("--mnn_path", str(build), "--cache_path", cache, "--chunk_size", str(CHUNK)),
    )
    env = [(name, str(sdk)) for name in ("QNN_SDK_ROOT", "QNN_ROOT", "HEXAGON_SDK_ROOT")]
    before = (
        ("PATH", str(sdk / "bin" / HOST)),
        ("LD_LIBRARY_PATH", str(sdk / "lib" / HOST)),
        ("PYTHONPATH", str(sdk / "lib" / "python")),
    )
    commands = (
        Command(("rm", "-rf", str(graphs), str(work / cache))),
        # By hard links: the script adds to its folder and changes no file in it.
        Command(("cp", "-rl", str(work / MODEL), str(graphs))),
        Command(argv, cwd=str(work), env=(*env, ("PYTHONUNBUFFERED", "1")), before=before),
    )
    tools = tuple(build / name for name in BUILT[1:])
    inputs = (work / MODEL, script, root / CONVERTER, *tools, *kit.sdk.libraries)
    return Step(GRAPHS, f"compile for HTP {kit.target.htp}", commands, inputs, graphs)


def _bind(graphs: Path, kit: Kit) -> Step:
    ready = kit.work / READY
    weights = ready / _CPU_GRAPH[1]
    write = f"printf '%s\\n' {shlex.quote(_PLACEHOLDER)} > {shlex.quote(str(weights))}"
    commands = (
        Command(("rm", "-rf", str(ready))),
        Command(("cp", "-rl", str(graphs), str(ready))),
        # Links of files that the other folders still hold: nothing may be written through them.
        Command(("rm", "-f", *(str(ready / name) for name in _CPU_GRAPH))),
        Command(("cp", "--remove-destination", str(graphs / NPU_CONFIG), str(ready / "config.json"))),
        Command(("sh", "-c", write)),
    )
    return Step(BIND, f"bind it to HTP {kit.target.htp}", commands, (graphs,), ready)
