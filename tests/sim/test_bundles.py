"""The packaged virtual engines."""

from __future__ import annotations

import os
import tomllib

import pytest

from devicehub.errors import SimError
from devicehub.sim.bundles import engine_bundle


@pytest.mark.parametrize("tool", ["llm_demo", "llm_bench", "ppl_eval"])
@pytest.mark.parametrize(("name", "logcat"), [("virtual", False), ("virtual-logcat", True)])
def test_bundle_holds_a_script_that_starts_each_tool(name: str, tool: str, *, logcat: bool) -> None:
    folder = engine_bundle(name)
    option = " --logcat" if logcat else ""
    script = (folder / tool).read_text()
    assert script == f'#!/bin/sh\nexec mnn_engine{option} {tool} "$@"\n'
    assert os.access(folder / "llm_demo", os.X_OK)
    facts = tomllib.loads((folder / "engine.toml").read_text())
    assert facts == {"abi": "virtual", "version": "3.6.1", "logcat": logcat}


def test_unknown_bundle_names_those_there_are() -> None:
    with pytest.raises(SimError, match="there are: virtual, virtual-logcat"):
        engine_bundle("real")
