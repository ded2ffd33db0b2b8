from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devicehub.dispatch.asking import check_ask
from devicehub.dispatch.protocol_choice import choose_protocol, parse_gate
from devicehub.errors import AskError, InputError
from devicehub.profiles.schema import GateSpec
from devicehub.runs.ask import RunAsk
from devicehub.settings import Home
from devicehub.workloads.suite import Suite, SuitePrompt

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.runs.model import Protocol


def ask(**given: Any) -> RunAsk:
    """Workload bench, and nothing but these."""
    return RunAsk(**({"model": "tiny", "workload": "bench"} | given))


def choose(folder: Path, default: str | None = "standard", **given: Any) -> Protocol | None:
    return choose_protocol(ask(**given), Home(folder), default=default)


def test_default_is_taken_as_its_file_says_it(tmp_path: Path) -> None:
    chosen = choose(tmp_path)
    assert chosen is not None
    assert (chosen.id, chosen.changed) == ("standard", ())
    assert (chosen.prompt_tokens, chosen.decode_tokens, chosen.warmups, chosen.launches) == (512, 128, 1, 6)
    assert chosen.gate == GateSpec(temp_c=35.0, zone="skin", cap_s=600)


def test_none_is_no_protocol(tmp_path: Path) -> None:
    assert choose(tmp_path, protocol="none") is None
    assert choose(tmp_path, default=None) is None


def test_what_the_request_changes_is_recorded(tmp_path: Path) -> None:
    chosen = choose(
        tmp_path, prompt_tokens=64, decode_tokens=128, repeats=2, launches=4, steady=True, gate=("temp=33.5",)
    )
    assert chosen is not None
    assert chosen.changed == ("prompt_tokens", "repeats", "launches", "steady", "gate")
    assert (chosen.prompt_tokens, chosen.repeats, chosen.launches, chosen.steady) == (64, 2, 4, True)
    assert chosen.gate == GateSpec(temp_c=33.5, zone="skin", cap_s=600)


def test_value_that_the_protocol_has_already_changes_nothing(tmp_path: Path) -> None:
    chosen = choose(tmp_path, prompt_tokens=512, launches=6, gate=("temp=35",))
    assert chosen is not None
    assert chosen.changed == ()


def test_gate_can_be_switched_off(tmp_path: Path) -> None:
    chosen = choose(tmp_path, gate=("off",))
    assert chosen is not None
    assert (chosen.gate, chosen.changed) == (None, ("gate",))


def test_protocol_of_another_workload_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AskError, match="protocol standard is for --workload bench, not demo"):
        choose(tmp_path, workload="demo", protocol="standard")


def test_protocol_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no protocol has this name; did you mean standard\?"):
        choose(tmp_path, protocol="standart")


def test_own_protocol_stands_in_for_the_packaged_one(tmp_path: Path) -> None:
    folder = tmp_path / "profiles" / "protocols"
    folder.mkdir(parents=True)
    (folder / "standard.toml").write_text('summary = "mine"\nworkload = "bench"\nlaunches = 2\n')
    chosen = choose(tmp_path)
    assert chosen is not None
    assert (chosen.summary, chosen.launches, chosen.gate) == ("mine", 2, None)
    warmer = choose(tmp_path, gate=("zone=battery",))
    assert warmer is not None
    assert warmer.gate == GateSpec(zone="battery")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"launches": 41}, r"protocol standard: launches: expected `int` <= 40"),
        ({"prompt_tokens": 0, "decode_tokens": 0}, "nothing would be measured"),
        ({"protocol": "none", "gate": ("off",)}, "--gate is a protocol's"),
    ],
)
def test_changes_that_cannot_be(tmp_path: Path, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(AskError, match=problem):
        choose(tmp_path, **given)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("temp", "is no gate; write one of temp=CELSIUS, zone=NAME, cap=SECONDS, or off"),
        ("heat=30", "is no gate"),
        ("temp=warm", "'warm' is no number"),
        ("temp=nan", "expected `float`"),
        ("temp=130", "expected `float` <= 120"),
        ("cap=1.5", "'1.5' is no whole number"),
        ("cap=-1", "expected `int` >= 0"),
        ("zone=", "letters, digits and ._- alone"),
        ("zone=a b", "letters, digits and ._- alone"),
    ],
)
def test_gate_that_is_none(text: str, problem: str) -> None:
    with pytest.raises(AskError) as caught:
        parse_gate((text,), {})
    assert str(caught.value).startswith(f"--gate {text}: ")
    assert problem in str(caught.value)


