"""The virtual llm_bench as a program: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from devicehub.workloads.llm_bench import BenchReader
from tests.sim.engine.runs import Bench, bench, needs_demo_model, phone_log

__all__ = ["bench"]

pytestmark = needs_demo_model

SMALL = ("-p", "8", "-n", "4", "-rep", "2")


def read(stdout: bytes) -> BenchReader:
    reader = BenchReader()
    for line in stdout.decode().splitlines():
        reader.take(line)
    return reader


async def test_table_of_prefill_and_decoding(bench: Bench) -> None:
    done = await bench.measure(*SMALL)
    assert (done.status, done.stderr) == (0, b"")
    assert done.stdout.endswith(b" |\n\n")
    prefill, decode = read(done.stdout).records
    assert (prefill.test, decode.test) == ("pp8", "tg4")
    assert (prefill.model, prefill.backend, prefill.threads, prefill.precision) == ("model", "CPU", 1, "low")
    assert prefill.prefill_tok_s
    assert decode.decode_tok_s
    weights = (bench.model / "llm.mnn.weight").stat().st_size
    assert prefill.model_size_bytes == pytest.approx(weights, abs=6000)


@pytest.mark.parametrize(
    ("arguments", "test"), [(("-kv", "true"), "prompt=8 decode=4"), (("-n", "0", "-pg", "8,4"), "pp8+tg4")]
)
async def test_decoding_after_the_prompt_tells_both_speeds(
    bench: Bench, arguments: tuple[str, ...], test: str
) -> None:
    done = await bench.measure(
        "-p", "8", "-rep", "1", *(("-n", "4") if "-kv" in arguments else ()), *arguments
    )
    record = read(done.stdout).records[-1]
    assert (record.test, record.prompt_tokens, record.decode_tokens) == (test, 8, 4)
    assert record.prefill_tok_s
    assert record.decode_tok_s
    assert (b"-kv true is deprecated" in done.stderr) == ("-kv" in arguments)


async def test_json_says_what_the_table_says(bench: Bench) -> None:
    done = await bench.measure(*SMALL, "-load", "true", "-kv", "true", "-j")
    document: dict[str, Any] = json.loads((bench.folder / "llm_bench.json").read_bytes())
    [result] = document["results"]
    [record] = read(done.stdout).records
    assert (document["model"], document["backend"], document["threads"]) == ("model", "CPU", 1)
    assert f"{result['prefill_tps']:.2f}" == f"{record.prefill_tok_s:.2f}"
    assert f"{result['decode_tps']:.2f}" == f"{record.decode_tok_s:.2f}"
    assert f"{result['loading_time']:.2f}" == f"{(record.load_ms or 0) / 1000:.2f}"


async def test_table_goes_to_the_end_of_a_file(bench: Bench) -> None:
    (bench.folder / "out.md").write_bytes(b"before\n")
    done = await bench.measure(*SMALL, "-fp", "out.md")
    assert b"|" not in done.stdout
    assert (bench.folder / "out.md").read_bytes().startswith(b"before\n| model ")


async def test_table_to_a_file_that_cannot_be_made_is_a_crash(bench: Bench) -> None:
    done = await bench.measure(*SMALL, "-fp", "none/out.md")
    assert (done.status, done.stdout) == (-signal.SIGSEGV, b"")


async def test_missing_model_is_measured_all_the_same(bench: Bench) -> None:
    done = await bench.measure(*SMALL, config="none/config.json")
    assert done.status == 0
    assert done.stdout.startswith(b"File not exist: none/llm.mnn.weight\n")
    assert b"[Error]: tokenizer file not found: none/tokenizer.txt\n" in done.stdout
    assert b"| none                           | 17179869184.00 GiB | CPU " in done.stdout
    assert done.stderr.startswith(b"Unable to open config file: none/config.json\n")


async def test_backend_that_the_engine_lacks_is_named_all_the_same(bench: Bench) -> None:
    done = await bench.measure(*SMALL, "-a", "opencl")
    assert done.stdout.count(b"Can't Find type=3 backend, use 0 instead\n") == 2
    assert {record.backend for record in read(done.stdout).records} == {"OPENCL"}


async def test_cut_weights_fail_each_time_and_give_figures(bench: Bench) -> None:
    (bench.model / "llm.mnn.weight").write_bytes(b"cut")
    done = await bench.measure(*SMALL)
    assert done.status == 0
    assert b"Create execution error : 12\n" in done.stdout
    assert b"[Error]: onForward returned no outputs. seqLen=8, inDecode=0, inputs=4, moduleKey=(100,0)\n" in (
        done.stdout
    )
    assert len(read(done.stdout).records) == 2


async def test_a_folder_in_place_of_a_file_aborts(bench: Bench) -> None:
    done = await bench.measure(*SMALL, config="model")
    assert (done.status, done.stdout) == (-signal.SIGABRT, b"")
    assert done.stderr.startswith(b"terminate called after throwing an instance of 'std::__ios_failure'\n")


async def test_unknown_argument_is_told_beside_the_usage(bench: Bench) -> None:
    done = await bench.start("llm_bench", "--frob")
    assert (done.status, done.stderr) == (255, b"error: invalid parameter for argument: --frob\n")
    assert done.stdout.startswith(b"usage: llm_bench [options]\n")
    assert done.stdout.endswith(b"\nParse arguments error\n")
    asked = await bench.start("llm_bench", "--help")
    assert asked.status == 0
    assert done.stdout == asked.stdout + b"Parse arguments error\n"


async def test_operators_are_listed_on_demand(bench: Bench) -> None:
    done = await bench.measure("-p", "2", "-n", "0", "-rep", "1", "--profile", MNN_LLM_BENCH_PROFILE_NAME="1")
    title, _, tables = done.stdout.partition(b"\n========== Operator Profile Results ==========\n")
    assert b"pp2" in title
    by_name, _, by_type = tables.partition(b"Sort by time cost !\n")
    assert by_name.startswith(b"Sort by node name !\n")
    assert b"/layers.0/self_attn/q_proj/Linear" in by_name
    shares = [float(line.split(b"\t")[2]) for line in by_type.splitlines()[1:-2]]
    assert shares == sorted(shares)
    assert sum(shares) == pytest.approx(100, abs=0.1)


async def test_logcat_build_keeps_the_table_on_stdout(bench: Bench) -> None:
    async with phone_log() as log:
        done = await bench.measure(
            *SMALL, "-a", "opencl", options=("--logcat",), DEVICEHUB_SIM_SOCKETS=log.folder
        )
    assert {line[:1] for line in done.stdout.splitlines()} == {b"|", b""}
    assert "Can't Find type=3 backend, use 0 instead" in [row.message for row in log.of("MNNJNI")]


async def test_threads_are_limited_and_noted_and_the_table_tells_what_was_asked(bench: Bench) -> None:
    async with phone_log() as log:
        done = await bench.measure(
            "-p", "2", "-n", "0", "-rep", "1", "-t", "4", DEVICEHUB_SIM_SOCKETS=log.folder
        )
    assert [row.message for row in log.of("devicehub")] == [
        "virtual engine: threads asked 1, used 1",
        "virtual engine: threads asked 4, used 1",
    ]
    assert [record.threads for record in read(done.stdout).records] == [1, 4]


async def test_weights_named_by_way_of_the_root_are_found_on_a_portable_phone(bench: Bench) -> None:
    base = bench.folder / "data/models"
    base.mkdir(parents=True)
    bench.model.rename(base / "Tiny")
    work = bench.folder / "data/hub/work/01"
    work.mkdir(parents=True)
    config = {
        **bench.config,
        "base_dir": "/data/models/Tiny/",
        "llm_weight": "../" * 5 + "data/models/Tiny/llm.mnn.weight",
    }
    (work / "config.json").write_text(json.dumps(config))
    done = await bench.measure(*SMALL, config=f"{work}/config.json", DEVICEHUB_SIM_ROOT=str(bench.folder))
    assert b"[Error]" not in done.stdout
    assert read(done.stdout).records[0].model_size_bytes == pytest.approx(1.5e6, rel=0.1)
