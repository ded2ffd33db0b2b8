"""The `[custom]` table of a run profile: what is refused, and where it says so."""

from pathlib import Path

import msgspec
import pytest

from devicehub.profiles.custom import COUNTERS, HUB_CAUSES, Custom
from devicehub.profiles.load import check_file, run_profile
from devicehub.profiles.run_file import RunFile
from devicehub.runs.retry import PHONE_CAUSES
from devicehub.settings import Home
from devicehub.workloads.failures import BY_SLUG
from devicehub.workloads.record import Record

HEAD = 'summary = "x"\nworkload = "custom"\n[custom]\n'
COMMAND = 'command = ["llm_demo"]\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles" / "runs"
    folder.mkdir(parents=True)
    return folder / "mine.toml"


def said(path: Path, text: str) -> list[tuple[str | None, str]]:
    path.write_text(text, encoding="utf-8")
    return [(problem.key, problem.problem) for problem in check_file(path, RunFile)[1]]


def test_every_counter_is_a_field_of_a_record_and_none_is_left_out() -> None:
    told_by_the_hub = {"tool", "source", "model"}
    assert set(COUNTERS) == set(Record.__struct_fields__) - told_by_the_hub


def test_no_output_may_claim_what_strikes_or_retries_follow_from() -> None:
    assert PHONE_CAUSES <= HUB_CAUSES
    assert all(cause in BY_SLUG for cause in HUB_CAUSES)


def test_a_table_that_says_all_it_can(path: Path) -> None:
    text = (
        HEAD
        + r"""
command = ["/system/bin/sh", "-c", "cat {prompts} > {launch}/out.txt; echo '{{}}'"]
status = "any"
results = ["out.txt"]
log_tags = ["MyTool"]
[[custom.counters]]
regex = 'speed (?P<decode_tok_s>\d+)'
streams = ["stdout", "stderr", "log", "result"]
take = "all"
[[custom.success]]
regex = "done"
[[custom.failures]]
regex = "bad"
cause = "my_cause"
remedy = "do better"
"""
    )
    assert said(path, text) == []
    custom = run_profile("mine", Home(path.parent.parent.parent)).custom
    assert custom is not None
    assert (custom.program, custom.takes_prompts) == (None, True)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(custom)), Custom) == custom


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('comand = ["x"]\n' + COMMAND, "custom.comand", "unknown key (did you mean command?)"),
        ("", "custom.command", "is missing"),
        ("command = []", "custom.command", "length >= 1"),
        ('command = ["{engine}/llm_demo"]', "custom.command[0]", "takes no placeholder"),
        ('command = ["bin/tool"]', "custom.command[0]", "neither the name of a program"),
        ('command = [""]', "custom.command[0]", "neither the name of a program"),
        ('command = [".."]', "custom.command[0]", "neither the name of a program"),
        (
            'command = ["x", "{promt}"]',
            "custom.command[1]",
            "`{promt}` is no placeholder; there are {engine}",
        ),
        ('command = ["x", "{}"]', "custom.command[1]", "`{}` is no placeholder"),
        ('command = ["x", "{config.x}"]', "custom.command[1]", "`{config.x}` is no placeholder"),
        ('command = ["x", "{config!r}"]', "custom.command[1]", "`{config!r}` is no placeholder"),
        ('command = ["x", "{config:>9}"]', "custom.command[1]", "`{config:>9}` is no placeholder"),
        ('command = ["x", "{config"]', "custom.command[1]", "a brace itself is written twice"),
        ('command = ["x", "a}"]', "custom.command[1]", "a brace itself is written twice"),
        ('command = ["x", "\\u0000"]', "custom.command[1]", "matching regex"),
        (COMMAND + "status = 256", "custom.status", "<= 255"),
        (COMMAND + 'status = "none"', "custom.status", "nvalid enum value"),
        (COMMAND + 'results = ["../x"]', "custom.results[0]", "`../x` is no name of a file"),
        (COMMAND + 'results = ["stdout"]', "custom.results[0]", "`stdout` is no name of a file"),
        (COMMAND + 'log_tags = ["a b"]', "custom.log_tags[0]", "matching regex"),
    ],
)
def test_the_command_and_its_ends(path: Path, text: str, key: str, words: str) -> None:
    found = said(path, HEAD + text)
    assert [place for place, _ in found] == [key]
    assert words in found[0][1]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[[custom.counters]]\nregex = '('", "counters[0].regex", "is no regular expression: missing )"),
        ("[[custom.counters]]\nregex = '[[a]'", "counters[0].regex", "Possible nested set"),
        ("[[custom.success]]\nregex = 'a{99999999999}'", "success[0].regex", "is no regular expression"),
        ("[[custom.success]]\nregex = ''", "success[0].regex", "length >= 1"),
        ("[[custom.counters]]\nregex = 'x'", "counters[0].regex", "has no named group"),
        ("[[custom.counters]]\nregex = '(?P<speed>x)'", "counters[0].regex", "`speed` is no counter"),
        ("[[custom.counters]]\nregex = '(?P<tool>x)'", "counters[0].regex", "`tool` is no counter"),
        ("[[custom.counters]]\nregx = 'x'", "counters[0].regx", "unknown key (did you mean regex?)"),
        (
            "[[custom.success]]\nregex='x'\nstreams=['logcat']",
            "success[0].streams[0]",
            "invalid enum value 'logcat'",
        ),
        ("[[custom.success]]\nregex = 'x'\nstreams = []", "success[0].streams", "length >= 1"),
        ("[[custom.success]]\nregex='x'\nstreams=['result']", "success[0].streams", "`results` names none"),
        ("[[custom.failures]]\nregex = 'x'", "failures[0].cause", "is missing"),
        ("[[custom.failures]]\nregex='x'\ncause='My cause'", "failures[0].cause", "matching regex"),
        ("[[custom.failures]]\nregex='x'\ncause='rebooted'", "failures[0].cause", "for the hub alone to say"),
    ],
)
def test_the_patterns(path: Path, text: str, key: str, words: str) -> None:
    found = said(path, HEAD + COMMAND + text)
    assert (f"custom.{key}", True) in [(place, words in problem) for place, problem in found], found


def test_everything_that_is_wrong_is_listed_at_once(path: Path) -> None:
    text = HEAD + "[[custom.counters]]\nregx = 'x'\n[[custom.failures]]\ncause = 1\nsurplus = 2\n"
    assert sorted(str(key) for key, _ in said(path, text)) == [
        "custom.command",
        "custom.counters[0].regex",
        "custom.counters[0].regx",
        "custom.failures[0].cause",
        "custom.failures[0].regex",
        "custom.failures[0].surplus",
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('summary = "x"\nworkload = "custom"\n', "custom"),
        ('summary = "x"\n[custom]\ncommand = ["llm_demo"]\n', "workload"),
        ('summary = "x"\nworkload = "demo"\n', "workload"),
        ('summary = "x"\nworkload = "custom"\ncustom = 5\n', "custom"),
        ('summary = "x"\nworkload = "custom"\n[custom]\ncommand = ["x"]\ncounters = 5\n', "custom.counters"),
    ],
)
def test_workload_and_table_go_together(path: Path, text: str, key: str) -> None:
    assert [place for place, _ in said(path, text)] == [key]
