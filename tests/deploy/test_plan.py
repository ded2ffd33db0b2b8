from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devicehub.deploy.plan import Inventory, PhoneFile, plan_push
from devicehub.manifest import FileEntry, Manifest
from devicehub.units import GIB, MIB


def _entry(path: str, content: str = "a", size: int = 10) -> FileEntry:
    return FileEntry(path=path, size=size, sha256=content, mode=0o644)


def _file(content: str | None = "a", size: int = 10) -> PhoneFile:
    return PhoneFile(size=size, mode=0o644, stamp="1", sha256=content)


def _bundle(*entries: FileEntry) -> Manifest:
    return Manifest(entries)


def test_empty_phone_gets_everything() -> None:
    plan = plan_push(_bundle(_entry("x"), _entry("y", "b", 5)), Inventory())
    assert [entry.path for entry in plan.send] == ["x", "y"]
    assert plan.bytes_to_send == 15
    assert not plan.is_idle


def test_same_size_and_hash_is_skipped() -> None:
    manifest = _bundle(_entry("x"))
    inventory = Inventory(files={"x": _file()}, published_id=manifest.id, published=frozenset({"x"}))
    plan = plan_push(manifest, inventory)
    assert [kept.entry.path for kept in plan.keep] == ["x"]
    assert plan.is_idle


def test_whole_files_without_a_manifest_are_still_published() -> None:
    plan = plan_push(_bundle(_entry("x")), Inventory(files={"x": _file()}))
    assert plan.bytes_to_send == 0
    assert not plan.is_idle


def test_same_size_with_another_or_no_hash_is_sent() -> None:
    for found in (_file("b"), _file(None), _file("a", size=11)):
        assert plan_push(_bundle(_entry("x")), Inventory(files={"x": found})).bytes_to_send == 10


def test_renamed_file_moves_on_the_phone() -> None:
    inventory = Inventory(files={"old": _file()}, published=frozenset({"old"}))
    plan = plan_push(_bundle(_entry("new")), inventory)
    assert [(move.source, move.entry.path) for move in plan.move] == [("old", "new")]
    assert (plan.send, plan.remove) == ((), ())
    assert plan.bytes_kept == 10


def test_one_old_file_serves_one_new_name_only() -> None:
    inventory = Inventory(files={"old": _file()}, published=frozenset({"old"}))
    plan = plan_push(_bundle(_entry("new1"), _entry("new2")), inventory)
    assert (len(plan.move), len(plan.send)) == (1, 1)


def test_what_we_no_longer_list_goes_and_what_others_put_there_stays() -> None:
    inventory = Inventory(
        files={"ours": _file("b"), "theirs": _file("c"), "x": _file()}, published=frozenset({"ours", "x"})
    )
    assert plan_push(_bundle(_entry("x")), inventory).remove == ("ours",)


def test_file_of_others_with_the_right_content_is_not_moved_away() -> None:
    plan = plan_push(_bundle(_entry("x")), Inventory(files={"theirs": _file()}))
    assert (plan.move, len(plan.send)) == ((), 1)


def test_low_space_is_refused_before_the_threshold_of_android() -> None:
    manifest = _bundle(_entry("x", size=100 * MIB))
    assert plan_push(manifest, Inventory(free=GIB + 100 * MIB, capacity=10 * GIB)).fits
    assert not plan_push(manifest, Inventory(free=GIB + 99 * MIB, capacity=10 * GIB)).fits
    # 5 % of a big phone are more than 1 GiB.
    assert not plan_push(manifest, Inventory(free=12 * GIB, capacity=240 * GIB)).fits
    assert plan_push(manifest, Inventory(free=100 * MIB, capacity=240 * GIB), keep_free=False).fits
    assert plan_push(manifest, Inventory(free=None)).fits


def test_full_phone_that_needs_nothing_is_no_problem() -> None:
    manifest = _bundle(_entry("x"))
    assert plan_push(manifest, Inventory(files={"x": _file()}, free=0, capacity=GIB)).fits


def test_leftovers_count_as_free_since_they_go_first() -> None:
    manifest = _bundle(_entry("x", size=100 * MIB))
    plan = plan_push(manifest, Inventory(free=GIB, capacity=GIB, leftovers={"part": 100 * MIB}))
    assert plan.fits
    assert plan.leftovers == ("part",)


_names = st.sampled_from("abcde")
_contents = st.sampled_from(["1", "2", "3"])


@given(
    st.dictionaries(_names, _contents, min_size=1),
    st.dictionaries(_names, st.one_of(st.none(), _contents)),
    st.frozensets(_names),
)
def test_carrying_out_any_plan_gives_the_bundle(
    wanted: dict[str, str], there: dict[str, str | None], published: frozenset[str]
) -> None:
    manifest = _bundle(*(_entry(path, content) for path, content in sorted(wanted.items())))
    inventory = Inventory(
        files={path: _file(content) for path, content in there.items()}, published=published
    )
    plan = plan_push(manifest, inventory)
    phone = dict(there)
    for entry in plan.send:
        phone[entry.path] = entry.sha256
    for move in plan.move:
        phone[move.entry.path] = phone.pop(move.source)
    for path in plan.remove:
        del phone[path]
    assert {path: phone.get(path) for path in wanted} == wanted
    assert set(there) - set(wanted) - published <= set(phone)
