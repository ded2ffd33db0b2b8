from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from devicehub import procs
from devicehub.sim.android import standins

_PROGRAM = Path(standins.__file__)


async def _run(*words: str, stdin: bytes = b"", cwd: Path | None = None) -> procs.Completed:
    argv: list[str | Path] = [sys.executable, "-I", "-S", "-B", _PROGRAM, *words]
    return await procs.run(argv, timeout_s=60, stdin=stdin, cwd=cwd, env=dict(os.environ))


async def test_dd_of_android_8_refuses_conv_and_status(tmp_path: Path) -> None:
    conv = await _run("--old-dd", "dd", "conv=notrunc")
    status = await _run("--old-dd", "dd", "status=none")
    suffix = await _run("--old-dd", "dd", "bs=8M")
    assert (conv.status, conv.stderr) == (1, b"dd: conv option disabled\n")
    assert (status.status, suffix.status) == (1, 1)


async def test_dd_truncates_at_seek_unless_told_not_to(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"abcdefgh")
    done = await _run("dd", f"of={file}", "bs=1", "seek=2", "conv=notrunc", "status=none", stdin=b"XY")
    assert (done.status, done.stderr, file.read_bytes()) == (0, b"", b"abXYefgh")
    await _run("--old-dd", "dd", f"of={file}", "bs=1", "seek=1", stdin=b"Z")
    assert file.read_bytes() == b"aZ"


async def test_dd_skips_and_counts(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(bytes(range(100)))
    done = await _run("dd", f"if={file}", "bs=10", "skip=2", "count=3")
    assert done.stdout == bytes(range(20, 50))
    assert done.stderr.startswith(b"3+0 records in\n3+0 records out\n")


@pytest.mark.parametrize(
    ("words", "stdin", "out"),
    [
        (["a-z", "A-Z"], b"abc", b"ABC"),
        (["-d", "\\r\\n"], b"a\r\nb\n", b"ab"),
        (["-s", " "], b"a   b  c", b"a b c"),
        (["-cd", "[:digit:]"], b"a1b22", b"122"),
        (["\\000", "\\n"], b"a\0b", b"a\nb"),
        (["abc", "x"], b"aabbcc", b"xxxxxx"),
    ],
)
async def test_tr(words: list[str], stdin: bytes, out: bytes) -> None:
    assert (await _run("tr", *words, stdin=stdin)).stdout == out


@pytest.mark.parametrize(
    ("words", "out", "status"),
    [
        (["1", "+", "2", "*", "3"], b"7\n", 0),
        (["(", "1", "+", "2", ")", "*", "3"], b"9\n", 0),
        (["3000000000", "+", "1"], b"3000000001\n", 0),
        (["-7", "/", "2"], b"-3\n", 0),
        (["abc", ":", "a\\(.\\)"], b"b\n", 0),
        (["2", "<", "10"], b"1\n", 0),
        (["a", "=", "b"], b"0\n", 1),
        (["1", "/", "0"], b"", 2),
    ],
)
async def test_expr(words: list[str], out: bytes, status: int) -> None:
    done = await _run("expr", *words)
    assert (done.stdout, done.status) == (out, status)


async def test_diff_and_gzip(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n2\n")
    (tmp_path / "b").write_text("1\n3\n")
    assert (await _run("diff", "-q", "a", "b", cwd=tmp_path)).status == 1
    assert b"-2\n+3\n" in (await _run("diff", "-u", "a", "b", cwd=tmp_path)).stdout
    assert (await _run("gzip", "a", cwd=tmp_path)).status == 0
    assert not (tmp_path / "a").exists()
    assert (await _run("zcat", "a.gz", cwd=tmp_path)).stdout == b"1\n2\n"


async def test_an_unknown_option_ends_with_a_message() -> None:
    done = await _run("tr", "-Z", "a")
    assert (done.status, done.stderr) == (1, b"tr: Unknown option 'Z'\n")
