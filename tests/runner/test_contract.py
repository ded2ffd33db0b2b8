from __future__ import annotations

from dataclasses import replace

import pytest

from devicehub.errors import InputError
from devicehub.runner.contract import (
    Exit,
    LaunchSpec,
    check_file_names,
    check_run_id,
    encode_launch,
    engine_env,
    parse_exit,
    parse_fields,
)

ROOT = "/data/local/tmp/devicehub"
SPEC = LaunchSpec(
    "r1", [f"{ROOT}/engines/e1/llm_demo", "it's $(here)"], cwd=f"{ROOT}/work/w1", env={"A": "b"}
)
EXIT = (
    b"contract=1\nstatus=137\ncause=\nstarted=10.50\nended=12.75\n"
    b"workload=4711\nlogcat=143\nlog_wrapped=0\nstdout=5368709120\n"
)


def test_launch_quotes_every_foreign_text_and_names_no_root() -> None:
    text = encode_launch(SPEC, ROOT).decode()
    assert ROOT not in text
    assert """launch_argv() { "$@" ''"$root"'/engines/e1/llm_demo' 'it'\\''s $(here)'; }""" in text
    assert "'llm_demo:V' 'MNNJNI:V'" in text
    assert text.startswith("launch_contract=1\n")


def test_launch_refuses_what_no_command_line_can_hold() -> None:
    with pytest.raises(InputError, match="NUL"):
        encode_launch(replace(SPEC, argv=["a\0b"]), ROOT)
    with pytest.raises(InputError, match="environment variable"):
        encode_launch(replace(SPEC, env={"A;reboot": "1"}), ROOT)
    with pytest.raises(InputError, match="no command"):
        encode_launch(replace(SPEC, argv=[]), ROOT)


@pytest.mark.parametrize("run_id", ["", "..", "-rf", "a/b", "a b", "a\n", "é", "a" * 101])
def test_a_run_id_names_nothing_outside_runs(run_id: str) -> None:
    with pytest.raises(InputError, match="run id"):
        check_run_id(run_id)


@pytest.mark.parametrize("name", ["exit", "launch", "stdout", "../x", ".exit.new", "a b"])
def test_launch_files_cannot_stand_where_the_agent_writes(name: str) -> None:
    with pytest.raises(InputError, match="launch file"):
        check_file_names({name: b""})


def test_exit_gives_sizes_beyond_32_bits() -> None:
    assert parse_exit(EXIT + b"end=exit\n") == Exit(
        137, None, {"stdout": 5 * 2**30}, True, False, 2.25, workload_pid=4711
    )


def test_an_exit_file_without_its_end_is_none() -> None:
    whole = EXIT + b"end=exit\n"
    assert all(parse_exit(whole[:cut]) is None for cut in range(len(whole) - 1))
    assert parse_exit(whole.replace(b"contract=1", b"contract=9")) is None


def test_an_exit_of_garbage_values_has_no_figures() -> None:
    text = (
        b"contract=1\nstatus=\xff\ncause=stopped\nstarted=nan\nended=1e9\nlogcat=127\nstdout=-4\nend=exit\n"
    )
    assert parse_exit(text) == Exit(None, "stopped", {}, False, False, None)


def test_a_value_may_hold_equals_signs_and_the_last_key_wins() -> None:
    assert parse_fields(b"a=b=c\r\nnothing\n=x\na=2\n") == {"a": "2"}


def test_engine_env_never_names_vendor_lib64() -> None:
    env = engine_env("/e")
    assert env["LD_LIBRARY_PATH"] == "/e"
    assert env["ADSP_LIBRARY_PATH"].split(";")[0] == "/e"
    assert "lib64" not in str(env)
