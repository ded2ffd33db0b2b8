from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.errors import InputError
from devicehub.workloads.media import check_media, count_kinds, find_tags, phone_name, rewrite

BOTH = {"is_visual": True, "is_audio": True}


def paths(prompts: bytes) -> list[tuple[str, str]]:
    return [(tag.kind, tag.path) for tag in find_tags(prompts)]


def test_a_picture_with_a_size_and_a_sound_in_two_prompts() -> None:
    prompts = b"<img><hw>280, 420</hw>a b.png</img>What is it?\nHear: <audio>/tmp/x.wav</audio>\n"
    assert paths(prompts) == [("img", "a b.png"), ("audio", "/tmp/x.wav")]
    assert count_kinds(find_tags(prompts)) == {"img": 1, "audio": 1}


@pytest.mark.parametrize(
    "text", [b"<img>a.png", b"<img>a.png</audio>", b"<img>a\n.png</img>", b"a <b>img</b>", b"<IMG>a</IMG>"]
)
def test_what_only_looks_like_a_tag_is_text(text: bytes) -> None:
    assert find_tags(text) == []
    assert rewrite(text, {"a.png": "/x"}) == text


def test_every_other_byte_stays() -> None:
    prompts = "ä <img>bild ü.png</img> 'q' $(x) \\ <img>other.png</img>\n".encode()
    found = rewrite(prompts, {"bild ü.png": "/data/r/img-1.png"})
    assert found == "ä <img>/data/r/img-1.png</img> 'q' $(x) \\ <img>other.png</img>\n".encode()


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_around_a_tag_are_touched(before: bytes, after: bytes) -> None:
    prompts = before.replace(b"<", b"") + b"<img>p.png</img>" + after.replace(b"<", b"")
    assert rewrite(prompts, {"p.png": "/q"}) == prompts.replace(b"p.png", b"/q", 1) or b"p.png" in before


def test_a_url_is_left_to_the_engine() -> None:
    (tag,) = find_tags(b"<img>https://example.org/a.png</img>")
    assert tag.is_url


@pytest.mark.parametrize(
    ("path", "suffix"),
    [("a.png", ".png"), ("/x.y/plain", ""), ("odd.p n g", ".p"), ("-rf.jpeg", ".jpeg"), ("a.tar.gz", ".gz")],
)
def test_a_name_on_the_phone_says_kind_and_content(path: str, suffix: str) -> None:
    (tag,) = find_tags(f"<img>{path}</img>".encode())
    name = phone_name(tag, b"content")
    assert name.startswith("img-")
    assert name == phone_name(tag, b"content") != phone_name(tag, b"other")
    assert name.partition("-")[2][16:] == suffix


def test_a_model_that_reads_no_pictures_is_refused() -> None:
    tags = find_tags(b"<img>a.png</img>")
    with pytest.raises(InputError, match="model m: reads no pictures"):
        check_media(tags, llm_config={"is_audio": True}, omni=None, model="m", engine="e")


def test_an_engine_that_was_built_without_media_is_refused_and_an_unknown_one_is_not() -> None:
    tags = find_tags(b"<audio>a.wav</audio>")
    with pytest.raises(InputError, match="engine e: was built without media"):
        check_media(tags, llm_config=BOTH, omni=False, model="m", engine="e")
    check_media(tags, llm_config=BOTH, omni=None, model="m", engine="e")
