"""MnnLlmChat as a workload: what is asked of the app, how it is started, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.errors import InputError
from devicehub.workloads.kinds import Start
from devicehub.workloads.mnn_chat_bench import AppBenchmark, benchmark_from
from devicehub.workloads.mnn_chat_http import PORT
from devicehub.workloads.mnn_chat_wire import PACKAGE
from devicehub.workloads.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.workloads.kinds import Place

PACKAGES: Final = (PACKAGE, f"{PACKAGE}.release")
"""The names that the app is installed under: a debug build, and a release build of MNN's own project."""
CHAT: Final = f"{PACKAGE}.chat.ChatActivity"
MAIN: Final = f"{PACKAGE}.main.MainActivity"
API_SERVICE: Final = "com.alibaba.mnnllm.api.openai.service.OpenAIService"

LOG_TAGS: Final = (
    "MNN_DEBUG:V", "MNNJNI:V", "LlmSession:I", "ChatPresenter:I", "ChatActivity:I", "BenchmarkService:D",
    "CrashUtil:V", "AndroidRuntime:E", "DEBUG:V", "libc:V", "linker:V", "crash_dump64:V", "crash_dump32:V",
    "tombstoned:V", "lowmemorykiller:V", "lmkd:V", "ActivityManager:I", "ActivityTaskManager:I",
    "am_anr:V", "liblog:V", "chatty:V",
)  # fmt: skip
"""What the capture on the phone keeps; Kotlin's tags without their debug lines, which hold whole prompts."""

LIMIT_S: Final = 3600
"""How long the app may run where the caller gives no limit."""


@dataclass(frozen=True)
class AppPlan:
    """What one launch asks of the app: to answer prompts, or to measure itself.

    Attributes:
        model_dir: the model's folder on the phone, which holds its config.json.
        model_name: what the app shows.
        prompts: asked one by one, each without the others' history.
        benchmark: what is measured where there are no prompts.
        package: the name that the app is installed under.
        debuggable: whether that build has debug commands; None where it is not known.
        api_port: where that API listens unless the app itself tells.
        limit_s: the app is ended then.
    """

    model_dir: str
    model_name: str
    prompts: tuple[str, ...] = ()
    benchmark: AppBenchmark | None = None
    package: str = PACKAGE
    debuggable: bool | None = None
    api_port: int = PORT
    limit_s: int = LIMIT_S

    @property
    def model_id(self) -> str:
        """How the app names a model of /data/local/tmp/mnn_models: `local/` and its absolute path."""
        return f"local/{self.model_dir}"


def start(plan: AppPlan, place: Place, agent_dir: str) -> Start:
    """How the launch is started: the agent's app.sh starts the app and lives as long as it is needed.

    ChatActivity loads the model that its extras name. A benchmark loads the model itself, so the app begins
    at its main screen: two copies of a model fit few phones.
    """
    extras: tuple[str, ...] = ()
    if plan.benchmark is None:
        extras = (
            *("--es", "modelId", plan.model_id),
            *("--es", "modelName", plan.model_name),
            *("--es", "configFilePath", f"{plan.model_dir}/config.json"),
        )
    component = f"{plan.package}/{MAIN if plan.benchmark else CHAT}"
    script = ("sh", f"{agent_dir}/app.sh", place.launch_dir, str(plan.limit_s), plan.package, component)
    return Start((*script, *extras))


def plan_prompts(prompts: bytes) -> tuple[str, ...]:
    """The prompts of a prompt file, one a line.

    Raises:
        InputError: a prompt that the app's debug command would take for its own options.
    """
    lines = tuple(prompts.decode("utf-8", "replace").removesuffix("\n").split("\n")) if prompts else ()
    for number, line in enumerate(lines, 1):
        if line in ("--force-reload", "--use-app-config"):
            raise InputError(
                f"prompt line {number}", f"is {line}, an option of the app's own", remedy="reword it"
            )
    return lines


