"""llm_bench's command line, read as its C++ reads it."""

from __future__ import annotations

import pytest

from devicehub.sim.engine.bench_options import (
    DEPRECATED,
    BadArgumentError,
    CrashedError,
    Options,
    TerminatedError,
    parse,
)


def options(*arguments: str) -> Options:
    return parse(arguments, lambda _: None)


def named_tests(*arguments: str) -> list[tuple[int, int, bool]]:
    return [(it.prompt, it.generate, it.shared) for it in options(*arguments).configurations()]


def test_defaults() -> None:
    [first, second] = options().configurations()
    assert (first.model, first.threads, first.precision) == ("./Qwen2.5-1.5B-Instruct", 4, 2)
    assert ((first.prompt, first.generate), (second.prompt, second.generate)) == ((512, 0), (0, 128))


def test_lists_multiply_and_threads_go_down() -> None:
    found = options("-t", "1,4,2", "-c", "0,2", "-p", "8", "-n", "0").configurations()
    assert [(it.precision, it.threads) for it in found] == [(0, 4), (0, 2), (0, 1), (2, 4), (2, 2), (2, 1)]


def test_pairs_come_after_single_tests() -> None:
    assert named_tests("-p", "8", "-n", "4", "-pg", "2,1") == [(8, 0, False), (0, 4, False), (2, 1, True)]


def test_kv_true_pairs_each_prompt_with_each_answer_and_passes_over_pairs() -> None:
    assert named_tests("-p", "8,0", "-n", "4,2", "-kv", "true", "-pg", "2,1") == [(8, 4, True), (8, 2, True)]


def test_kv_true_is_warned_of_before_a_later_argument_is_refused() -> None:
    said: list[str] = []
    with pytest.raises(BadArgumentError, match="--frob"):
        parse(["-kv", "true", "--frob"], said.append)
    assert said == [DEPRECATED]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,2", [1, 2]),
        ("x", [0]),
        (" 7z", [7]),
        ("1,,2,", [1, 0, 2]),
        ("99999999999", [2**31 - 1]),
        ("", [128]),
    ],
)
def test_numbers_are_what_a_stream_makes_of_them(text: str, numbers: list[int]) -> None:
    assert options("-n", text).generate == numbers


def test_model_ends_at_white_space() -> None:
    assert options("-m", "my model/config.json,b/config.json").model == ["my", "b/config.json"]


def test_unknown_backend_is_the_cpu() -> None:
    assert options("-a", "vulkan,opencl,hexagon").backends == [0, 3, 10]


def test_json_file_has_a_name_of_its_own_unless_one_is_given() -> None:
    assert options("-j").json_file == "llm_bench.json"
    assert options("-j", "-t", "1").json_file == "llm_bench.json"
    assert options("-j", "a b.json").json_file == "a b.json"


def test_underscores_of_long_names_are_dashes() -> None:
    assert options("--n_prompt", "3").prompt == [3]


def test_quant_attention_under_its_older_name() -> None:
    assert options("-qatten", "2").quant_kv == options("-qa", "2").quant_kv == [2]


@pytest.mark.parametrize("arguments", [("-p",), ("frob",), ("-pg", "4"), ("-pg", "1,2,3")])
def test_arguments_that_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(BadArgumentError, match=arguments[0]):
        options(*arguments)


def test_pair_that_is_no_number_is_an_exception_of_the_library() -> None:
    with pytest.raises(TerminatedError, match="std::invalid_argument"):
        options("-pg", "x,1")
    with pytest.raises(TerminatedError, match="std::out_of_range"):
        options("-pg", "1,99999999999")


@pytest.mark.parametrize("name", ["-mmp", "-kv", "-fp", "-load"])
def test_empty_value_is_read_without_looking(name: str) -> None:
    with pytest.raises(CrashedError):
        options(name, "")
