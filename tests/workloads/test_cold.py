"""Cold launches: what an engine says of its caches, and where a model only repeats it."""

from __future__ import annotations

from typing import Any

import pytest

from devicehub.profiles.custom import Custom
from devicehub.workloads.custom import CustomReader
from devicehub.workloads.verdict import LaunchReader
from tests.workloads.launches import FORGED, HEAD, block, launch, logcat

NO_CACHE = "Can't open file:tmp_1/mnn_cachefile.bin\nLoad Cache file error.\n"
UPDATED = "Update cache to tmp_1/mnn_cachefile.bin, size = 65536\n"
FIRST, *REST = HEAD.splitlines(keepends=True)
TABLE = """\
| model | modelSize | backend | threads | precision | test |        t/s |
| ----- | --------: | ------- | ------: | --------- | ---- | ---------: |
| m     |  1.51 MiB | OPENCL  |      68 | Low       | pp64 | 629.28 ± 13.39 |

"""


def cold(stdout: bytes, *, log: bytes = b"", workload: str = "demo", **known: Any) -> bool | None:
    reader = LaunchReader(workload)
    for at in range(len(stdout)):
        reader.feed_stdout(stdout[at : at + 1])
    reader.feed_log(log)
    return reader.finish(exit_status=0, pid=8826, **known).cold


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        (launch("Yes.\n"), False),
        (launch("Yes.\n", head=FIRST + NO_CACHE + "".join(REST)), True),
        (launch("Yes.\n", head=HEAD + UPDATED), True),
        (launch("Yes.\n") + UPDATED.encode(), True),
        (launch("Yes.\n", head=HEAD + "Cache invalid, will be reset\n"), True),
        (launch(NO_CACHE + UPDATED), False),
        (launch("It says: " + UPDATED), False),
        (launch(FORGED + UPDATED + "and more\n"), False),
        (b"config path is m/config.json\n", None),
        (b"", None),
    ],
)
def test_engine_tells_and_the_models_text_does_not(stdout: bytes, expected: bool | None) -> None:
    assert cold(stdout) is expected


@pytest.mark.parametrize(
    ("said", "expected"), [(HEAD, False), (NO_CACHE + HEAD, True), (HEAD + block() + UPDATED, True)]
)
def test_engine_that_logs_tells_it_in_the_log(said: str, expected: bool) -> None:
    stdout = b"config path is m/config.json\nprompt file is p.txt\nLoad Cache file error.\n"
    assert cold(stdout, log=logcat(said)) is expected


def test_marks_of_another_process_are_not_this_launchs() -> None:
    stdout = b"config path is m/config.json\nprompt file is p.txt\nYes.\n"
    assert cold(stdout, log=logcat(HEAD + block()) + logcat(NO_CACHE + HEAD, pid=1)) is False


def test_log_that_lost_lines_tells_of_no_warm_launch() -> None:
    stdout = b"config path is m/config.json\nprompt file is p.txt\nYes.\n"
    assert cold(stdout, log=logcat(HEAD + block()), log_wrapped=True) is None
    assert cold(stdout, log=logcat(NO_CACHE + HEAD + block()), log_wrapped=True) is True


@pytest.mark.parametrize(("before", "expected"), [("", False), (NO_CACHE, True)])
def test_bench_tells_it_before_its_table(before: str, expected: bool) -> None:
    supports = HEAD.splitlines(keepends=True)[1]
    assert cold((supports + before + TABLE).encode(), workload="bench") is expected
    assert cold((supports + TABLE + (UPDATED if before else "")).encode(), workload="bench") is expected


@pytest.mark.parametrize(
    ("stdout", "stderr", "log", "expected"),
    [
        (b"Load Cache file error.\n", b"", b"", True),
        (b"", UPDATED.encode(), b"", True),
        (b"", b"", logcat(UPDATED), True),
        (b"", b"", logcat(UPDATED, pid=1), None),
        (b"fast\n", b"", b"", None),
    ],
)
def test_command_of_the_users_own_is_cold_where_it_says_so(
    stdout: bytes, stderr: bytes, log: bytes, expected: bool | None
) -> None:
    reader = CustomReader(Custom(command=("my_tool",)))
    reader.feed_stdout(stdout)
    reader.feed_stderr(stderr)
    reader.feed_log(log)
    assert reader.finish(0, pid=8826).cold is expected
