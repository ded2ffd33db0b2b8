"""What becomes of a fixture where the wheel does not do what it should; stand-ins play the child."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devicehub.demo_model import demo_fixture_file, demo_model_dir
from devicehub.models import make_fixture as making
from devicehub.models.answering import Answered
from devicehub.models.catalog import Model, ModelCatalog
from devicehub.models.fixture import ANSWER_TOKENS, Fixture, NoFixture
from devicehub.models.make_fixture import PROMPTS, SETTINGS, make_fixture
from devicehub.models.provenance import PROVENANCE, AcceptanceFacts, Provenance, SourceFacts
from devicehub.models.room import HostRoom, Place, need_of
from devicehub.settings import Home
from devicehub.units import GIB, MIB
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path

ROOM = HostRoom(available=64 * GIB, total=64 * GIB, disk=64 * GIB)
ALL = [prompt for kind in PROMPTS for prompt in kind]
LONG = "a b c d e f g h i"


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return ModelCatalog(Home(tmp_path / "home")).add(make_model(tmp_path / "m"))


def answer(prompt: str, text: str = "", *, ended: bool = False, failed: int | None = None) -> str:
    """What the child says of a prompt."""
    tokens = [f"{word} ".encode() for word in text.split()]
    line = Answered(engine="MNN 3.6.1", prompt=prompt, tokens=tokens, ended=ended, failed=failed)
    return msgspec.json.encode(line).decode()


async def make(model: Model, tmp_path: Path, script: str, *lines: str) -> Fixture | NoFixture:
    """With a child that says these lines and goes on as the script says."""
    said = "".join(f"{line}\n" for line in lines)
    program = f"import os, signal, sys\nsys.stdout.write({said!r})\nsys.stdout.flush()\n{script}\n"
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return await make_fixture(model, scratch, child=[sys.executable, "-c", program], host=ROOM)


def reason(made: Fixture | NoFixture) -> str:
    assert isinstance(made, NoFixture)
    return made.reason


async def test_first_prompt_of_each_kind_that_is_answered_at_length(model: Model, tmp_path: Path) -> None:
    lines = [answer(ALL[0], LONG), answer(ALL[2], "too short", ended=True), answer(ALL[3], LONG)]
    lines += [answer(ALL[4], "a b c"), answer(ALL[5], "a")]
    made = await make(model, tmp_path, "sys.stdin.read()", *lines)
    assert isinstance(made, Fixture)
    assert [prompt.prompt for prompt in made.prompts] == [ALL[0], ALL[3], ALL[4]]
    assert made.prompts[2].pieces == ("a ", "b ", "c ")
    assert (made.model_id, made.engine, made.source) == (model.manifest.id, "MNN 3.6.1", "unchecked")


async def test_kind_that_is_answered_with_one_token_only_is_left_out(model: Model, tmp_path: Path) -> None:
    lines = [answer(ALL[0], LONG), answer(ALL[2], LONG), answer(ALL[4], "a", ended=True), answer(ALL[5])]
    made = await make(model, tmp_path, "", *lines)
    assert isinstance(made, Fixture)
    assert [prompt.prompt for prompt in made.prompts] == [ALL[0], ALL[2]]


async def test_silent_model_has_none(model: Model, tmp_path: Path) -> None:
    made = await make(model, tmp_path, "", *[answer(prompt, ended=True) for prompt in ALL])
    assert reason(made) == "it says nothing on this host"


async def test_child_that_leaves_a_kind_out(model: Model, tmp_path: Path) -> None:
    made = await make(model, tmp_path, "", answer(ALL[0], LONG), answer(ALL[2], LONG))
    assert reason(made) == "the MNN wheel could not be used on this host"


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGFPE", "SIGABRT"])
async def test_crash_amid_the_answers_is_a_reason(model: Model, tmp_path: Path, name: str) -> None:
    script = (
        f"os.write(2, b'code=2 in onForward\\n[Error]: it hurts.\\n'); os.kill(os.getpid(), signal.{name})"
    )
    made = await make(model, tmp_path, script, answer(ALL[0], LONG), '{"engine": "MN')
    assert reason(made) == f"the MNN wheel crashed on it ({name}): it hurts"


@pytest.mark.parametrize(
    "script",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        'os.write(2, b"what():  std::bad_alloc\\n"); os.abort()',
    ],
)
async def test_process_that_the_memory_ended(model: Model, tmp_path: Path, script: str) -> None:
    assert "did not find enough memory" in reason(await make(model, tmp_path, script))


async def test_memory_of_the_process_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ModelCatalog(Home(tmp_path / "home")).add(demo_model_dir())
    little = Place(use_mmap=False, most_bytes=30 * MIB)
    monkeypatch.setattr(making, "find_place", lambda _need, _host: little)
    made = await make_fixture(model, tmp_path, host=ROOM)
    assert reason(made) == "the MNN wheel did not find enough memory on this host"


async def test_wheel_that_hangs_is_ended(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_PATIENCE_S", 0.2)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
    assert "did not answer within 0 s" in reason(await make(model, tmp_path, deaf, answer(ALL[0], LONG)))


async def test_noise_without_end_fills_no_memory(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_PATIENCE_S", 1.0)
    noisy = "while True:\n os.write(1, b'x' * 65536); os.write(2, b'[Error]: again\\n' * 4096)"
    assert reason(await make(model, tmp_path, noisy)).endswith("on this host: again")


@pytest.mark.parametrize(
    ("status", "said"), [(-1, "does not load it"), (4, "could not answer (an error inside the engine)")]
)
async def test_model_that_the_wheel_refuses(model: Model, tmp_path: Path, status: int, said: str) -> None:
    script = "os.write(2, b'[Error]: Load module failed, please check model.\\n')"
    made = await make(model, tmp_path, script, answer(ALL[0], failed=status))
    assert reason(made) == f"the MNN wheel {said}: Load module failed, please check model"


async def test_host_without_the_wheel(model: Model, tmp_path: Path) -> None:
    made = await make(model, tmp_path, "raise ModuleNotFoundError(\"No module named 'MNN'\")")
    assert reason(made) == (
        "the MNN wheel could not be used on this host: ModuleNotFoundError: No module named 'MNN'"
    )


async def test_child_that_cannot_be_started(model: Model, tmp_path: Path) -> None:
    made = await make_fixture(model, tmp_path, child=[str(tmp_path / "nothing")], host=ROOM)
    assert "could not be used on this host: OSError" in reason(made)


async def test_model_beyond_this_hosts_memory_is_not_even_tried(model: Model, tmp_path: Path) -> None:
    little = HostRoom(available=1000, total=2000, disk=64 * GIB)
    made = await make_fixture(model, tmp_path, child=[str(tmp_path / "nothing")], host=little)
    assert "of memory, and this host has 1.0 kB free of 2.0 kB" in reason(made)


async def test_answers_are_asked_greedily_and_the_models_own_prompting_stays(
    model: Model, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    script = f"open({str(asked)!r}, 'w').write(sys.stdin.read())"
    await make(model, tmp_path, script, answer(ALL[0], LONG))
    question: dict[str, Any] = json.loads(asked.read_bytes())
    assert [prompt for kind in question["kinds"] for prompt in kind] == ALL
    assert question["most_tokens"] == ANSWER_TOKENS == 32
    settings = question["settings"]
    assert (settings["sampler_type"], settings["precision"], settings["attention_mode"]) == (
        "greedy",
        "high",
        8,
    )
    assert settings["use_mmap"] is False
    assert not {"jinja", "system_prompt", "use_template", "temperature"} & set(settings)


def test_prompts_are_lines_that_llm_demo_takes_for_one_prompt_each() -> None:
    assert len(set(ALL)) == 6
    for prompt in ALL:
        assert prompt.strip() == prompt != ""
        assert "\n" not in prompt
        assert not prompt.startswith("#")
        assert len(prompt) < 60
    assert any(not prompt.isascii() for prompt in PROMPTS[2])


async def test_weights_that_are_mapped_to_files_answer_alike(tmp_path: Path) -> None:
    catalog = ModelCatalog(Home(tmp_path / "home"))
    model = catalog.add(demo_model_dir())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    need = need_of(model, SETTINGS)
    tight = HostRoom(available=need.mapped, total=need.plain, disk=GIB)
    made = await make_fixture(model, scratch, host=tight)
    assert isinstance(made, Fixture)
    shipped = catalog.fixture(model)
    assert shipped is not None
    assert made.prompts == shipped.prompts
    assert list(scratch.rglob("*.static"))


@pytest.mark.parametrize(("file", "keep"), [("tokenizer.mtok", 9000), ("llm.mnn", 20)])
async def test_damage_at_which_the_wheel_itself_fails_or_crashes(
    tmp_path: Path, file: str, keep: int
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(demo_model_dir(), folder)
    (folder / file).write_bytes((folder / file).read_bytes()[:keep])
    catalog = ModelCatalog(Home(tmp_path / "home"))
    made = await catalog.make_fixture(catalog.add(folder))
    assert reason(made).startswith("the MNN wheel ")


async def test_demo_models_fixture_can_be_made_anew(tmp_path: Path) -> None:
    catalog = ModelCatalog(Home(tmp_path / "home"))
    model = catalog.add(demo_model_dir(), "another name")
    shipped = msgspec.json.decode(demo_fixture_file().read_bytes(), type=Fixture)
    assert catalog.fixture(model) == shipped
    heard: list[int] = []
    made = await catalog.make_fixture(model, heard=heard.append)
    assert heard[-1] == 3
    assert isinstance(made, Fixture)
    # Another version of the wheel may answer it, and must answer it so.
    assert msgspec.structs.replace(made, engine=shipped.engine) == shipped
    assert [len(prompt.pieces) for prompt in made.prompts] == [32, 32, 12]
    assert [prompt.ended for prompt in made.prompts] == [False, False, True]


@pytest.mark.parametrize(
    ("cosine", "size", "source"), [(0.99, 0, "checked"), (None, 0, "unchecked"), (0.99, 1, "unchecked")]
)
async def test_an_export_that_was_compared_with_its_source_says_so(
    tmp_path: Path, cosine: float | None, size: int, source: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(demo_model_dir(), folder)
    made = Provenance(
        devicehub="0.1.0",
        source=SourceFacts(name="tiny", folder="/tiny", sha256="", files=()),
        recipe="default",
        options={},
        argv=(),
        versions={},
        seconds=1,
        peak_bytes=1,
        exported_s=1,
        acceptance=AcceptanceFacts(cosine_mean=cosine, cosine_lowest=cosine, positions=1, skipped=""),
        sizes={"llm.mnn": (folder / "llm.mnn").stat().st_size + size},
    )
    (folder / PROVENANCE).write_bytes(msgspec.json.encode(made))
    model = ModelCatalog(Home(tmp_path / "home")).add(folder)
    fixture = await make_fixture(model, tmp_path, host=ROOM)
    assert isinstance(fixture, Fixture)
    assert fixture.source == source
