from __future__ import annotations

import pytest

from devicehub.engines.building.zig_cc import translate


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("-march=armv8.2-a+fp16", "-mcpu=generic+v8_2a+fullfp16"),
        ("-march=armv8.2-a+fp16+dotprod", "-mcpu=generic+v8_2a+fullfp16+dotprod"),
        ("-march=armv8.6-a+bf16+i8mm", "-mcpu=generic+v8_6a+bf16+i8mm"),
        ("-march=armv8-a", "-mcpu=generic+v8a"),
        ("-mtune=x", "-mtune=x"),
        ("-DX=-march=y", "-DX=-march=y"),
    ],
)
def test_march_becomes_mcpu(given: str, taken: str) -> None:
    assert translate("c++", ["-c", given]) == ["c++", "-target", "aarch64-linux-musl", "-c", taken]


def test_other_tools_keep_their_words() -> None:
    assert translate("ar", ["qc", "-march=x", "a.o"]) == ["ar", "qc", "-march=x", "a.o"]
