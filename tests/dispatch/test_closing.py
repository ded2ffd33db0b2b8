from __future__ import annotations

import pytest

from devicehub.dispatch.closing import cause_of
from devicehub.errors import (
    DeviceGone,
    HashMismatch,
    HubError,
    NoSpace,
    PhoneLocked,
    RunLost,
    RunnerError,
    ShellFailed,
)
from devicehub.runs.retry import RetryPolicy
from devicehub.workloads.failures import BY_SLUG

ERRORS: list[tuple[HubError, str, bool]] = [
    (NoSpace(serial="S", path="/data", needed=9), "no_space", False),
    (HashMismatch(serial="S", path="a", expected="1" * 64, found=None), "deploy_failed", True),
    (PhoneLocked(serial="S", holder="r0"), "phone_locked", False),
    (RunLost(serial="S", run_id="r1", cause="rebooted"), "rebooted", True),
    (RunnerError("S: refused"), "agent_failed", False),
    (DeviceGone(serial="S", during="push"), "phone_gone", True),
    (ShellFailed(["mkdir"], 1, "denied", serial="S"), "phone_gone", False),
]


@pytest.mark.parametrize(("error", "cause", "again"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_that_ends_a_run_has_its_cause_and_may_be_tried_again(
    error: HubError, cause: str, again: bool
) -> None:
    assert cause_of(error) == cause
    assert cause in BY_SLUG
    assert (error.transient and RetryPolicy(retries=1).wait_s(cause, 1) is not None) is again
