from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.files import parse_df, parse_hashes


def test_df_with_error_row_and_broken_line() -> None:
    text = "df: /mnt/x: Permission denied\nFilesystem 1K-blocks Used Available Use% Mounted on\n"
    text += "/dev/block/platform/soc/624000.ufshc/by-name/userdata\n  113021856 61234876 51655908 55% /data\n"
    assert parse_df(text) == (113021856 * 1024, 51655908 * 1024)


def test_df_that_tells_nothing() -> None:
    assert parse_df("df: not found") == (None, None)
    assert parse_df(f"/dev/block {'9' * 5000} 1 1 1% /data") == (None, None)


def test_hashes_with_gnu_escapes_and_errors() -> None:
    digest = "ab" * 32
    output = f"{digest}  ./a b\n\\{digest}  ./back\\\\slash\nsha256sum: x: No such file\n{digest} *./bin\n"
    assert parse_hashes(output.encode()) == {"a b": digest, "back\\slash": digest, "bin": digest}


@given(st.binary(max_size=300))
def test_whatever_a_phone_prints_is_no_error(output: bytes) -> None:
    parse_hashes(output)
    parse_df(output.decode("utf-8", "surrogateescape"))