def test_gate_that_is_off_and_on() -> None:
    with pytest.raises(AskError, match="--gate off: there is no gate then"):
        parse_gate(("off", "temp=30"), {})


def test_last_of_a_repeated_gate_counts() -> None:
    assert parse_gate(("temp=30", "temp=31", "cap=60"), {"zone": "cpu"}) == {
        "temp_c": 31.0,
        "zone": "cpu",
        "cap_s": 60,
    }


def test_cost_of_sampling_needs_several_launches(tmp_path: Path) -> None:
    plain = {"workload": "demo", "prompt": "Hi", "measure_cost": True}
    with pytest.raises(AskError, match="--measure-cost needs several launches"):
        check_ask(ask(**plain), Home(tmp_path))
    assert check_ask(ask(**plain, launches=2), Home(tmp_path)).protocol is None


def test_command_of_a_profile_answers_no_fixture(tmp_path: Path) -> None:
    with pytest.raises(AskError, match="leave --verify-output out"):
        check_ask(ask(workload="custom", profile="mine", verify_output=True), Home(tmp_path))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"workload": "sing"}, "--workload sing: is none"),
        ({"workload": "demo"}, "give either --prompt"),
        ({"workload": "demo", "prompt": "a", "prompts": "b"}, "give either --prompt"),
        ({"workload": "demo", "prompt": "a", "repeats": 2}, "--repeats is for --workload bench"),
        ({"prompt": "a"}, "llm_bench takes no prompt"),
        ({"workload": "app", "engine": "e"}, "brings its own engine"),
        ({"workload": "custom"}, "needs --profile"),
        ({"limits": {"wall": 3}}, "limit wall: is none; there are wall_s"),
    ],
)
def test_things_that_do_not_go_together(tmp_path: Path, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(AskError, match=problem):
        check_ask(ask(**given), Home(tmp_path))


def suite_of(prompts: int) -> Suite:
    asked = (SuitePrompt(id=str(number), text=f"Say\n{number}", equals="4") for number in range(prompts))
    return Suite(name="basics", prompts=tuple(asked))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"workload": "bench"}, "--suite is for --workload demo"),
        ({"workload": "app"}, "--suite is for --workload demo"),
        ({"prompt": "a"}, "leave a prompt out"),
        ({"prompts_file": "/a.txt"}, "leave a prompt out"),
        ({"launches": 2}, "leave --launches out"),
        ({"join_lines": True}, "leave --join-lines out"),
        ({"measure_cost": True}, "leave --measure-cost out"),
        ({"suite": suite_of(41), "protocol": "answer"}, "41 prompts, and a protocol makes at most 40"),
    ],
)
def test_what_does_not_go_with_a_suite(tmp_path: Path, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(AskError, match=problem):
        check_ask(ask(**{"workload": "demo", "suite": suite_of(2)} | given), Home(tmp_path))


@pytest.mark.parametrize(
    "prompts", [(), (SuitePrompt(text="?"),), (SuitePrompt(text="# no prompt", equals="4"),)]
)
def test_suite_of_a_client_is_checked(tmp_path: Path, prompts: tuple[SuitePrompt, ...]) -> None:
    with pytest.raises(InputError, match="suite bad: prompt"):
        check_ask(ask(workload="demo", suite=Suite(name="bad", prompts=prompts)), Home(tmp_path))


def test_suite_makes_a_protocols_launches_as_many_as_its_prompts(tmp_path: Path) -> None:
    asked = check_ask(ask(workload="demo", suite=suite_of(3), protocol="answer"), Home(tmp_path))
    assert asked.protocol is not None
    assert (asked.protocol.launches, asked.protocol.changed) == (3, ("launches",))
    assert asked.prompts == b"Say 0\n"
    assert check_ask(ask(workload="demo", suite=suite_of(41)), Home(tmp_path)).protocol is None


def test_client_that_may_name_no_file_of_the_host_names_none_in_a_prompt(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"png")
    said = {"workload": "demo", "prompt": f"What is <img>{tmp_path}/a.png</img>?"}
    with pytest.raises(AskError, match="URLs only"):
        check_ask(ask(**said), Home(tmp_path))
    asked = check_ask(ask(**said, media_folder=str(tmp_path)), Home(tmp_path))
    assert [file.content for file in asked.media.values()] == [b"png"]
