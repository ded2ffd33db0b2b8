from pathlib import Path

import pytest

from devicehub.errors import ConfigError, InputError
from devicehub.profiles.load import (
    check_file,
    find_profiles,
    load_file,
    load_profiles,
    load_socs,
    run_profile,
)
from devicehub.profiles.run_file import RunFile
from devicehub.profiles.schema import KINDS, SocFile
from devicehub.settings import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "profiles" / "runs").mkdir(parents=True)
    (tmp_path / "profiles" / "socs").mkdir()
    return Home(tmp_path)


def write(home: Home, name: str, text: str) -> Path:
    path = home.profiles / name
    path.write_text(text, encoding="utf-8")
    return path


def said(path: Path, kind: type[SocFile] | type[RunFile]) -> list[tuple[str | None, str]]:
    return [(problem.key, problem.problem) for problem in check_file(path, kind)[1]]


def test_every_packaged_profile_is_right() -> None:
    home = Home(Path("/nowhere"))
    problems = [
        str(problem)
        for kind, file_type in KINDS.items()
        for profile in find_profiles(kind, home).values()
        for problem in check_file(profile.path, file_type)[1]
    ]
    assert problems == []
    assert {"default", "greedy-repeatable"} <= set(load_profiles(RunFile, home))
    assert {"sm8650", "mt6989", "s5e9945", "kirin-980"} <= set(load_profiles(SocFile, home))


def test_greedy_profile_is_repeatable() -> None:
    profile = run_profile("greedy-repeatable", Home(Path("/nowhere")))
    assert profile.config == {"sampler_type": "greedy", "thread_num": 1}
    assert run_profile("default", Home(Path("/nowhere"))).config == {}


@pytest.mark.parametrize("mode", ["lookahead", "eagle", "mtp"])
def test_each_way_of_speculative_decoding_has_a_profile(mode: str) -> None:
    assert run_profile(f"speculative-{mode}", Home(Path("/nowhere"))).config == {"speculative_type": mode}


def test_users_file_stands_in_for_the_packaged_one(home: Home) -> None:
    path = write(home, "runs/default.toml", 'summary = "Mine."\n[config]\nthread_num = 2\n')
    profile = run_profile("default", home)
    assert (profile.summary, profile.config, profile.source) == ("Mine.", {"thread_num": 2}, path)
    own = {id_ for id_, found in find_profiles("runs", home).items() if found.own}
    assert own == {"default"}


def test_all_problems_are_listed_with_key(home: Home) -> None:
    path = write(
        home,
        "socs/sm1.toml",
        'vender = "qualcomm"\ngpu = 7\nhtp = "75"\n[[clusters]]\ncores = 0\n',
    )
    assert said(path, SocFile) == [
        ("vender", "unknown key (did you mean vendor?)"),
        ("gpu", "expected `str | null`, got `int`"),
        ("htp", "expected `str` matching regex '^v\\\\d\\\\d$'"),
        ("clusters[0].cores", "expected `int` >= 1"),
        ("vendor", "is missing"),
    ]


def test_fact_without_source_is_marked_or_wrong(home: Home) -> None:
    path = write(
        home,
        "socs/sm1.toml",
        'vendor = "qualcomm"\nmodel = "SM2"\nplatforms = ["Fir"]\ngpu = "A"\nunverified = ["gpu", "htp"]\n'
        '[sources]\ngpu = "seen"\nname = "seen"\n',
    )
    assert [key for key, _ in said(path, SocFile)] == [
        "model",
        "platforms",
        "platforms",
        "gpu",
        "unverified",
        "sources",
    ]


