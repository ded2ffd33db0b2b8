"""Engines for arm64 on virtual phones: where they run, and what is said where they do not."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.server import private_server
from devicehub.demo_model import DEFAULT_PROMPT, demo_model_dir
from devicehub.dispatch.asking import Catalogue
from devicehub.dispatch.engine_probe import judge_probe, probe_engine
from devicehub.dispatch.request import RunRequest
from devicehub.errors import InputError
from devicehub.findings import Severity
from devicehub.hub import open_hub
from devicehub.profiles.load import run_profile
from devicehub.settings import Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.phone import NO_ARM64_PROPERTY, PhoneSpec
from devicehub.workloads.prompts import encode_prompts
from tests.engines.elf_maker import ANDROID_64, make_elf
from tests.sim.conftest import phone_or_skip
from tests.sim.programs import build, need_arm64
from tests.workloads.launches import launch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.hub import Hub
    from devicehub.runs.model import RunRecord
    from devicehub.sim.phone import VirtualPhone

NOT_INSTALLED = "qemu-user is not installed (apt install qemu-user-static)"


class Bench:
    """A confined phone and its hub, with a model that nothing vouches for."""

    def __init__(self, hub: Hub, phone: VirtualPhone, model: Path) -> None:
        self.hub = hub
        self.phone = phone
        self.model = model

    async def run(self, folder: Path) -> RunRecord:
        """One run with the engine in a folder."""
        (device,) = await self.hub.devices()
        request = RunRequest(
            run_id=self.hub.new_run_id(),
            engine=self.hub.engines.add(folder, "foreign"),
            model=self.hub.models.add(self.model),
            profile=run_profile("greedy-repeatable", self.hub.home),
            prompts=encode_prompts(DEFAULT_PROMPT),
        )
        return (await self.hub.run(request, device)).record


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        private_server(home=tmp_path / "adb") as server,
        phone_or_skip(PhoneSpec(mode="confined"), [server.key_path]) as phone,
    ):
        hub = await open_hub(home=Home(tmp_path / "home"), address=server.address)
        await hub.client.connect(phone.address)
        # Another file than the demo's has no fixture, by which a stand-in would be found out.
        model = tmp_path / "model"
        shutil.copytree(demo_model_dir(), model)
        with (model / "llm_config.json").open("a") as file:
            file.write("\n")
        yield Bench(hub, phone, model)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static llm_demo for arm64 that says what a real one does."""
    folder = tmp_path_factory.mktemp("engine")
    program = build(tmp_path_factory.mktemp("build"), name="llm_demo", says=launch("Hello.").decode())
    program.rename(folder / "llm_demo")
    return folder


async def test_a_static_engine_carries_a_run_to_its_figures(bench: Bench, engine: Path) -> None:
    need_arm64(bench.phone)
    record = await bench.run(engine)
    assert (record.state, record.verdict, record.cause) == ("succeeded", "succeeded", None), record
    assert record.virtual
    (one,) = record.launches
    assert one.text == "Hello."
    (counters,) = one.records
    assert (counters.prompt_tokens, counters.decode_tok_s, counters.source) == (40, 10.0, "stdout")


async def test_an_engine_for_bionic_fails_for_want_of_its_loader(bench: Bench, tmp_path: Path) -> None:
    need_arm64(bench.phone)
    folder = tmp_path / "bionic"
    folder.mkdir()
    (folder / "llm_demo").write_bytes(make_elf(interpreter=ANDROID_64, needed=("libc.so",), pie=True))
    (folder / "llm_demo").chmod(0o755)
    record = await bench.run(folder)
    assert (record.state, record.cause) == ("failed", "loader_missing"), record
    (one,) = record.launches
    assert any("/system/bin/linker64" in line for line in one.evidence)


async def test_a_probe_tells_of_a_crash_and_of_a_loader_that_lacks(bench: Bench, tmp_path: Path) -> None:
    need_arm64(bench.phone)
    transport = bench.hub.client.transport(serial=bench.phone.address)
    crashing, bionic = tmp_path / "crashing", tmp_path / "bionic"
    for folder in (crashing, bionic):
        folder.mkdir()
    build(crashing, name="llm_demo", says="config path is ./config.json\n", crashes=True)
    (bionic / "llm_demo").write_bytes(make_elf(interpreter=ANDROID_64, needed=("libc.so",), pie=True))
    found = []
    for folder, name in ((crashing, "crashing"), (bionic, "bionic")):
        probe = await probe_engine(bench.hub.engines.add(folder, name), transport)
        found.append((probe.status, judge_probe(probe, "P1")))
    (status, crash), (_, unlinked) = found
    assert status == 128 + signal.SIGSEGV
    assert crash is not None
    assert (crash.slug, crash.severity) == ("probe_crashed", Severity.ERROR)
    assert unlinked is not None
    assert unlinked.slug == "link_error"
    assert "/system/bin/linker64" in unlinked.why


async def test_a_phone_without_qemu_is_asked_for_none_of_it(bench: Bench, engine: Path) -> None:
    bench.phone.system.set_property(NO_ARM64_PROPERTY, NOT_INSTALLED)
    with pytest.raises(InputError, match=r"apt install qemu-user-static.*engine `virtual`"):
        await bench.run(engine)
    assert not list(bench.phone.root.glob("data/local/tmp/devicehub/engines/*"))


async def test_the_stand_in_stays_the_engine_of_virtual_phones(bench: Bench, engine: Path) -> None:
    (device,) = await bench.hub.devices()
    catalogue = Catalogue(bench.hub.home, bench.hub.models, bench.hub.engines)
    static = bench.hub.engines.add(engine, "static")
    assert catalogue.engine_for(device) == static
    virtual = bench.hub.engines.add(engine_bundle("virtual"), "virtual")
    assert catalogue.engine_for(device) == virtual
    assert catalogue.engine_for(device, "static") == static
