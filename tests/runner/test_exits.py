from __future__ import annotations

from devicehub.runner.contract import Exit, LaunchExit
from devicehub.runner.exits import (
    parse_exit,
    parse_fields,
    parse_launch_exit,
    parse_list,
    parse_status,
)

LAUNCH = (
    b"launch=1\nboot_id=b00t\nstatus=137\ncause=\nstarted=10.50\nended=12.75\nworkload=4711\nfree_kib=99\n"
    b"stdout=5368709120\nstderr=0\nlog=33554472\ncpus_allowed=0-7\noom_score_adj=-950\n"
    b"cgroup=2:cpu:/bg\ncgroup=0::/uid_0/pid_7\nend=launch\n"
)
RUN = (
    b"contract=3\ncause=limit_time\nlaunches=1\nboot_id=b00t\nstarted=9.00\nended=14.00\nlog_captured=1\nlogcat=143\n"
    b"log_wrapped=0\nsamples=7\nlog=33554472\nend=exit\n"
)
LAUNCH_EXIT = LaunchExit(
    1,
    137,
    None,
    10.5,
    12.75,
    4711,
    {"stdout": 5 * 2**30, "stderr": 0, "log": 33554472},
    free_kib=99,
    oom_score_adj=-950,
    cgroups=("2:cpu:/bg", "0::/uid_0/pid_7"),
    cpus_allowed="0-7",
)


def test_exit_gives_sizes_beyond_32_bits() -> None:
    assert parse_launch_exit(LAUNCH) == LAUNCH_EXIT
    end = parse_exit(LAUNCH + RUN)
    assert end == Exit(
        "limit_time", (LAUNCH_EXIT,), {"samples": 7, "log": 33554472}, True, False, 9.0, 14.0, boot_id="b00t"
    )
    assert end.duration_s == 5.0
    assert LAUNCH_EXIT.duration_s == 2.25


def test_an_exit_file_without_its_end_is_none() -> None:
    whole = LAUNCH + RUN
    assert all(parse_exit(whole[:cut]) is None for cut in range(len(whole) - 1))
    assert parse_exit(whole.replace(b"contract=3", b"contract=9")) is None
    assert parse_launch_exit(LAUNCH[:-4]) is None


def test_an_exit_without_one_of_its_launches_is_none() -> None:
    assert parse_exit(RUN) is None
    assert parse_exit(LAUNCH + LAUNCH + RUN) is None
    assert parse_exit(LAUNCH.replace(b"launch=1", b"launch=2") + RUN) is None
    assert parse_exit(RUN.replace(b"launches=1", b"launches=0")) is not None


def test_the_blank_lines_that_kept_room_for_it_are_no_part_of_an_exit() -> None:
    assert parse_exit(LAUNCH + b"\n" * 4000 + RUN + b"\n" * 4000) == parse_exit(LAUNCH + RUN)


def test_an_exit_of_garbage_values_has_no_figures() -> None:
    garbage = b"launch=1\nstatus=\xff\nstarted=nan\nended=1e9\nworkload=-4\nstdout=-4\nend=launch\n"
    launch = parse_launch_exit(garbage)
    assert launch == LaunchExit(1, None, None, None, None, None, {})
    assert launch.duration_s is None
    assert parse_launch_exit(b"launch=one\nend=launch\n") is None


def test_a_value_may_hold_equals_signs_and_the_last_key_wins() -> None:
    assert parse_fields(b"a=b=c\r\nnothing\n=x\na=2\n") == {"a": "2"}


def test_a_status_that_nobody_understands_is_a_run_that_never_began() -> None:
    assert parse_status(b"").state == "none"
    assert parse_status(b"state=prepared\n").state == "none"
    lost = parse_status(b"state=running\nbeat=4\ncause=rebooted\nstate=lost\n")
    assert (lost.state, lost.cause, lost.fields["beat"]) == ("lost", "rebooted", "4")


def test_a_list_of_runs() -> None:
    assert parse_list(b"r1 ended\nnoise\nr2 lost\n") == {"r1": "ended", "r2": "lost"}