def plan_benchmark(
    *, profile: str | None, overrides: Mapping[str, Any], has_prompts: bool
) -> AppBenchmark | None:
    """The benchmark that is asked for; None where prompts are.

    Raises:
        InputError: a run profile or a setting that the app would not take.
    """
    if profile is not None:
        raise InputError(
            f"profile {profile}",
            "has no effect on MnnLlmChat, which reads the model's own config.json",
            remedy="leave it out, or run workload demo",
        )
    if not has_prompts:
        return benchmark_from(overrides)
    for key in overrides:
        raise InputError(
            f"--set {key}",
            "has no effect on MnnLlmChat, which reads the model's own config.json",
            remedy="leave it out, or measure with the app's benchmark (no prompt)",
        )
    return None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answered prompt.

    Attributes:
        prompt_tokens: as the app counted them; None where its channel does not say, or max_new_tokens cut the
            answer.
        first_s: from the request to the first piece of text, as this host saw it; None where it came whole.
        last_s: from the request to the last piece.
    """

    text: str
    prompt_tokens: int | None = None
    decode_tokens: int | None = None
    first_s: float | None = None
    last_s: float | None = None


class AppReply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back from the app.

    Attributes:
        channel: dumpapp or api; None where neither could be had.
        cause: a slug of `failures` where the app could not be asked, or did not answer; None otherwise.
        evidence: the lines that prove it.
        answers: in the order of the prompts.
        asked: requests that were sent, those whose answer was lost with the link among them.
        measured: the app's own benchmark.
    """

    channel: str | None = None
    cause: str | None = None
    evidence: list[str] = []
    answers: list[Answer] = []
    asked: int = 0
    measured: Record | None = None

    @property
    def text(self) -> str | None:
        """All that the model said, one answer after the other; None where it was not asked."""
        return "".join(f"{answer.text}\n" for answer in self.answers) if self.answers else None

    def records(self, model: str | None = None) -> list[Record]:
        """The figures that came with the reply: the benchmark's, or what this host timed of the API.

        The API counts tokens and times nothing, and the app logs no PERF line for what comes over it.
        """
        if self.measured is not None:
            return [self.measured]
        return [_timed(answer, model) for answer in self.answers if answer.decode_tokens is not None]

    @property
    def remarks(self) -> list[str]:
        """Why the figures are not the engine's own."""
        if self.measured is None and any(answer.first_s is not None for answer in self.answers):
            return ["the app does not time its API: the figures were timed by this host, over adb"]
        return []


def _timed(answer: Answer, model: str | None) -> Record:
    first_s, tokens = answer.first_s, answer.decode_tokens
    decode_s = None if first_s is None or answer.last_s is None else answer.last_s - first_s
    # The first token belongs to the prefill: what follows it was decoded meanwhile.
    decode_tok_s = (tokens - 1) / decode_s if decode_s and tokens and tokens > 1 else None
    return Record(
        tool="mnn_chat",
        source="api",
        model=model,
        prompt_tokens=answer.prompt_tokens,
        decode_tokens=tokens,
        prefill_s=first_s,
        decode_s=decode_s,
        prefill_tok_s=answer.prompt_tokens / first_s if answer.prompt_tokens and first_s else None,
        decode_tok_s=decode_tok_s,
    )


def encode_reply(reply: AppReply) -> bytes:
    """A reply as the hub notes it in the launch's folder, so that a later hub goes on from there."""
    return msgspec.json.encode(reply)


def decode_reply(data: bytes) -> AppReply:
    """A noted reply; an empty one where the note is none."""
    try:
        return msgspec.json.decode(data, type=AppReply)
    except msgspec.MsgspecError:
        return AppReply()


def join_lines(lines: Sequence[str], most: int = 5) -> list[str]:
    """The first lines that say something, each as one line of at most 300 characters."""
    return [" ".join(line.split())[:300] for line in lines if line.strip()][:most]
