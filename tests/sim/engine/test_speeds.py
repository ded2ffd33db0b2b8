"""A phone's script says which engine, model and configuration is how fast."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from devicehub.sim.engine.speeds import Rule, Subject, joined
from tests.sim.engine.runs import Bench, bench, needs_demo_model
from tests.sim.engine.test_scenario import figure, script

__all__ = ["bench"]

SUBJECT = Subject("llm_demo", "virtual-3.6.1", "qwen3-0.6b", {"thread_num": 1, "jinja": {"a": 1, "b": 2}})


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({}, True),
        ({"engine": "virtual-*"}, True),
        ({"engine": "virtual"}, False),
        ({"model": "qwen3-?.6b", "tool": "llm_demo"}, True),
        ({"model": "Qwen3*"}, False),
        ({"tool": "llm_bench"}, False),
        ({"config": {"thread_num": 1}}, True),
        ({"config": {"thread_num": True}}, False),
        ({"config": {"thread_num": 2}}, False),
        ({"config": {"precision": "low"}}, False),
        ({"config": {"jinja": {"b": 2}}}, True),
        ({"config": {"jinja": {"b": 1}}}, False),
        ({"config": {"thread_num": 1}, "engine": "other"}, False),
    ],
)
def test_rule_means_what_all_of_its_words_mean(rule: dict[str, Any], fits: bool) -> None:
    assert msgspec.convert(rule, Rule).fits(SUBJECT) is fits


def test_rules_multiply_and_add_up() -> None:
    rules = [
        Rule(decode=0.5, token_ms=1, memory_mib=3),
        Rule(decode=0.5, prefill=0.1, token_ms=2, garble=True),
    ]
    assert joined(rules) == Rule(decode=0.25, prefill=0.1, token_ms=3, memory_mib=3, garble=True)
    assert joined([]) == Rule()


@needs_demo_model
async def test_real_engine_is_slowed_where_its_configuration_says_so(bench: Bench) -> None:
    rules = [
        {"config": {"thread_num": 1}, "prefill": 0.1, "decode": 0.05},
        {"config": {"thread_num": 2}, "garble": True},
        {"engine": "virtual", "garble": True},
    ]
    plain = await bench.run("p.txt", "8")
    slow = await bench.run("p.txt", "8", DEVICEHUB_SIM_ENGINE=script(bench.folder, rules=rules))
    texts = [done.stdout.partition(b"prompt file is")[2].partition(b"####")[0] for done in (plain, slow)]
    assert texts[0] == texts[1]
    # Another process may have had the core meanwhile, but not for so much of the time.
    assert figure(slow.stdout, b"prefill speed") < 0.4 * figure(plain.stdout, b"prefill speed")
    assert figure(slow.stdout, b" decode speed") < 0.4 * figure(plain.stdout, b" decode speed")

    bench.write(thread_num=2)
    wrong = await bench.run("p.txt", "8", DEVICEHUB_SIM_ENGINE=script(bench.folder, rules=rules))
    assert wrong.stdout.partition(b"prompt file is")[2].partition(b"####")[0] != texts[0]


@needs_demo_model
async def test_engine_is_known_by_the_folder_of_its_libraries(bench: Bench) -> None:
    file = script(bench.folder, rules=[{"engine": "virtual-?.6", "decode": 2}])
    other, meant = [
        await bench.run("p.txt", "1", DEVICEHUB_SIM_ENGINE=file, LD_LIBRARY_PATH=f"/data/engines/{name}:/x")
        for name in ("virtual", "virtual-3.6")
    ]
    assert (other.status, meant.status) == (0, 127)


@needs_demo_model
async def test_real_engine_is_not_made_faster(bench: Bench) -> None:
    done = await bench.run("p.txt", DEVICEHUB_SIM_ENGINE=script(bench.folder, rules=[{"decode": 2}]))
    assert done.status == 127
    assert b"make a real engine faster than it is" in done.stderr


@needs_demo_model
async def test_set_speeds_are_printed_without_inference(bench: Bench) -> None:
    for name in ("llm.mnn", "llm.mnn.weight", "tokenizer.mtok"):
        (bench.model / name).write_bytes(b"nothing to infer with")
    bench.write(thread_num=4)
    bench.folder.joinpath("p.txt").write_text("one two three four\none two three\n")
    rules = [{"model": "model", "config": {"thread_num": 4}, "decode": 2.0}, {"model": "x", "decode": 9.0}]
    known = {"one two three": "Four."}
    speed = {"prefill_tok_s": 400.0, "decode_tok_s": 25.0, "answer": "No inference.", "answers": known}
    file = script(bench.folder, rules=rules, speed=speed)

    told = await bench.run("p.txt", DEVICEHUB_SIM_ENGINE=file)
    assert (told.status, told.stderr) == (0, b"")
    assert b"No inference.\nFour.\n" in told.stdout
    assert figure(told.stdout, b"prefill speed") == 400
    assert figure(told.stdout, b" decode speed") == 50

    table = await bench.measure("-p", "512", "-n", "128", "-kv", "true", DEVICEHUB_SIM_ENGINE=file)
    assert table.status == 0
    assert "400.00 ± 0.00<br>50.00 ± 0.00" in table.stdout.decode()


@needs_demo_model
async def test_noise_moves_each_answer_by_itself(bench: Bench) -> None:
    file = script(bench.folder, speed={"decode_tok_s": 100.0, "noise": 0.05})
    done = await bench.measure(
        "-p", "0", "-n", "64", "-rep", "20", "-j", "out.json", DEVICEHUB_SIM_ENGINE=file
    )
    (result,) = json.loads((bench.folder / "out.json").read_text())["results"]
    assert done.status == 0
    assert 90 < result["tps"] < 110
    assert 1 < result["std"] < 15
