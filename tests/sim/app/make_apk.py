"""Makes APKs that a virtual phone installs: a manifest in Android's binary XML, a marker for a signature.

It is a zip with `AndroidManifest.xml`, `META-INF/CERT.RSA` (whose bytes stand for a signer: no real phone
takes them), an empty `classes.dex`, and one `lib/<abi>/libmnnllmapp.so` per ABI. Run as
`python -m tests.sim.app.make_apk FILE` it writes a debug build of MnnLlmChat.
"""

from __future__ import annotations

import struct
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_ANDROID: Final = "http://schemas.android.com/apk/res/android"
_NONE: Final = 0xFFFFFFFF
# Ids of frameworks/base core/res/public.xml; the strings of attributes come first, in the ids' order.
_IDS: Final = {
    "debuggable": 0x0101000F,
    "minSdkVersion": 0x0101020C,
    "versionCode": 0x0101021B,
    "versionName": 0x0101021C,
    "targetSdkVersion": 0x01010270,
    "testOnly": 0x01010272,
}


@dataclass(frozen=True)
class ApkSpec:
    """What an APK says of itself; `signer` None leaves it unsigned."""

    package: str = "com.alibaba.mnnllm.android"
    version: str = "0.8.3"
    version_code: int = 830
    debuggable: bool = True
    test_only: bool = False
    min_sdk: int = 26
    abis: tuple[str, ...] = ("arm64-v8a",)
    signer: str | None = "debug"
    padding: int = 0
    extra: dict[str, bytes] = field(default_factory=dict)


def make_apk(file: Path, spec: ApkSpec | None = None) -> Path:
    """Write an APK."""
    spec = spec or ApkSpec()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("AndroidManifest.xml", make_manifest(spec))
        archive.writestr("classes.dex", b"dex\n035\0")
        if spec.signer is not None:
            archive.writestr("META-INF/CERT.RSA", f"test signer {spec.signer}")
        for abi in spec.abis:
            archive.writestr(f"lib/{abi}/libmnnllmapp.so", b"\x7fELF" + bytes(spec.padding))
        for name, data in spec.extra.items():
            archive.writestr(name, data)
    return file


def make_manifest(spec: ApkSpec, *, utf8: bool = False) -> bytes:
    """A manifest in binary XML, its strings in UTF-16 unless told otherwise."""
    strings = [*_IDS, "android", _ANDROID, "manifest", "package", "uses-sdk", "application"]
    strings += [spec.package, spec.version]
    flags: dict[str, str | int | bool] = {"debuggable": True} if spec.debuggable else {}
    if spec.test_only:
        flags["testOnly"] = True
    at = strings.index
    version: dict[str, str | int | bool] = {
        "versionCode": spec.version_code,
        "versionName": spec.version,
        "package": spec.package,
    }
    sdks: dict[str, str | int | bool] = {"minSdkVersion": spec.min_sdk, "targetSdkVersion": 35}
    body = _chunk(0x0100, struct.pack("<4I", 1, _NONE, at("android"), at(_ANDROID)), header=16)
    body += (
        _start(strings, "manifest", version) + _start(strings, "uses-sdk", sdks) + _end(strings, "uses-sdk")
    )
    body += _start(strings, "application", flags) + _end(strings, "application") + _end(strings, "manifest")
    body += _chunk(0x0101, struct.pack("<4I", 9, _NONE, at("android"), at(_ANDROID)), header=16)
    ids = _chunk(0x0180, struct.pack(f"<{len(_IDS)}I", *_IDS.values()))
    content = _pool(strings, utf8=utf8) + ids + body
    return struct.pack("<HHI", 0x0003, 8, 8 + len(content)) + content


def _chunk(kind: int, data: bytes, *, header: int = 8) -> bytes:
    return struct.pack("<HHI", kind, header, 8 + len(data)) + data


def _pool(strings: list[str], *, utf8: bool) -> bytes:
    data, offsets = b"", []
    for text in strings:
        offsets.append(len(data))
        raw = text.encode() if utf8 else text.encode("utf-16-le")
        data += (
            bytes((len(text), len(raw))) + raw + b"\0"
            if utf8
            else struct.pack("<H", len(text)) + raw + b"\0\0"
        )
    data += bytes(-len(data) % 4)
    begin = 28 + 4 * len(offsets)
    head = struct.pack("<5I", len(strings), 0, 0x100 if utf8 else 0, begin, 0)
    return _chunk(0x0001, head + struct.pack(f"<{len(offsets)}I", *offsets) + data, header=28)


def _start(strings: list[str], name: str, attributes: dict[str, str | int | bool]) -> bytes:
    rows = b""
    for key, value in attributes.items():
        space = strings.index(_ANDROID) if key in _IDS else _NONE
        if isinstance(value, str):
            raw, kind, number = strings.index(value), 0x03, strings.index(value)
        else:
            raw, kind, number = _NONE, 0x12 if isinstance(value, bool) else 0x10, int(value)
            number = _NONE if value is True else number
        rows += struct.pack("<3IHBBI", space, strings.index(key), raw, 8, 0, kind, number)
    head = struct.pack("<4I6H", 2, _NONE, _NONE, strings.index(name), 20, 20, len(attributes), 0, 0, 0)
    return _chunk(0x0102, head + rows, header=16)


def _end(strings: list[str], name: str) -> bytes:
    return _chunk(0x0103, struct.pack("<4I", 3, _NONE, _NONE, strings.index(name)), header=16)


if __name__ == "__main__":
    make_apk(Path(sys.argv[1]))
