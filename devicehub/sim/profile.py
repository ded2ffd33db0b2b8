"""The phones that a virtual one can play: their data lies in `phones/<name>/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "phones"


@dataclass(frozen=True)
class Profile:
    """One phone's data.

    Attributes:
        name: its folder's name.
        android: the release it plays.
        props: its properties, without those of one instance.
    """

    name: str
    android: int
    props: dict[str, str]
    texts: dict[str, str]

    def files(self, *, serialno: str, boot_id: str) -> dict[str, str]:
        """Its files by path on the phone."""
        props = self.props | {"ro.serialno": serialno, "ro.boot.serialno": serialno}
        files = {f"/dev/__properties__/{name}": value + "\n" for name, value in props.items()}
        files["/dev/__properties__/.dump"] = "".join(f"[{n}]: [{props[n]}]\n" for n in sorted(props))
        files["/proc/sys/kernel/random/boot_id"] = boot_id + "\n"
        return files | self.texts


def load_profile(name: str, *, android: int | None = None) -> Profile:
    """Read a phone's data; `android` makes it play another release."""
    folder = _FOLDER / name
    props: dict[str, str] = {}
    for line in (folder / "build.prop").read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            props[key] = value
    release = android or int(props["ro.build.version.release"])
    texts = {
        f"/proc/{name}": (folder / name).read_text() for name in ("cpuinfo", "meminfo", "stat", "version")
    }
    return Profile(name, release, props, texts)
