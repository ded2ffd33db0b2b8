"""What a virtual phone's MnnLlmChat is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PACKAGE: Final = "com.alibaba.mnnllm.android"
"""The package of a debug build, and the name space of the classes of every build."""
RELEASE_SUFFIX: Final = ".release"


@dataclass(frozen=True)
class AppSpec:
    """MnnLlmChat on one phone.

    Attributes:
        installed: it is there from the start; else it can be installed.
        debuggable: a debug build, which alone answers dumpapp; release builds have another package name.
        version: its versionName.
        version_code: its versionCode.
        api_key: the key of its API; None for a random one, as the app makes at its first start.
        api_auth: whether the API asks for the key.
        restricted: the phone asks a person before each install over USB, and nobody answers.
    """

    installed: bool = True
    debuggable: bool = True
    version: str = "0.8.3"
    version_code: int = 830
    api_key: str | None = None
    api_auth: bool = True
    restricted: bool = False

    @property
    def package(self) -> str:
        """The package name of the build that is installed from the start."""
        return PACKAGE if self.debuggable else PACKAGE + RELEASE_SUFFIX
