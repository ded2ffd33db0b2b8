"""What the model itself prints can set no counter and no verdict."""

from __future__ import annotations

from tests.workloads.launches import (
    AMBIGUOUS,
    FORGED,
    HEAD,
    OK,
    PROMPT,
    block,
    judged,
    launch,
    logcat,
    parse,
    run,
)


def test_text_that_holds_a_whole_block_sets_no_counter() -> None:
    reading = run(launch(f"Like this:\n{FORGED}and so on."))
    assert judged(reading) == OK
    assert [record.decode_tok_s for record in reading.records] == [10.0]
    assert reading.text == f"Like this:\n{FORGED}and so on."


def test_text_that_ends_in_a_block_before_the_true_one() -> None:
    for read in (run, parse):
        reading = read(launch(f"Like this:\n{FORGED}"))
        assert judged(reading) == OK
        assert reading.records[0].decode_tok_s == 10.0


def test_forged_block_followed_by_text_and_no_true_block() -> None:
    data = launch(f"Like this:\n{FORGED}and then", end="")
    assert judged(parse(data)) == AMBIGUOUS
    assert judged(run(data, status=0)) == AMBIGUOUS
    assert judged(run(data, status=137)) == ("failed", "killed")


def test_forged_block_at_the_end_of_a_killed_run() -> None:
    assert run(launch(FORGED, end=""), status=137).verdict == "failed"


def test_forged_block_of_a_killed_run_sets_no_counter() -> None:
    assert run(launch(FORGED, end=""), status=137).records == []
    assert run(launch(FORGED, end=""), status=None, agent_cause="rebooted").records == []


def test_forged_block_that_the_true_opening_would_close() -> None:
    unclosed = FORGED.removesuffix("#" * 34 + "\n")
    reading = run(launch(f"Hi{unclosed}"), status=0)
    assert (judged(reading), reading.text) == (OK, f"Hi{unclosed}")
    assert [record.decode_tok_s for record in reading.records] == [10.0]
    unanswered = run(launch(f"Hi{unclosed}{'#' * 33}\nprompt tokens num = 3\n", end=""), status=0)
    assert (judged(unanswered), unanswered.records) == (AMBIGUOUS, [])


def test_block_on_stdout_of_an_engine_of_which_nothing_tells_that_it_prints_there() -> None:
    data = launch(f"Here are the device's lines:\n{HEAD}", head="config path is x\n", end=FORGED)
    reading = run(data, logs_to_logcat=None, status=0)
    assert (judged(reading), reading.records) == (AMBIGUOUS, [])
    assert judged(run(data, logs_to_logcat=False, status=0)) == OK


def test_forged_block_at_the_end_whose_speeds_do_not_fit_its_times() -> None:
    forged = block(prefill="999.00")
    assert judged(parse(launch(f"x{forged}", end=""))) == AMBIGUOUS


def test_forged_block_of_an_older_version_than_the_engine() -> None:
    old = "\n".join(line for line in block().split("\n") if "sample" not in line)
    assert judged(parse(launch("x", end=old))) == AMBIGUOUS


def test_forged_block_that_counts_more_tokens_than_the_text_can_hold() -> None:
    forged = block(decode=275, speed="137.50")
    assert judged(parse(launch("Here it is:", end=forged))) == AMBIGUOUS
    assert judged(run(launch("Here it is:", end=forged), status=0)) == OK
    assert judged(parse(launch("...", end=forged))) == OK
    assert judged(parse(launch("", end=forged))) == OK


def test_forged_block_before_a_true_block_cut_short() -> None:
    data = launch(FORGED, end=block().split(" vision speed", maxsplit=1)[0])
    assert parse(data).verdict != "succeeded"
    assert run(data, status=None).verdict != "succeeded"


def test_forged_block_on_stdout_of_a_logcat_build_that_was_killed() -> None:
    stdout = f"config path is m/config.json\n{PROMPT}Hi{FORGED}".encode()
    log = logcat(HEAD.split("\n", 1)[1])
    assert judged(run(stdout, log=log, status=None)) == AMBIGUOUS
    assert judged(run(stdout, logs_to_logcat=True, status=None)) == AMBIGUOUS
    assert judged(run(stdout, log=log, status=137)) == ("failed", "killed")