def test_value_that_json_cannot_hold(home: Home) -> None:
    path = write(
        home, "runs/x.toml", 'summary = "x"\n[config]\na = 2024-01-01\nb = [1, {c = nan}]\nd = 1.5\n'
    )
    assert [key for key, _ in said(path, RunFile)] == ["config.a", "config.b"]


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b'summary = "x"\n\nconfig = [\n  1,,\n]\n', 4, "TOML: "),
        (b'summary = "x', None, "TOML: "),
        (b'summary = "x"\nsummary = "y"\n', 2, "TOML: "),
        (b'summary = "x"\n# \xff\n', 2, "UTF-8"),
        (b"a = " + b"[" * 5000, None, "TOML: "),
    ],
    ids=["comma", "open-string", "twice", "latin-1", "deep"],
)
def test_broken_toml_names_the_line(home: Home, data: bytes, line: int | None, words: str) -> None:
    path = home.profiles / "runs" / "x.toml"
    path.write_bytes(data)
    value, problems = check_file(path, RunFile)
    assert value is None
    assert len(problems) == 1
    assert words in problems[0].problem
    if line is not None:
        assert problems[0].line == line


def test_loading_names_the_first_problem_and_counts_the_others(home: Home) -> None:
    path = write(home, "runs/x.toml", "sumary = 1\nconfg = 2\n")
    with pytest.raises(ConfigError, match=r"sumary.*did you mean summary.*2 more") as caught:
        load_file(path, RunFile)
    assert caught.value.file == path


def test_unknown_run_profile_suggests_one(home: Home) -> None:
    with pytest.raises(InputError, match="did you mean default"):
        run_profile("defualt", home)


def test_folder_named_like_a_profile_is_a_problem_not_a_crash(home: Home) -> None:
    path = home.profiles / "runs" / "x.toml"
    path.mkdir()
    assert "cannot be read" in check_file(path, RunFile)[1][0].problem


SOC = 'vendor = "mediatek"\nmodel = "MT1"\nplatforms = ["elm"]\nkernel_soc_ids = [12]\n{more}[sources]\n'
FACTS = 'platforms = "x"\nkernel_soc_ids = "x"\n'


def test_socs_are_found_by_id_platform_and_kernel_id(home: Home) -> None:
    write(home, "socs/mt1.toml", SOC.format(more="") + FACTS)
    socs = load_socs(home)
    assert [soc.id for soc in socs.named("ELM")] == ["mt1"]
    assert [soc.id for soc in socs.named("mt1")] == ["mt1"]
    assert [soc.id for soc in socs.with_kernel_id(12)] == ["mt1"]
    assert socs.named("el") == []
    assert "mt1" not in [soc.id for soc in socs.with_kernel_id(1)]


def test_users_soc_replaces_the_packaged_one(home: Home) -> None:
    write(home, "socs/sm8750.toml", 'vendor = "qualcomm"\nmodel = "SM8750"\nunverified = []\n')
    assert load_socs(home).named("cq8750s") == []


def test_only_a_broken_file_that_is_needed_stops_a_look_up(home: Home) -> None:
    write(home, "socs/mt1.toml", SOC.format(more="gpu = 3\n") + FACTS)
    socs = load_socs(home)
    assert [soc.id for soc in socs.named("kona")] == ["sm8250"]
    with pytest.raises(ConfigError, match="gpu"):
        socs.named("elm")


def test_hub_is_told_of_a_wrong_soc_once_and_takes_the_packaged_one(home: Home) -> None:
    write(home, "socs/sm8650.toml", "vendor = 3\n")
    write(home, "socs/mine.toml", 'vendor = 3\nplatforms = ["pineapple"]\n')
    (home.profiles / "socs" / "folder.toml").mkdir()
    told: list[str] = []
    socs = load_socs(home, told.append)
    for _ in range(2):
        assert [soc.facts.gpu for soc in socs.named("sm8650")] == ["Adreno 750"]
        assert "mine" not in [soc.id for soc in socs.named("pineapple")]
    assert sorted(words.split("/socs/")[1].partition(".toml")[0] for words in told) == [
        "folder",
        "mine",
        "sm8650",
    ]
