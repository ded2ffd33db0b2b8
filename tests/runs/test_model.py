from devicehub.runs.model import Launch, summarize
from devicehub.workloads.record import Record


def launch(verdict: str, decode_tok_s: float | None) -> Launch:
    record = Record(tool="llm_demo", source="stdout", decode_tok_s=decode_tok_s, prefill_tok_s=100.0)
    return Launch(verdict=verdict, cause=None, text=None, records=[record], exit_status=0)


def test_median_and_range_over_the_launches_that_succeeded() -> None:
    summary = summarize([launch("succeeded", rate) for rate in (9.0, 10.0, 20.0)] + [launch("failed", 900.0)])
    assert summary is not None
    assert summary.launches == 3
    assert summary.decode_tok_s is not None
    assert (summary.decode_tok_s.median, summary.decode_tok_s.lowest, summary.decode_tok_s.highest) == (
        10.0,
        9.0,
        20.0,
    )


def test_a_figure_that_no_launch_gave_is_absent() -> None:
    summary = summarize([launch("succeeded", None)])
    assert summary is not None
    assert summary.decode_tok_s is None
    assert summary.load_ms is None


def test_no_launch_succeeded() -> None:
    assert summarize([launch("failed", 1.0)]) is None
