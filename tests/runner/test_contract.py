from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devicehub.errors import InputError
from devicehub.runner.contract import (
    Command,
    LaunchEnded,
    LaunchExit,
    Limits,
    Piece,
    Positions,
    RunSpec,
    check_file_names,
    check_run_id,
    engine_env,
)
from devicehub.runner.launch_file import encode_launch

ROOT = "/data/local/tmp/devicehub"
COMMAND = Command([f"{ROOT}/engines/e1/llm_demo", "it's $(here)"], cwd=f"{ROOT}/work/w1", env={"A": "b"})
SPEC = RunSpec("r1", [COMMAND])


def of(**changes: Any) -> RunSpec:
    return RunSpec("r1", [replace(COMMAND, **changes)])


def test_launch_quotes_every_foreign_text_and_names_no_root() -> None:
    text = encode_launch(SPEC, ROOT).decode()
    assert ROOT not in text
    assert """launch_1_argv() { "$@" ''"$root"'/engines/e1/llm_demo' 'it'\\''s $(here)'; }""" in text
    assert "'llm_demo:V' 'MNNJNI:V'" in text
    assert text.startswith("launch_contract=3\nlaunch_count=1\n")


def test_a_launch_knows_its_own_folder_by_name_and_no_other() -> None:
    own = f"{ROOT}/runs/r1/1"
    argv = ["x", own, f"{own}/out.json", f"{own}2/x", f"{own}.x", f"-j{own};{own}"]
    text = encode_launch(of(argv=argv), ROOT).decode()
    assert """'x' ''"$launch_dir"'' ''"$launch_dir"'/out.json' """ in text
    assert """''"$root"'/runs/r1/12/x' ''"$root"'/runs/r1/1.x' '-j'"$launch_dir"';'"$launch_dir"''""" in text


def test_launches_have_their_own_definitions_and_share_their_tags() -> None:
    other = Command(["/bin/llm_bench"], cwd="/", result_files=["llm_bench.json"])
    text = encode_launch(RunSpec("r1", [COMMAND, other]), ROOT).decode()
    assert "launch_count=2\n" in text
    assert "launch_2_argv() { \"$@\" '/bin/llm_bench'; }" in text
    assert "'llm_demo:V' 'llm_bench:V' 'MNNJNI:V'" in text


def test_limits_and_the_rate_of_samples_are_numbers_of_the_phones_sh() -> None:
    text = encode_launch(
        replace(SPEC, limits=Limits(wall_s=600, temp_mc=45_000), sample_hz=0.3), ROOT
    ).decode()
    assert (
        "launch_period=3.333\nlimit_wall_s=600\nlimit_temp_mc=45000\nlimit_battery=\nlimit_free_mib=\n"
        in text
    )
    assert "launch_period=1\n" in encode_launch(SPEC, ROOT).decode()
    for bad in (replace(SPEC, limits=Limits(free_mib=2**31)), replace(SPEC, limits=Limits(wall_s=-1))):
        with pytest.raises(InputError, match="can be told to a phone"):
            encode_launch(bad, ROOT)
    for hz in (0.1, 11.0, float("nan")):
        with pytest.raises(InputError, match="sample rate"):
            encode_launch(replace(SPEC, sample_hz=hz), ROOT)


def test_launch_refuses_what_no_command_line_can_hold() -> None:
    with pytest.raises(InputError, match="NUL"):
        encode_launch(of(argv=["a\0b"]), ROOT)
    with pytest.raises(InputError, match="environment variable"):
        encode_launch(of(env={"A;reboot": "1"}), ROOT)
    with pytest.raises(InputError, match="no command"):
        encode_launch(of(argv=[]), ROOT)
    with pytest.raises(InputError, match="result file"):
        encode_launch(of(result_files=["../x"]), ROOT)
    for count in (0, 251):
        with pytest.raises(InputError, match="launches"):
            encode_launch(RunSpec("r1", [COMMAND] * count), ROOT)


@pytest.mark.parametrize("run_id", ["", "..", "-rf", "a/b", "a b", "a\n", "é", "a" * 101])
def test_a_run_id_names_nothing_outside_runs(run_id: str) -> None:
    with pytest.raises(InputError, match="run id"):
        check_run_id(run_id)


@pytest.mark.parametrize("name", ["exit", "launch", "samples", "1", "12", "../x", ".exit.new", "a b"])
def test_launch_files_cannot_stand_where_the_agent_writes(name: str) -> None:
    with pytest.raises(InputError, match="launch file"):
        check_file_names({name: b""})


def test_positions_are_where_the_last_item_ended() -> None:
    place = Positions()
    place = place.after(Piece("stdout", 0, b"abc", 1)).after(Piece("log", 0, b"l", 0))
    assert place == Positions(launch=1, stdout=3, log=1)
    ended = LaunchExit(1, 0, None, 1.0, 2.0, 7, {})
    place = (
        place.after(LaunchEnded(ended)).after(Piece("stderr", 0, b"x", 2)).after(Piece("samples", 0, b"s", 0))
    )
    assert place == Positions(launch=2, stderr=1, log=1, samples=1)


def test_engine_env_never_names_vendor_lib64() -> None:
    env = engine_env("/e")
    assert env["LD_LIBRARY_PATH"] == "/e"
    assert env["ADSP_LIBRARY_PATH"].split(";")[0] == "/e"
    assert "lib64" not in str(env)
