"""How a launch of the app is started (MNN 4d40bdbd), and what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devicehub.errors import InputError
from devicehub.workloads.kinds import Place
from devicehub.workloads.mnn_chat_bench import AppBenchmark
from devicehub.workloads.mnn_chat_plan import (
    Answer,
    AppPlan,
    AppReply,
    decode_reply,
    encode_reply,
    join_lines,
    plan_benchmark,
    plan_prompts,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE = Place("", "", "", "/r", "/r/1")
MODEL = "/data/local/tmp/mnn_models/X y"


def test_the_chat_screen_is_told_which_model_to_load() -> None:
    # ChatActivity.kt:118-123 takes modelId and modelName; ChatPresenter.kt:110 configFilePath;
    # LocalModelsProvider.kt:18-20 makes the id: local/ and the absolute path.
    begun = start(AppPlan(MODEL, "X y", ("hi",), limit_s=60), PLACE, "/a")
    package = "com.alibaba.mnnllm.android"
    assert begun.argv == (
        *("sh", "/a/app.sh", "/r/1", "60", package, f"{package}/{package}.chat.ChatActivity"),
        *("--es", "modelId", f"local/{MODEL}", "--es", "modelName", "X y"),
        *("--es", "configFilePath", f"{MODEL}/config.json"),
    )


def test_a_release_build_has_another_package_and_the_same_classes() -> None:
    # app/build.gradle:122-127: applicationIdSuffix ".release"
    plan = AppPlan(MODEL, "X", ("hi",), package="com.alibaba.mnnllm.android.release")
    component = "com.alibaba.mnnllm.android.release/com.alibaba.mnnllm.android.chat.ChatActivity"
    assert start(plan, PLACE, "/a").argv[4:6] == (plan.package, component)


def test_a_benchmark_begins_at_the_main_screen_which_loads_no_model() -> None:
    begun = start(AppPlan(MODEL, "X", benchmark=AppBenchmark()), PLACE, "/a")
    assert begun.argv[-1].endswith(".main.MainActivity")


def test_prompts_one_a_line() -> None:
    assert plan_prompts("a\nß 😀\n".encode()) == ("a", "ß 😀")
    assert plan_prompts(b"") == ()


def test_only_line_feeds_end_a_prompt() -> None:
    text = "a\u2028b\x0bc\x85d"
    assert plan_prompts(f"{text}\n".encode()) == (text,)


@pytest.mark.parametrize("option", ["--force-reload", "--use-app-config"])
def test_a_prompt_that_the_app_would_take_for_an_option(option: str) -> None:
    # LlmDumperPlugin.kt:287-290
    with pytest.raises(InputError, match="line 2"):
        plan_prompts(f"a\n{option}\n".encode())


@pytest.mark.parametrize(
    ("profile", "overrides", "has_prompts"),
    [
        ("default", {}, True),
        ("default", {}, False),
        (None, {"thread_num": 2}, True),
        (None, {"precision": "low"}, False),
    ],
)
def test_what_the_app_would_not_heed(
    profile: str | None, overrides: Mapping[str, Any], *, has_prompts: bool
) -> None:
    with pytest.raises(InputError):
        plan_benchmark(profile=profile, overrides=overrides, has_prompts=has_prompts)


def test_prompts_or_a_benchmark() -> None:
    assert plan_benchmark(profile=None, overrides={}, has_prompts=True) is None
    assert plan_benchmark(profile=None, overrides={"gen": 8}, has_prompts=False) == AppBenchmark(gen=8)


def test_a_reply_is_noted_and_read_back() -> None:
    reply = AppReply(
        channel="api",
        asked=2,
        answers=[Answer(text="é\n", prompt_tokens=3, decode_tokens=2, first_s=0.5, last_s=0.75)],
    )
    assert decode_reply(encode_reply(reply)) == reply
    assert decode_reply(b"") == decode_reply(b"[1") == decode_reply(b'{"asked": "x"}') == AppReply()


def test_answers_stand_one_after_the_other() -> None:
    assert AppReply().text is None
    assert AppReply(answers=[Answer(text="a"), Answer(text="")]).text == "a\n\n"


def test_lines_for_a_person() -> None:
    assert join_lines(["", " a\tb \n", "x" * 400, *"cdefg"]) == ["a b", "x" * 300, "c", "d", "e"]
