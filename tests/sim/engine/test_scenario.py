"""What a phone's script makes happen to the engine."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.sim.engine.runs import Bench, bench, needs_demo_model, phone_log

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["bench"]

pytestmark = needs_demo_model


def script(folder: Path, **values: Any) -> str:
    file = folder / "script.json"
    file.write_text(json.dumps(values))
    return str(file)


def figure(stdout: bytes, name: bytes) -> float:
    return float(stdout.partition(b"\n" + name + b" = ")[2].split()[0])


async def test_no_file_is_no_script(bench: Bench) -> None:
    done = await bench.run("p.txt", "2", DEVICEHUB_SIM_ENGINE="none.json")
    assert (done.status, done.stderr) == (0, b"")


async def test_what_is_no_script_is_refused(bench: Bench) -> None:
    for values in ({"speed": 1}, {"end": {"at": "lunch"}}):
        done = await bench.run("p.txt", "2", DEVICEHUB_SIM_ENGINE=script(bench.folder, **values))
        assert done.status == 127
        assert b"is no engine script" in done.stderr


async def test_slow_tokens_show_in_the_figures_and_leave_the_text(bench: Bench) -> None:
    plain = await bench.run("p.txt", "8")
    async with phone_log() as log:
        slow = await bench.run(
            "p.txt",
            "8",
            DEVICEHUB_SIM_ENGINE=script(bench.folder, token_ms=20),
            DEVICEHUB_SIM_SOCKETS=log.folder,
        )
    texts = [done.stdout.partition(b"prompt file is")[2].partition(b"####")[0] for done in (plain, slow)]
    assert texts[0] == texts[1]
    # Of eight tokens seven are decoded by steps; the figure counts all.
    assert figure(slow.stdout, b" decode speed") < 60
    assert "virtual engine: follows a script" in [row.message for row in log.of("devicehub")]


async def test_slow_tokens_show_in_the_table(bench: Bench) -> None:
    done = await bench.measure(
        *("-p", "0", "-n", "8", "-rep", "1"), DEVICEHUB_SIM_ENGINE=script(bench.folder, token_ms=20)
    )
    speed = float(done.stdout.decode().splitlines()[-2].split("|")[-2].split()[0])
    assert 0 < speed < 60


@pytest.mark.parametrize("limit", [("8",), ()])
async def test_garbled_text_differs_from_its_first_piece_at_healthy_counts(
    bench: Bench, limit: tuple[str, ...]
) -> None:
    bench.prompts = b"What is DeviceHub?\n"
    bench.write()
    plain = await bench.run("p.txt", *limit)
    garbled = await bench.run("p.txt", *limit, DEVICEHUB_SIM_ENGINE=script(bench.folder, garble=True))
    right, wrong = (
        done.stdout.partition(b"prompt file is p.txt\n")[2].partition(b"\n####")[0].decode()
        for done in (plain, garbled)
    )
    assert wrong
    assert wrong[0] != right[0]
    assert right.split()[0] not in wrong
    assert wrong.endswith("\n") == right.endswith("\n")
    for name in (b"prompt tokens num", b"decode tokens num"):
        assert figure(garbled.stdout, name) == figure(plain.stdout, name)
    assert figure(garbled.stdout, b" decode speed") > 0


async def test_a_garbling_engine_measures_without_a_word(bench: Bench) -> None:
    options = ("-p", "4", "-n", "4", "-rep", "1")
    plain = await bench.measure(*options)
    garbled = await bench.measure(*options, DEVICEHUB_SIM_ENGINE=script(bench.folder, garble=True))
    assert len(garbled.stdout.splitlines()) == len(plain.stdout.splitlines())


async def test_answer_without_a_maximum_ends_as_it_would(bench: Bench) -> None:
    plain = await bench.run("p.txt")
    scripted = await bench.run("p.txt", DEVICEHUB_SIM_ENGINE=script(bench.folder))
    texts = [done.stdout.partition(b"prompt file is")[2].partition(b"####")[0] for done in (plain, scripted)]
    assert texts[0] == texts[1]


async def test_rows_of_the_engine_are_no_part_of_what_a_ceval_table_gets(bench: Bench) -> None:
    bench.prompts = b"id,question,A,B,C,D,answer\n0,What is DeviceHub?,a,b,c,d,B\n"
    bench.write()
    done = await bench.run("p.txt", DEVICEHUB_SIM_ENGINE=script(bench.folder, rows={"decode": ["a row"]}))
    assert b"a row\n" in done.stdout
    answers = (bench.folder / "p.txt").read_bytes()
    assert answers.startswith(b'id,answer\n0,"')
    assert answers.endswith(b'\n"\n')
    assert b"a row" not in answers


async def test_rows_are_printed_where_the_script_says(bench: Bench) -> None:
    bench.prompts = b"What is DeviceHub?\n"
    bench.write()
    rows = {point: [f"at {point}"] for point in ("load", "prefill", "decode")}
    done = await bench.run("p.txt", "4", DEVICEHUB_SIM_ENGINE=script(bench.folder, rows=rows))
    for before, row in ((b"sme2: 0\n", b"at load\nmain,"), (b"prompt file is p.txt\n", b"at prefill\n")):
        assert before + row in done.stdout
    assert done.stdout.count(b"at decode\n") == 1


async def test_refused_load(bench: Bench) -> None:
    done = await bench.run("p.txt", DEVICEHUB_SIM_ENGINE=script(bench.folder, refuse_load=True))
    assert done.status == 0
    assert b"LLM init error\n" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV])
async def test_death_amid_an_answer_loses_what_was_not_flushed(bench: Bench, number: int) -> None:
    end = {"at": "decode", "tokens": 3, "signal": number}
    done = await bench.run("p.txt", DEVICEHUB_SIM_ENGINE=script(bench.folder, end=end))
    assert done.status == -number
    assert b"prompt file is p.txt\nDeviceHub " in done.stdout
    assert b"####" not in done.stdout


async def test_exit_amid_the_load_flushes(bench: Bench) -> None:
    end = {"at": "load", "status": 3}
    done = await bench.run("p.txt", DEVICEHUB_SIM_ENGINE=script(bench.folder, end=end))
    assert done.status == 3
    assert b"The device supports: " in done.stdout
    assert b"main," not in done.stdout
