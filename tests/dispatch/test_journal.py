"""Which process carries a run."""

import os
import signal

import psutil
import pytest

from devicehub.dispatch.journal import is_alive, own_process


def test_this_process_is_alive() -> None:
    assert is_alive(*own_process())


def test_another_process_of_the_same_pid_is_not_the_one() -> None:
    pid, began_s = own_process()
    assert not is_alive(pid, began_s - 5)


def test_host_whose_clock_was_set_is_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    pid, began_s = own_process()
    booted_s, created_s = psutil.boot_time(), psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: booted_s + 3600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: created_s(process) + 3600)
    assert is_alive(pid, began_s)


def test_killed_process_that_nobody_waited_for_is_dead() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    try:
        process = psutil.Process(pid)
        began_s = process.create_time() - psutil.boot_time()
        assert is_alive(pid, began_s)
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert process.status() == psutil.STATUS_ZOMBIE
        assert not is_alive(pid, began_s)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert not is_alive(pid, began_s)
