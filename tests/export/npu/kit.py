"""A stand-in for Qualcomm's SDK and for an MNN checkout with its build, laid out as the real ones are."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub.export.flags import parse_overrides
from devicehub.export.machine import Machine
from devicehub.export.npu.plan import NpuPlan, prepare_npu
from devicehub.export.plan import plan_export
from devicehub.export.source import read_source
from devicehub.profiles.load import load_socs, recipe_file
from devicehub.settings import Home
from tests.export.checkpoints import make_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

STAND_IN: Final = Path(__file__).with_name("stand_in")
HOME: Final = Home(Path("/nowhere"))
_ROOMY: Final = Machine(free_ram_bytes=10**12, free_disk_bytes=10**12, versions={})
_CHECKOUT: Final = {
    "transformers/llm/export": ("llmexport.py", "strange.py"),
    "transformers/llm/export/npu": ("generate_llm_qnn.py", "strange.py"),
    "source/backend/qnn": ("npu_convert.py",),
    "build": ("MNNConvert", "generateIO", "compilefornpu"),
}
_HOST: Final = "x86_64-linux-clang"
_EMPTY: Final = (
    f"lib/{_HOST}/libQnnHtp.so",
    f"lib/{_HOST}/libQnnHtpNetRunExtensions.so",
    "lib/aarch64-android/libQnnHtp.so",
    "lib/aarch64-android/libQnnHtpV75Stub.so",
    "lib/aarch64-android/libQnnSystem.so",
    "lib/hexagon-v75/unsigned/libQnnHtpV75Skel.so",
)


@dataclass(frozen=True)
class Desk:
    """Where one model is made.

    Attributes:
        programs: a folder for PATH, with a clang++.
    """

    source: Path
    sdk: Path
    mnn: Path
    programs: Path
    out: Path
    log: Path

    @property
    def work(self) -> Path:
        return self.out.with_name(f".{self.out.name}.npu")

    def plan(
        self, *words: str, soc: str | None = "SM8650", qnn_sdk: Path | None = None, out: Path | None = None
    ) -> NpuPlan:
        source, recipe = read_source(self.source), recipe_file("npu-qnn", HOME)
        export = plan_export(
            source, "npu-qnn", recipe, parse_overrides(words), machine=_ROOMY, fit_block=False
        )
        return prepare_npu(
            export,
            qnn_sdk=qnn_sdk or self.sdk,
            mnn=self.mnn,
            soc=soc,
            out=out or self.out,
            socs=load_socs(HOME),
            python=sys.executable,
        )

    def environment(self, **over: str) -> Mapping[str, str]:
        return {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}", **over}


def desk_in(folder: Path) -> Desk:
    """The desk that `make_desk` lays out there."""
    return Desk(
        source=folder / "source",
        sdk=folder / "qairt",
        mnn=folder / "MNN",
        programs=folder / "bin",
        out=folder / "models" / "tiny-npu",
        log=folder / "tiny-npu.log",
    )


def make_desk(folder: Path) -> Desk:
    desk = desk_in(folder)
    make_checkpoint(desk.source, tied=False)
    for place, names in _CHECKOUT.items():
        _lay(desk.mnn / place, *names)
    (desk.mnn / "transformers/llm/export/utils").mkdir()
    _write(
        desk.mnn / "include/MNN/MNNDefine.h",
        "#define MNN_VERSION_MAJOR 3\n#define MNN_VERSION_MINOR 6\n#define MNN_VERSION_PATCH 1\n",
    )
    _lay(desk.sdk / "bin" / _HOST, "qnn-model-lib-generator", "qnn-context-binary-generator")
    for name in _EMPTY:
        _write(desk.sdk / name, "")
    _write(desk.sdk / "include/QNN/QnnSdkBuildId.h", '#define QNN_SDK_BUILD_ID "v2.37.0.250724175447"\n')
    _lay(desk.programs, "clang++")
    return desk


def _lay(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(STAND_IN / name, folder)
        (folder / name).chmod(0o755)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
