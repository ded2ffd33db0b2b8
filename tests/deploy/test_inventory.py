from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devicehub.deploy.inventory import make_published, parse_listing
from devicehub.deploy.plan import PhoneFile
from devicehub.manifest import FileEntry, Manifest

TIMES = "2026-11-22 10:00:01.123456789 +0000 2026-11-22 10:00:02.000000001 +0000"
DF = b"""Filesystem     1K-blocks     Used Available Use% Mounted on
/dev/block/dm-6 113021856 61234876  51655908  55% /data/user/0
"""


def _listing(files: bytes, manifest: bytes = b"", df: bytes = DF) -> bytes:
    return files + b"--- devicehub\n" + manifest + b"\n--- devicehub\n" + df


def test_names_with_bars_spaces_and_line_separators() -> None:
    names = ["a|b c", "é\u2028x", "sub/'q\"$"]
    output = "".join(f"5|600|131 {TIMES}|./{name}\n" for name in names).encode()
    files = parse_listing(_listing(output)).files
    assert list(files) == names
    assert files["a|b c"] == PhoneFile(size=5, mode=0o600, stamp=f"131 {TIMES}")


def test_published_manifest_is_read_back() -> None:
    manifest = Manifest((FileEntry("x", 5, "ab" * 32, 0o644),))
    data = make_published(manifest, {"x": PhoneFile(5, 0o644, "131 t t")})
    listing = parse_listing(_listing(b"", data))
    assert listing.published is not None
    assert listing.published.id == manifest.id
    assert listing.published.files["x"].stamp == "131 t t"


def test_damaged_manifest_counts_as_none() -> None:
    for data in (b"", b"{", b'{"id": 3}', b"\xff\xfe", b"--- devicehub"):
        assert parse_listing(_listing(b"", data)).published is None


def test_space_of_data() -> None:
    listing = parse_listing(_listing(b""))
    assert (listing.capacity, listing.free) == (113021856 * 1024, 51655908 * 1024)


@given(st.binary(max_size=300))
def test_whatever_a_phone_prints_is_no_error(output: bytes) -> None:
    parse_listing(output)
    parse_listing(_listing(output, output, output))
