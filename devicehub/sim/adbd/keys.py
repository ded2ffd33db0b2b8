"""The public keys that a virtual phone accepts, and the check of adb's signatures.

A line of adbkey.pub is base64 of Android's own structure, then a user name. The structure, little endian::

    u32 modulus size in words (64) · u32 n0inv · 256 bytes modulus · 256 bytes R^2 mod n · u32 exponent

Source: AOSP libcrypto_utils/android_pubkey.cpp.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MODULUS_SIZE: Final = 256
_STRUCT_SIZE: Final = 4 + 4 + _MODULUS_SIZE + _MODULUS_SIZE + 4
_SHA1_PREFIX: Final = bytes.fromhex("3021300906052b0e03021a05000414")
TOKEN_SIZE: Final = 20


@dataclass(frozen=True)
class PublicKey:
    """An RSA key of 2048 bits."""

    modulus: int
    exponent: int

    def verify(self, token: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's PKCS#1 v1.5 signature of `token`, taken as a SHA-1 digest."""
        if len(token) != TOKEN_SIZE or len(signature) != _MODULUS_SIZE:
            return False
        value = pow(int.from_bytes(signature, "big"), self.exponent, self.modulus)
        digest_info = _SHA1_PREFIX + token
        padding = b"\xff" * (_MODULUS_SIZE - len(digest_info) - 3)
        expected = b"\0\1" + padding + b"\0" + digest_info
        return hmac.compare_digest(value.to_bytes(_MODULUS_SIZE, "big"), expected)


def parse_public_key(line: bytes) -> PublicKey | None:
    """Read one line of an adbkey.pub file; None when it is something else."""
    words = line.split()
    if not words:
        return None
    try:
        raw = base64.b64decode(words[0], validate=True)
    except binascii.Error:
        return None
    if len(raw) != _STRUCT_SIZE or struct.unpack_from("<I", raw)[0] != _MODULUS_SIZE // 4:
        return None
    modulus = int.from_bytes(raw[8 : 8 + _MODULUS_SIZE], "little")
    exponent = struct.unpack_from("<I", raw, _STRUCT_SIZE - 4)[0]
    return PublicKey(modulus, exponent) if modulus and exponent else None


def default_key_files(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where this user's adb keeps its keys: ~/.android/adbkey.pub, then what $ADB_VENDOR_KEYS names."""
    base = environ.get("ANDROID_USER_HOME")
    home = Path(base) if base else Path(environ.get("HOME", "~")).expanduser() / ".android"
    files = [home / "adbkey.pub"]
    for entry in filter(None, environ.get("ADB_VENDOR_KEYS", "").split(os.pathsep)):
        path = Path(entry)
        if path.is_dir():
            files.extend(sorted(path.glob("*.pub")))
        else:
            files.append(path if path.suffix == ".pub" else path.with_name(path.name + ".pub"))
    return files


def read_keys(files: Sequence[Path]) -> Iterator[PublicKey]:
    """The keys in these files; files that are missing or hold something else count for nothing."""
    for file in files:
        try:
            lines = file.read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            key = parse_public_key(line)
            if key is not None:
                yield key
