from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.sim.engine.bench_options import parse
from devicehub.workloads.kinds import Place
from devicehub.workloads.llm_bench import BenchOptions, config_for_bench, start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.engine.bench_options import Options

PLACE = Place("/t/engines/e1", "/t/models/Tiny", "/t/hub/work/0123", "/t/hub/runs/r1", "/t/hub/runs/r1/2")


def understood(config: Mapping[str, object], options: BenchOptions | None = None) -> Options:
    """What llm_bench makes of the arguments."""
    launch = start(PLACE, config, options or BenchOptions())
    assert launch.argv[0] == "/t/engines/e1/llm_bench"
    return parse(launch.argv[1:], lambda _: None)


def test_one_configuration_measures_prefill_and_decode_in_one_go() -> None:
    options = understood({})
    [it] = options.configurations()
    assert (it.model, it.prompt, it.generate, it.shared) == ("/t/hub/work/0123/config.json", 512, 128, True)
    assert (it.backend, it.threads, it.precision, it.memory, it.power) == (0, 4, 2, 2, 0)
    assert (it.quant_kv, it.flash_attention, it.dynamic_option) == (0, 1, 0)
    assert options.repeat == [5]


def test_json_goes_to_the_folder_of_the_launch_and_is_fetched() -> None:
    launch = start(PLACE, {}, BenchOptions())
    assert parse(launch.argv[1:], lambda _: None).json_file == "/t/hub/runs/r1/2/llm_bench.json"
    assert launch.result_files == ("llm_bench.json",)


def test_values_of_the_configuration_become_flags() -> None:
    options = understood(
        {
            "backend_type": "opencl",
            "thread_num": "68",
            "precision": "high",
            "memory": "normal",
            "power": "high",
            "dynamic_option": 2,
            "attention_mode": 10,
            "use_mmap": True,
            "sampler_type": "greedy",
        }
    )
    [it] = options.configurations()
    assert (it.backend, it.threads, it.precision, it.memory, it.power) == (3, 68, 1, 0, 1)
    assert (it.dynamic_option, it.quant_kv, it.flash_attention, options.mmap) == (2, 2, 1, True)


@pytest.mark.parametrize(
    ("config", "attention"),
    [
        ({"attention_mode": 8}, (0, 1)),
        ({"attention_mode": 1}, (1, 0)),
        ({"quant_qkv": 4}, (4, 0)),
        ({"quant_qkv": 4, "attention_mode": 9}, (1, 1)),
    ],
)
def test_attention_mode_is_two_flags(config: dict[str, object], attention: tuple[int, int]) -> None:
    [it] = understood(config).configurations()
    assert (it.quant_kv, it.flash_attention) == attention


@pytest.mark.parametrize(("prompt", "decode", "test"), [(64, 0, (64, 0, False)), (0, 16, (0, 16, False))])
def test_one_of_the_two_alone(prompt: int, decode: int, test: tuple[int, int, bool]) -> None:
    options = understood({}, BenchOptions(prompt_tokens=prompt, decode_tokens=decode))
    assert [(it.prompt, it.generate, it.shared) for it in options.configurations()] == [test]


def test_tests_that_are_named_take_the_place_of_the_usual_one() -> None:
    options = understood({}, BenchOptions(extra=("-p", "8,16", "-n", "0")))
    assert [(it.prompt, it.generate, it.shared) for it in options.configurations()] == [
        (8, 0, False),
        (16, 0, False),
    ]


@pytest.mark.parametrize(
    ("config", "options", "said"),
    [
        ({"backend_type": "vulkan"}, BenchOptions(), "would measure the CPU"),
        ({"backend_type": "npu"}, BenchOptions(), "would measure the CPU"),
        ({"attention_mode": 99}, BenchOptions(), "attention_mode: llm_bench has no flag for 99"),
        ({"precision": "half"}, BenchOptions(), "precision: half is not known"),
        ({"thread_num": "many"}, BenchOptions(), "thread_num: many is not a whole number"),
        ({}, BenchOptions(prompt_tokens=0, decode_tokens=0), "are both 0"),
        ({}, BenchOptions(prompt_tokens=-1), "prompt_tokens: -1 is too few"),
        ({}, BenchOptions(repeats=0), "repeats: 0 is too few"),
        ({}, BenchOptions(extra=("-t", "1,2")), "llm_bench -t: the configuration"),
        ({}, BenchOptions(extra=("--frob",)), "llm_bench --frob: .*no such flag"),
    ],
)
def test_what_llm_bench_would_take_for_something_else_is_refused(
    config: dict[str, object], options: BenchOptions, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        start(PLACE, config, options)


@pytest.mark.parametrize("model_dir", ["/t/models/Tiny/", "/a/b/c/d/e/f/Tiny", "/Tiny/"])
def test_weights_are_found_from_the_work_folder_and_from_the_model(model_dir: str) -> None:
    config = config_for_bench({"base_dir": model_dir, "llm_weight": "w.bin", "x": 1}, PLACE.work_dir)
    weights = f"{model_dir.rstrip('/')}/w.bin"
    assert posixpath.normpath(f"{PLACE.work_dir}/{config['llm_weight']}") == weights
    assert posixpath.normpath(f"{model_dir.rstrip('/')}/{config['llm_weight']}") == weights
    assert (config["base_dir"], config["x"]) == (model_dir, 1)


def test_weights_keep_their_usual_name_where_none_is_given() -> None:
    config = config_for_bench({"base_dir": "/t/m/"}, "/t/work/1")
    assert config["llm_weight"] == "../../../t/m/llm.mnn.weight"
