"""Finds the SoC profiles that a name stands for: part number, alias, platform or kernel id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.profiles.schema import SocFile


@dataclass(frozen=True)
class Soc:
    """A SoC and what is known of it."""

    id: str
    facts: SocFile

    def verified(self, key: str) -> bool:
        """Whether the value of a key was seen in a source."""
        return key not in self.facts.unverified

    def answers_to(self, name: str) -> bool:
        """Whether the name, in lower case, is its id, an alias, a platform or what it is sold as."""
        return (
            name == self.id
            or name in self.facts.platforms
            or any(name == known.lower() for known in (*self.facts.aliases, *self.facts.names))
        )


class SocBook(Protocol):
    """Where SoCs are looked up."""

    def named(self, name: str) -> Sequence[Soc]:
        """All SoCs that a part number or platform name stands for, whatever its case."""

    def with_kernel_id(self, number: int) -> Sequence[Soc]:
        """The SoCs to which Qualcomm's kernels give this soc_id."""


class SocTable:
    """SoCs that are already in memory."""

    def __init__(self, files: Mapping[str, SocFile]) -> None:
        self._socs = [Soc(id_, facts) for id_, facts in files.items()]

    def named(self, name: str) -> Sequence[Soc]:
        """All SoCs that a part number or platform name stands for, whatever its case."""
        return [soc for soc in self._socs if soc.answers_to(name.lower())]

    def with_kernel_id(self, number: int) -> Sequence[Soc]:
        """The SoCs to which Qualcomm's kernels give this soc_id."""
        return [soc for soc in self._socs if number in soc.facts.kernel_soc_ids]
