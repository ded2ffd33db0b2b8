"""What a person sees of a comparison, and `devicehub runs compare`."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from devicehub.cli.comparison_view import _cut_apart, print_comparison
from devicehub.columns import text_width
from devicehub.measure.compare import compare_records
from devicehub.runs.model import Fidelity, Flag, RunHeader
from tests.cli.hub_fixture import hub, run, store
from tests.measure.halves import halves
from tests.store.samples import run_row

if TYPE_CHECKING:
    import pytest

    from devicehub.runs.model import RunRecord
    from devicehub.store.store import Store

__all__ = ["hub", "store"]

_LONG = "mnn-3.7.0-opencl-手机上的引擎-with-a-long-name-" * 2


def _pair() -> tuple[RunRecord, RunRecord]:
    """Prefill a tenth slower, decode too noisy to tell, load alike."""
    noise = random.Random(4)
    arms = [0, 1, 1, 0] * 3
    a, b = halves(
        [
            {
                "prefill_tok_s": 1812 * (1 + noise.gauss(0, 0.01)) * (1 - 0.1 * arm),
                "decode_tok_s": 21 * (1 + noise.gauss(0, 0.06)),
                "load_ms": 930 * (1 + noise.gauss(0, 0.004)),
            }
            for arm in arms
        ]
    )
    return a, replace(b, engine=replace(b.engine, id="e-2", name=_LONG))


def _shown(a: RunRecord, b: RunRecord, capsys: pytest.CaptureFixture[str], by: str | None = None) -> str:
    print_comparison(compare_records(a, b, by=by), a, b)
    text = capsys.readouterr().out
    assert max(map(text_width, text.splitlines())) <= 80
    return text


def test_each_figure_has_its_own_conclusion(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _shown(*_pair(), capsys).splitlines()
    ends = {line.split("  ")[0]: line.split("  ")[-1].strip() for line in lines if "0." in line}
    assert ends["prefill tok/s"] == "slower"
    assert ends["decode tok/s"] == "inconclusive"
    assert ends["load ms"] == "no difference > 5 %"


def test_inconclusive_names_the_launches_that_would_decide(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = _pair()
    text = " ".join(_shown(a, b, capsys).split())
    more = compare_records(a, b).figures["decode_tok_s"].more_pairs
    assert more is not None
    assert f"{more} more pairs would decide with a chance of about 80 %" in text
    assert f"compare anew with --launches {6 + more}" in text


def test_runs_that_did_not_alternate_get_no_claim(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = _pair()
    text = " ".join(_shown(replace(a, comparison=None), replace(b, comparison=None), capsys).split())
    assert "without a claim: neither was made for a comparison: their launches did not alternate" in text
    assert "slower" not in text
    assert "inconclusive" not in text


def test_unlike_runs_show_the_list_and_no_figure(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = _pair()
    b = replace(b, model=replace(b.model, id="m-2"), conditions=replace(b.conditions, charge=None))
    text = _shown(a, b, capsys)
    assert "only the engine may differ" in text
    assert "charging  full     not known" in text
    assert "tok/s" not in text


def test_answers_and_flags_stand_beside_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = _pair()
    flag = Flag(slug="gate_timed_out", sentence="the phone was still warm after 600 s")
    b = replace(b, answered=Fidelity(share=0.875, run_id="b"), fidelity=0.875, flags=[flag])
    text = _shown(a, b, capsys)
    assert "B: 87.5 % as on the host, source unchecked" in text
    assert "B: the phone was still warm after 600 s" in text


def test_like_compared_with_like_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = _pair()
    assert "Both have the same engine." in _shown(a, replace(b, engine=a.engine), capsys)


def test_wild_figures_stay_within_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    wild = [100.0, 1e300, 1e300, 100.0] * 2
    a, b = halves([{"prefill_tok_s": value, "load_ms": 1 / value} for value in wild])
    assert "1e+300" in _shown(a, b, capsys)


def _keep(store: Store, *records: RunRecord) -> None:
    for record in records:
        fields = {name: getattr(record, name) for name in RunHeader.__struct_fields__}
        store.add_run(run_row(record.id, request=msgspec.json.encode(RunHeader(**fields))))
        store.finish(record.id, record, wall_s=200.0)


def _run(*argv: str) -> int:
    return run("runs", "compare", *argv)


def test_stored_halves_are_paired_again(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = _pair()
    _keep(store, a, b)
    assert _run("a", "b", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], found["paired"], found["pairs"]) == ("engine", True, 6)
    assert found["figures"]["prefill_tok_s"]["conclusion"] == "slower"
    assert found == msgspec.to_builtins(compare_records(a, b))


def test_wider_margin_takes_a_tenth_for_no_difference(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    _keep(store, *_pair())
    assert _run("a", "b", "--margin", "15") == 0
    assert "no difference > 15 %" in capsys.readouterr().out


def test_unlike_stored_runs_end_with_status_1(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    _keep(store, *_pair())
    assert _run("a", "b", "--by", "model") == 1
    assert "engine" in capsys.readouterr().out


def test_run_that_has_not_ended_is_named(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = _pair()
    _keep(store, a)
    fields = {name: getattr(b, name) for name in RunHeader.__struct_fields__}
    store.add_run(run_row("b", request=msgspec.json.encode(RunHeader(**fields))))
    assert _run("a", "b") == 4
    assert "run b: has not ended; wait for it: devicehub runs watch b" in capsys.readouterr().err


def test_one_run_is_not_compared_with_itself(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    _keep(store, _pair()[0])
    assert _run("a", "a") == 4
    assert "is named twice" in capsys.readouterr().err


def test_values_that_part_in_their_middle_are_shown_from_there() -> None:
    a, b = (f"acme/one/one:15/AP3A.240905.{digit}15/12345678:user/release-keys" for digit in "01")
    shown = _cut_apart(a, b)
    assert shown[0] != shown[1]
    assert all(text_width(cell) <= 30 for cell in shown)
    assert _cut_apart(a, a) == (_cut_apart(a, a)[0],) * 2
    assert _cut_apart("x", "y") == ("x", "y")
