"""Pushes to a virtual phone over a real adb server."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.sync import Sync
from devicehub.deploy.carry import carry_out
from devicehub.deploy.holding import read_holdings
from devicehub.deploy.inventory import read_inventory
from devicehub.deploy.plan import plan_push
from devicehub.errors import DeployError, DeviceGone, HashMismatch, NoSpace
from devicehub.manifest import Manifest, build_manifest, list_files
from devicehub.sim.phone import PhoneSpec

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.deploy.carry import PushOutcome
    from devicehub.deploy.plan import PushPlan
    from tests.deploy.conftest import OnePhone

TARGET = "/data/local/tmp/mnn_models/tiny model's"
BIG = 200_000_000


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "sub").mkdir(parents=True)
    (folder / "a b'\"$(id) 模型").write_bytes(b"hello")
    (folder / "config.json").write_bytes(b"{}")
    (folder / "empty").write_bytes(b"")
    (folder / "sub" / "llm_demo").write_bytes(b"#!/system/bin/sh\n")
    (folder / "sub" / "llm_demo").chmod(0o755)
    return folder


def _manifest(folder: Path) -> Manifest:
    return build_manifest(folder, list_files(folder))


async def _plan(phone: OnePhone, folder: Path) -> PushPlan:
    manifest = _manifest(folder)
    return plan_push(manifest, await read_inventory(phone.transport, TARGET, manifest))


async def _push(phone: OnePhone, folder: Path, **options: Any) -> PushOutcome:
    plan = await _plan(phone, folder)
    return await carry_out(plan, phone.transport, root=folder, target_dir=TARGET, **options)


async def _files(phone: OnePhone) -> dict[str, str]:
    """Path: SHA-256 of every file in the target, hidden ones included."""
    lines = (
        await phone.run(f'cd "{TARGET}" 2>/dev/null && find . -type f -exec sha256sum {{}} +')
    ).splitlines()
    return {line.split("  ", 1)[1][2:]: line.split("  ", 1)[0] for line in lines}


def _expected(folder: Path) -> dict[str, str]:
    return {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in list_files(folder)}


def _visible(files: dict[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in files.items() if not path.startswith(".devicehub")}


@pytest.mark.parametrize(
    "phone",
    [PhoneSpec(), PhoneSpec(android=8), PhoneSpec(mode="portable")],
    indirect=True,
    ids=["today", "android-8", "portable"],
)
async def test_push_then_push_again_then_one_changed(phone: OnePhone, bundle: Path) -> None:
    seen: list[int] = []
    first = await _push(phone, bundle, progress=seen.append)
    assert _visible(await _files(phone)) == _expected(bundle)
    assert (first.files_sent, first.files_skipped) == (4, 0)
    assert first.bytes_sent == sum(seen) == _manifest(bundle).size
    plan = await _plan(phone, bundle)
    assert plan.is_idle
    again = await carry_out(plan, phone.transport, root=bundle, target_dir=TARGET)
    assert (again.bytes_sent, again.files_skipped) == (0, 4)
    (bundle / "config.json").write_bytes(b'{"a":1}')
    third = await _push(phone, bundle)
    assert (third.files_sent, third.files_skipped, third.bytes_sent) == (1, 3, 7)
    assert _visible(await _files(phone)) == _expected(bundle)


async def test_models_are_open_to_apps_and_engines_are_not(phone: OnePhone, bundle: Path) -> None:
    look = f"cd \"{TARGET}\" && stat -c '%a %n' . sub sub/llm_demo config.json .devicehub-manifest.json"
    await _push(phone, bundle, world_readable=True)
    open_modes = [line.split()[0] for line in (await phone.run(look)).splitlines()]
    assert open_modes == ["755", "755", "755", "644", "644"]
    await _push(phone, bundle)
    closed_modes = [line.split()[0] for line in (await phone.run(look)).splitlines()]
    assert closed_modes == ["700", "700", "700", "600", "600"]
    assert (await _plan(phone, bundle)).is_idle


async def test_overwrite_on_the_phone_with_old_size_and_time_is_repaired(
    phone: OnePhone, bundle: Path
) -> None:
    await _push(phone, bundle)
    await phone.run(
        f'cd "{TARGET}" && touch -r config.json /data/local/tmp/ref && printf "[]" > config.json '
        "&& touch -r /data/local/tmp/ref config.json"
    )
    plan = await _plan(phone, bundle)
    assert [entry.path for entry in plan.send] == ["config.json"]
    await carry_out(plan, phone.transport, root=bundle, target_dir=TARGET)
    assert _visible(await _files(phone)) == _expected(bundle)


async def test_files_that_somebody_else_pushed_are_taken_as_they_are(phone: OnePhone, bundle: Path) -> None:
    await _push(phone, bundle)
    await phone.run(f'rm "{TARGET}/.devicehub-manifest.json"')
    outcome = await _push(phone, bundle)
    assert (outcome.bytes_sent, outcome.files_skipped) == (0, 4)
    assert (await _plan(phone, bundle)).is_idle


async def test_renamed_and_removed_files(phone: OnePhone, bundle: Path) -> None:
    await _push(phone, bundle)
    await phone.run(f'echo mine > "{TARGET}/notes.txt"')
    (bundle / "config.json").rename(bundle / "sub" / "renamed.json")
    (bundle / "empty").unlink()
    outcome = await _push(phone, bundle)
    assert outcome.bytes_sent == 0
    files = _visible(await _files(phone))
    assert "notes.txt" in files
    del files["notes.txt"]
    assert files == _expected(bundle)


class _UnderWay:
    """A progress callback that tells when the big file is being sent, long before it is through."""

    def __init__(self) -> None:
        self._total = 0
        self.reached = asyncio.Event()

    def __call__(self, size: int) -> None:
        self._total += size
        if self._total > BIG // 100:
            self.reached.set()


def _write_big(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(BIG)


async def test_cut_in_the_middle_leaves_no_final_name_and_the_next_push_cleans_up(
    phone: OnePhone, bundle: Path
) -> None:
    _write_big(bundle / "z.weight")
    under_way = _UnderWay()

    async def pull_the_cable() -> None:
        await under_way.reached.wait()
        await phone.client.disconnect(phone.address)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pull_the_cable())
        with pytest.raises(DeviceGone) as caught:
            await _push(phone, bundle, progress=under_way)
    assert caught.value.sent is not None
    assert caught.value.size is not None
    assert 0 < caught.value.sent <= caught.value.size
    assert caught.value.size > BIG
    await phone.client.connect(phone.address)
    assert _visible(await _files(phone)) == {}
    (bundle / "z.weight").write_bytes(b"small")
    plan = await _plan(phone, bundle)
    assert plan.leftovers  # the files before the big one, whole, under temporary names
    await carry_out(plan, phone.transport, root=bundle, target_dir=TARGET)
    assert set(await _files(phone)) == {*_expected(bundle), ".devicehub-manifest.json"}


async def test_cancelled_push_removes_what_it_sent(phone: OnePhone, bundle: Path) -> None:
    _write_big(bundle / "z.weight")
    under_way = _UnderWay()
    push = asyncio.ensure_future(_push(phone, bundle, progress=under_way))
    await under_way.reached.wait()
    push.cancel()
    with pytest.raises(asyncio.CancelledError):
        await push
    assert await _files(phone) == {}


async def test_file_that_changed_since_it_was_hashed_never_gets_its_name(
    phone: OnePhone, bundle: Path
) -> None:
    plan = await _plan(phone, bundle)
    (bundle / "config.json").write_bytes(b"[]")
    with pytest.raises(HashMismatch, match=r"config\.json arrived as"):
        await carry_out(plan, phone.transport, root=bundle, target_dir=TARGET)
    assert await _files(phone) == {}


async def test_old_files_stay_whole_when_the_new_ones_do_not_arrive(phone: OnePhone, bundle: Path) -> None:
    await _push(phone, bundle)
    before = await _files(phone)
    (bundle / "config.json").write_bytes(b"{new}")
    plan = await _plan(phone, bundle)
    (bundle / "config.json").write_bytes(b"{NEW}")
    with pytest.raises(HashMismatch):
        await carry_out(plan, phone.transport, root=bundle, target_dir=TARGET)
    assert await _files(phone) == before


async def test_too_little_space_is_told_before_a_byte_is_sent(phone: OnePhone, bundle: Path) -> None:
    manifest = _manifest(bundle)
    inventory = await read_inventory(phone.transport, TARGET, manifest)
    assert inventory.free is not None
    assert inventory.capacity is not None
    plan = plan_push(manifest, replace(inventory, free=1000))
    with pytest.raises(NoSpace, match=r"1\.0 kB are free"):
        await carry_out(plan, phone.transport, root=bundle, target_dir=TARGET)
    assert await _files(phone) == {}


async def test_phone_that_fills_up_loses_the_parts_only(
    phone: OnePhone, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = Sync.push

    async def push_until_full(self: Sync, local: Path | bytes, remote: str, **options: Any) -> int:
        if remote.endswith("0002"):
            raise NoSpace(serial="phone", path=remote, needed=0)
        return await push(self, local, remote, **options)

    monkeypatch.setattr(Sync, "push", push_until_full)
    with pytest.raises(NoSpace):
        await _push(phone, bundle)
    assert await _files(phone) == {}


async def test_folder_in_the_way_of_a_file(phone: OnePhone, bundle: Path) -> None:
    await phone.run(f'mkdir -p "{TARGET}/config.json"')
    with pytest.raises(DeployError, match=r"config\.json could not get its name"):
        await _push(phone, bundle)
    assert ".devicehub-manifest.json" not in await _files(phone)


async def test_thousands_of_names_need_no_longer_command_line(phone: OnePhone, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(300):
        (folder / f"{index:04d}-{'x' * 240}").write_bytes(b"%d" % index)
    outcome = await _push(phone, folder)
    assert outcome.files_sent == 300
    await phone.run(f'rm "{TARGET}/.devicehub-manifest.json"')
    assert (await _push(phone, folder)).files_skipped == 300


async def test_phone_tells_which_models_it_holds(phone: OnePhone, bundle: Path) -> None:
    assert await read_holdings(phone.transport) == {}
    await _push(phone, bundle)
    await phone.run(
        "mkdir -p /data/local/tmp/mnn_models/foreign && echo x > /data/local/tmp/mnn_models/foreign/a"
    )
    assert await read_holdings(phone.transport) == {"tiny model's": _manifest(bundle).id}
