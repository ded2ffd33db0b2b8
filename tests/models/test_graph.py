"""Graphs as MNN stores them: what they say of the weights, whole and in pieces."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from devicehub.demo_model import demo_model_dir
from devicehub.models.graph import Graph, read_graph

MODEL = demo_model_dir()
WHOLE = (MODEL / "llm.mnn").read_bytes()


def test_whole_graph_tells_where_the_weights_end_and_how_many_tokens_there_are() -> None:
    weights = (MODEL / "llm.mnn.weight").stat().st_size
    assert read_graph(WHOLE) == Graph(is_cut=False, weight_end=weights, tokens=1536)


@given(st.integers(min_value=200, max_value=len(WHOLE) - 2))
def test_every_beginning_of_a_graph_is_cut(size: int) -> None:
    assert read_graph(WHOLE[:size]) == Graph(is_cut=True)


@given(st.integers(min_value=0, max_value=len(WHOLE) - 8), st.binary(min_size=1, max_size=8))
def test_graph_with_a_few_other_bytes_ends_nothing(place: int, other: bytes) -> None:
    read_graph(WHOLE[:place] + other + WHOLE[place + len(other) :])


@given(st.binary(max_size=400))
def test_what_is_no_graph_ends_nothing(data: bytes) -> None:
    read_graph(data)


def test_text_is_no_graph() -> None:
    assert read_graph(b"") is None
    assert read_graph(b"graph") is None
    assert read_graph(b"version https://git-lfs.github.com/spec/v1\n" * 9) is None
