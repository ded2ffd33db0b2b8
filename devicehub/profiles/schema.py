"""What the files under profiles/ may hold, one struct per kind; the file's name is the profile's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from devicehub.profiles.device_file import DeviceFile
from devicehub.profiles.engine_file import EngineFile
from devicehub.profiles.recipes import RecipeFile
from devicehub.profiles.run_file import RunFile

if TYPE_CHECKING:
    from collections.abc import Iterator

Vendor = Literal["qualcomm", "mediatek", "samsung", "google", "hisilicon", "unisoc", "intel", "unknown"]


KernelId = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Cluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cores of one kind that share a clock.

    Attributes:
        core: the design, as in `Cortex-A720`.
    """

    cores: Annotated[int, msgspec.Meta(ge=1, le=64)]
    core: str | None = None
    max_khz: Annotated[int, msgspec.Meta(ge=100_000, le=10_000_000)] | None = None


class SocFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One SoC: `socs/sm8650.toml`.

    Attributes:
        model: the vendor's part number; absent where the vendor gives none that phones print.
        names: what it is sold as; several where one part number is sold under several names.
        platforms: what `ro.board.platform` and its like print on phones with it, in lower case.
        platform_decides: whether a platform name that is this part number means this SoC, although phones
            with another print it too; false where those are about as many.
        aliases: other part numbers of the same chip.
        kernel_soc_ids: Qualcomm's /sys/devices/soc0/soc_id.
        htp: the architecture of Qualcomm's tensor processor, as in `v75`; absent where there is none.
        qnn_soc_id: the number by which Qualcomm's QNN tools know it.
        memory_gb_s: the most that its memory can give, in decimal gigabytes per second: of the fastest kind
            that it takes, clock x 2 x width / 8.
        unverified: the keys whose values are general knowledge, seen in no source.
        sources: key: where its value was seen.
    """

    vendor: Vendor
    model: str | None = None
    names: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    platform_decides: bool = True
    aliases: tuple[str, ...] = ()
    kernel_soc_ids: tuple[KernelId, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    gpu: str | None = None
    npu: str | None = None
    htp: Annotated[str, msgspec.Meta(pattern=r"^v\d\d$")] | None = None
    qnn_soc_id: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    memory_gb_s: Annotated[float, msgspec.Meta(gt=0, le=2000)] | None = None
    unverified: tuple[str, ...] = ()
    sources: dict[str, str] = {}

    def problems(self, file_id: str) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        if self.model is not None and self.model.replace(" ", "-").lower() != file_id:
            yield "model", f"the file is named {file_id}, not {self.model.replace(' ', '-').lower()}"
        if any(name != name.lower() for name in self.platforms):
            yield "platforms", "platform names are written in lower case"
        facts = [key for key in _SOC_FACTS if getattr(self, key)]
        for key in facts:
            if (key in self.sources) == (key in self.unverified):
                yield key, "needs either a line in [sources] or its name in `unverified`"
        for where, keys in (("unverified", self.unverified), ("sources", self.sources)):
            for key in keys:
                if key not in facts:
                    yield where, f"`{key}` is not a fact that this file holds"


_SOC_FACTS: Final = tuple(
    key
    for key in SocFile.__struct_fields__
    if key not in ("vendor", "model", "platform_decides", "unverified", "sources")
)


class GateSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a phone must be before a measured launch.

    Attributes:
        temp_c: the zone's temperature at most.
        zone: skin (the battery where a phone tells none), battery, cpu, gpu, or the type of one thermal zone.
        cap_s: for how long a launch waits; then it is made all the same, and flagged.
    """

    temp_c: Annotated[float, msgspec.Meta(ge=-20, le=120)] = 35.0
    zone: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "skin"
    cap_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 600


MOST_LAUNCHES: Final = 40
"""Measured ones of a run."""


class ProtocolFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a figure is made: `protocols/standard.toml`.

    Attributes:
        prompt_tokens: of workload bench; so are decode_tokens and repeats.
        repeats: within one launch; the launch is what is counted.
        warmups: launches before, whose figures do not count.
        launches: measured ones; of a comparison: for each of the two.
        gate: before each measured launch; absent is no gate.
        steady: ask the phone for clocks that it can hold.
        load: of workload bench: time the loading as well, by three more loads in each launch.
    """

    summary: Annotated[str, msgspec.Meta(min_length=1)]
    workload: Literal["demo", "bench", "app"]
    prompt_tokens: Annotated[int, msgspec.Meta(ge=0)] = 512
    decode_tokens: Annotated[int, msgspec.Meta(ge=0)] = 128
    repeats: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    warmups: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    launches: Annotated[int, msgspec.Meta(ge=1, le=MOST_LAUNCHES)] = 6
    gate: GateSpec | None = None
    steady: bool = False
    load: bool = False

    def problems(self, file_id: str) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        if self.load and self.workload != "bench":
            yield "load", "only llm_bench has to be asked for it; llm_demo and the app tell it anyway"
        if self.workload == "bench" and not self.prompt_tokens and not self.decode_tokens:
            yield "prompt_tokens", "and decode_tokens are both 0: nothing would be measured"


ProfileFile = SocFile | RunFile | ProtocolFile | RecipeFile | EngineFile | DeviceFile
KINDS: Final[dict[str, type[ProfileFile]]] = {
    "devices": DeviceFile,
    "engines": EngineFile,
    "protocols": ProtocolFile,
    "recipes": RecipeFile,
    "runs": RunFile,
    "socs": SocFile,
}
"""Folder under profiles/: what its files hold."""
