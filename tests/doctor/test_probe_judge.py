"""What a probe's end says in rows."""

from msgspec.structs import replace

from devicehub.doctor.model import Standing
from devicehub.doctor.probe_judge import judge_backend, judge_run
from devicehub.findings import Finding, Severity
from devicehub.runs.model import HubProblem
from tests.store.samples import launch, record


def test_a_run_that_succeeded_is_ok_and_gives_no_figure() -> None:
    [row] = judge_run("A1", replace(record(), verdict="succeeded", cause=None))
    assert (row.subject, row.name, row.state) == ("A1", "probe", Standing.OK)
    assert "works" in row.says
    assert "tok/s" not in row.says


def test_a_run_that_failed_says_why_and_the_launchs_own_remedy() -> None:
    failed = replace(launch(), verdict="failed", cause="out_of_memory", remedy="close com.game")
    [row] = judge_run("A1", replace(record(), verdict="failed", cause="out_of_memory", launches=[failed]))
    assert row.state is Standing.PROBLEM
    assert row.remedy == "close com.game"


def test_a_run_that_the_hub_could_not_make_says_the_hubs_sentence() -> None:
    error = HubProblem(kind="DeviceGone", sentence="A1 vanished during push", transient=True)
    [row] = judge_run("A1", replace(record(), verdict=None, cause=None, error=error, launches=[]))
    assert "A1 vanished during push" in row.says
    assert "devicehub runs show" in (row.remedy or "")


def test_a_backend_that_fell_back_has_a_row_of_its_own() -> None:
    failed = replace(
        record(), verdict="failed", cause="backend_fallback", config={"backend_type": "hexagon"}, launches=[]
    )
    assert {row.name for row in judge_run("A1", failed)} == {"probe", "HTP"}


def test_a_backend_that_an_engine_opens_is_ok_and_one_that_it_does_not_is_the_finding() -> None:
    [opened] = judge_backend("A1", "opencl", None, "mnn-1")
    assert (opened.name, opened.state) == ("OpenCL", Standing.OK)
    found = Finding(severity=Severity.ERROR, slug="backend_unopened", place="A1", why="does not", fix="cpu")
    [closed] = judge_backend("A1", "opencl", found, "mnn-1")
    assert (closed.state, closed.says, closed.remedy) == (Standing.PROBLEM, "does not", "cpu")
