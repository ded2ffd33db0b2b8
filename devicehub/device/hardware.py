"""What a phone's SoC is made of, as far as sources tell: big cores, kind of GPU, speed of the memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from devicehub.device.parts import find_part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.android.cpufreq import Clocks
    from devicehub.device.soc import SocFacts
    from devicehub.profiles.match import Soc, SocBook
    from devicehub.profiles.schema import Cluster

GpuFamily = Literal["adreno", "mali", "xclipse", "powervr", "other"]
"""Mali stands for Immortalis too: one driver."""

# Designs that a chip has beside bigger ones.
_LITTLE: Final = re.compile(r"Cortex-A(?:7|35|53|55|510|520)$")
_BIG_FROM: Final = 0.7
"""Of the fastest core's clock: Dimensity 9300 and Snapdragon 8s Gen 4 have slow cores of a big design."""
_GPUS: Final[dict[str, GpuFamily]] = {
    "adreno": "adreno",
    "mali": "mali",
    "immortalis": "mali",
    "xclipse": "xclipse",
    "powervr": "powervr",
}


@dataclass(frozen=True)
class Hardware:
    """What is known of a SoC; None is unknown.

    Attributes:
        big_cores: those that gain by threads of a run; hearsay is good enough to propose a number.
        memory_gb_s: the most that its memory gives, decimal; only where a source vouches for it.
        hearsay: which of these rest on general knowledge alone.
    """

    cores: int | None = None
    big_cores: int | None = None
    gpu_family: GpuFamily | None = None
    memory_gb_s: float | None = None
    hearsay: tuple[str, ...] = ()


def hardware_of(soc: SocFacts, socs: SocBook) -> Hardware:
    """What the profile of a phone's SoC tells; all unknown where its model is."""
    family = gpu_family(soc.gpu)
    known = known_soc(soc, socs)
    if known is None:
        return Hardware(gpu_family=family)
    facts = known.facts
    hearsay = [] if known.verified("gpu") or family is None else ["gpu_family"]
    if facts.clusters and not known.verified("clusters"):
        hearsay += ["cores", "big_cores"]
    return Hardware(
        cores=sum(cluster.cores for cluster in facts.clusters) or None,
        big_cores=big_cores(facts.clusters),
        gpu_family=family,
        memory_gb_s=facts.memory_gb_s if known.verified("memory_gb_s") else None,
        hearsay=tuple(hearsay),
    )


def with_clocks(known: Hardware, clusters: Mapping[str, Clocks]) -> Hardware:
    """The same, its cores by their clocks where no profile tells them."""
    if known.big_cores is not None:
        return known
    kinds = [
        (count, clocks.most_khz)
        for clocks in clusters.values()
        if (count := count_cpus(clocks.cpus)) and clocks.most_khz is not None
    ]
    if not kinds or len(kinds) < len(clusters):
        return known
    fastest = max(khz for _, khz in kinds)
    big = sum(count for count, khz in kinds if khz >= fastest * _BIG_FROM)
    return replace(known, cores=sum(count for count, _ in kinds), big_cores=big)


def count_cpus(text: str | None) -> int | None:
    """How many CPUs the kernel's list `0-3,7` names; None where there is none."""
    if text is None:
        return None
    ends = [part.partition("-") for part in text.split(",")]
    return sum(int(last or first) - int(first) + 1 for first, _, last in ends)


def known_soc(soc: SocFacts, socs: SocBook) -> Soc | None:
    """The profile of a phone's SoC; None where the model is unknown, or no profile describes it."""
    if soc.model is None:
        return _by_name(soc, socs)
    part = find_part(soc.model)
    ids = {soc.model.replace(" ", "-").lower(), *([part.id, part.full.lower()] if part else [])}
    found = {known.id: known for id_ in sorted(ids) for known in socs.named(id_)}
    exact = [
        known
        for known in found.values()
        if known.id in ids or any(alias.lower() in ids for alias in known.facts.aliases)
    ]
    return exact[0] if len(exact) == 1 else None


def _by_name(soc: SocFacts, socs: SocBook) -> Soc | None:
    """The SoC without a part number: Google prints none on phones since the Tensor G3."""
    if soc.vendor != "google" or soc.name is None:
        return None
    found = [known for id_ in ("zuma", "zumapro", "laguna") for known in socs.named(id_)]
    return next((known for known in found if soc.name in known.facts.names), None)


def big_cores(clusters: Sequence[Cluster]) -> int | None:
    """How many cores are neither of a little design nor far slower than the fastest."""
    fastest = max((cluster.max_khz or 0 for cluster in clusters), default=0)
    big = [
        cluster.cores
        for cluster in clusters
        if not (cluster.core and _LITTLE.match(cluster.core))
        and (cluster.max_khz is None or cluster.max_khz >= fastest * _BIG_FROM)
    ]
    return (sum(big) or sum(cluster.cores for cluster in clusters)) or None


def gpu_family(gpu: str | None) -> GpuFamily | None:
    """Whose driver a GPU's name stands for; None where there is no name."""
    if gpu is None:
        return None
    return _GPUS.get(re.split(r"[^a-z]", gpu.lower(), maxsplit=1)[0], "other")
