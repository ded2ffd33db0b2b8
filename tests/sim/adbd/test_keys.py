from __future__ import annotations

from typing import TYPE_CHECKING

from adb_shell.auth.sign_pythonrsa import PythonRSASigner

from devicehub.sim.adbd.keys import default_key_files, parse_public_key, read_keys
from tests.sim.adbd.raw_client import make_key, public_half

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = bytes(range(20))


def test_a_signature_verifies_with_its_key_and_no_other(tmp_path: Path) -> None:
    mine, other = make_key(tmp_path, "a"), make_key(tmp_path, "b")
    signature = bytes(PythonRSASigner.FromRSAKeyPath(str(mine)).Sign(TOKEN))
    [key] = read_keys([public_half(mine)])
    [stranger] = read_keys([public_half(other)])
    assert key.verify(TOKEN, signature)
    assert not stranger.verify(TOKEN, signature)
    assert not key.verify(TOKEN[::-1], signature)
    assert not key.verify(TOKEN, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not key.verify(TOKEN, b"")


def test_files_that_hold_no_key_count_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "junk.pub").write_bytes(b"\xff not a key\n\nQUJD someone@host\n")
    assert list(read_keys([tmp_path / "junk.pub", tmp_path / "missing.pub"])) == []


def test_a_cut_key_is_no_key(tmp_path: Path) -> None:
    line = public_half(make_key(tmp_path)).read_bytes()
    assert parse_public_key(line) is not None
    assert parse_public_key(line[:400]) is None
    assert parse_public_key(b"") is None


def test_vendor_keys_name_files_and_folders(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "one.pub").touch()
    environ = {"HOME": str(tmp_path), "ADB_VENDOR_KEYS": f"{folder}:{tmp_path / 'two'}"}
    assert default_key_files(environ) == [
        tmp_path / ".android/adbkey.pub",
        folder / "one.pub",
        tmp_path / "two.pub",
    ]
