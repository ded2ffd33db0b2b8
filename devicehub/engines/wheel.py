"""The engine in the MNN wheel, for this computer alone: llm_demo, llm_bench and ppl_eval on its library."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import sys
from typing import TYPE_CHECKING, Final

from devicehub.engines.catalog import Engine
from devicehub.engines.features import EngineFeatures
from devicehub.engines.host import host_abi
from devicehub.errors import InputError
from devicehub.files import publish
from devicehub.manifest import Manifest, unwritable

if TYPE_CHECKING:
    from devicehub.settings import Home

WHEEL: Final = "wheel"
_PROGRAMS: Final = ("llm_bench", "llm_demo", "ppl_eval")


def wheel_engine(home: Home) -> Engine:
    """The wheel's engine, its programs brought into being.

    Raises:
        InputError: no MNN wheel is installed, or this is no computer that it runs on.
    """
    abi = host_abi()
    try:
        version = importlib.metadata.version("MNN")
    except importlib.metadata.PackageNotFoundError:
        version = None
    if abi is None or version is None:
        problem = "needs Linux on x86_64 or aarch64" if abi is None else "is not installed"
        raise InputError("the MNN wheel's engine", problem, remedy="name another engine with --engine")
    folder = home.local / "wheel"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for program in _PROGRAMS:
            publish(folder / program, _script(program), mode=0o700)
    except OSError as error:
        raise unwritable(folder, error) from error
    return Engine(
        id=f"{WHEEL}-{version}",
        name=WHEEL,
        root=folder,
        manifest=Manifest(()),
        executables=_PROGRAMS,
        features=EngineFeatures(abi=abi, logcat=False, version=version),
        origin="the MNN wheel",
    )


def _script(program: str) -> str:
    # A computer grants all of its cores; a virtual phone, whose engine this is as well, grants few.
    argv = [sys.executable, "-P", "-B", "-m", "devicehub.sim.engine", program]
    return f'#!/bin/sh\nDEVICEHUB_SIM_THREADS={os.cpu_count() or 1} exec {shlex.join(argv)} "$@"\n'
