"""One loaded model of the app, as its LlmSession is: what it logs and what it hands back.

Lines and their order are those of LlmSession.kt, llm_mnn_jni.cpp and llm_session.cpp. Only `generate` logs a
PERF line; `submit_full_history`, by which the API and a plain `dumpapp llm run` go, logs none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.app import log
from devicehub.sim.app.engine import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devicehub.sim.app.engine import Engine
    from devicehub.sim.engine.wheel import Context

    Listener = Callable[[str], bool | None]
    """Takes each piece of an answer; true ends the answer."""

TAG: Final = "LlmSession"
_SYSTEM_PROMPT: Final = "You are a helpful assistant."
_MAX_NEW_TOKENS: Final = 2048
_CAUSES: Final = (
    ". Common causes: model file (.mnn) missing or corrupted, wrong backend (e.g. NPU on CPU-only device),"
    " insufficient memory."
)
# The keys of a config.json that the app reads (ModelConfig.kt); all others are the engine's alone.
_KNOWN_KEYS: Final = (
    *("llm_model", "llm_weight", "backend_type", "thread_num", "precision", "use_mmap", "memory"),
    *("system_prompt", "prompt_cache", "sampler_type", "mixed_samplers", "temperature", "topP", "topK"),
    *("minP", "tfsZ", "typical", "penalty", "n_gram", "ngram_factor", "max_new_tokens"),
    *("assistant_prompt_template", "penalty_sampler", "jinja", "visual_model"),
)


class LoadError(Exception):
    """The model could not be loaded.

    Attributes:
        thrown: the exception as Java prints it.
        foreseen: whether the app expects one of its kind.
    """

    def __init__(self, message: str, thrown: str, *, foreseen: bool) -> None:
        super().__init__(message)
        self.thrown = thrown
        self.foreseen = foreseen


class Session:
    """A model and its conversation.

    Attributes:
        model_id: as the app names it.
        loaded: whether it can answer.
    """

    def __init__(
        self, engine: Engine, model_id: str, config_path: str, *, backend: str | None = None
    ) -> None:
        self.model_id = model_id
        self._engine = engine
        self._config_path = config_path
        self._backend = backend
        self._model: Model | None = None
        self._history: list[tuple[str, str]] = []
        self._limit = _MAX_NEW_TOKENS

    @property
    def loaded(self) -> bool:
        """Whether it can answer."""
        return self._model is not None

    @property
    def model(self) -> Model:
        """The engine's model; it must be loaded."""
        assert self._model is not None
        return self._model

    @property
    def system_prompt(self) -> str:
        """What the conversation begins with."""
        return self._history[0][1] if self._history else _SYSTEM_PROMPT

    def load(self) -> None:
        """Load the model.

        Raises:
            LoadError: it cannot be.
            SimError: the wheel cannot be used.
        """
        log.debug(TAG, f"MNN_DEBUG load begin modelId: {self.model_id} backend: {self._backend or 'null'}")
        config = self._read_config()
        self._limit = _whole(config.get("max_new_tokens"), _MAX_NEW_TOKENS)
        system = str(config.get("system_prompt", _SYSTEM_PROMPT))
        self._history = [("system", system)]
        log.debug(TAG, "MNN_DEBUG load initNative")
        log.native(f"createLLM BeginLoad {self._config_path}")
        model = Model(self._engine, self._config_path)
        log.native(f"extra_config: {json.dumps(config, ensure_ascii=False)}")
        model.set_config(config)
        log.native(f"dumped config: {json.dumps(model.config(), ensure_ascii=False)}")
        loaded = model.load()
        reason = f"Module load failed for config: {self._config_path}{_CAUSES}"
        if not loaded:
            log.native(f"Model load() returned false: {reason}")
        address = _address(model)
        log.native(f"LIFECYCLE: LlmSession CREATED at {address}, load_success={int(loaded)}")
        if not loaded:
            log.native(f"Model load failed, cleaning up LlmSession: {reason}")
            log.native(f"LIFECYCLE: LlmSession DESTROYED at {address}")
            thrown = f"java.lang.IllegalStateException: {reason}\n\tat {_FRAME}.initNative(Native Method)"
            raise LoadError(reason, thrown, foreseen=True)
        log.native(f"createLLM EndLoad {_signed(address)} ")
        log.debug(TAG, "MNN_DEBUG load initNative end")
        self._model = model

    def generate(self, prompt: str, on_text: Listener) -> Context:
        """Answer a prompt within the conversation, as the chat's screen does; logs the PERF line."""
        log.debug(TAG, f"start generate prompt: {prompt}")
        log.debug(TAG, f"MNN_DEBUG submit{prompt}")
        self._history.append(("user", prompt))
        log.native(f"submitNative history count {len(self._history)}")
        texts = "".join(text for _, text in self._history)
        log.native(f"submitNative prompt_string_for_debug count {texts} max_new_tokens_:{self._limit}")
        log.native("No multimodal content detected, using regular text API")
        answer, ended = self._answer(self._history, on_text)
        if ended:
            log.native(f"submitNative Result {answer}")
        if answer:
            self._history.append(("assistant", _without_thoughts(answer)))
        context = self.model.context()
        prefill_s, decode_s = context.prefill_us / 1e6, context.decode_us / 1e6
        log.native(
            f"PERF | prefill: {context.prompt_len} tok in {prefill_s:.2f}s"
            f" ({_speed(context.prompt_len, prefill_s):.1f} t/s)"
            f" | decode: {context.gen_seq_len} tok in {decode_s:.2f}s"
            f" ({_speed(context.gen_seq_len, decode_s):.1f} t/s) | history: {len(self._history)} msgs"
        )
        return context

    def submit_full_history(self, history: Sequence[tuple[str, str]], on_text: Listener) -> Context:
        """Answer a whole conversation of (role, text), as the API does; no PERF line."""
        log.debug(TAG, f"MNN_DEBUG submitFullHistory with {len(history)} messages")
        log.native(f"submitNative history count {len(history)}")
        told = "".join(f"[{role}]: {text}\n" for role, text in history)
        log.native(f"submitNative prompt_string_for_debug:\n{told}\nmax_new_tokens_:{self._limit}")
        log.native("ResponseWithHistory: No multimodal content detected, using regular text API")
        answer, ended = self._answer(history, on_text)
        if ended:
            log.native(f"ResponseWithHistory Result {answer}")
        return self.model.context()

    def release(self) -> None:
        """Unload the model."""
        pointer = _signed(_address(self._model)) if self._model is not None else 0
        log.debug(TAG, f"MNN_DEBUG release nativePtr: {pointer} mGenerating: false")
        if self._model is not None:
            log.native(f"LIFECYCLE: LlmSession DESTROYED at {_address(self._model)}")
            self._model = None

    def _answer(self, history: Sequence[tuple[str, str]], on_text: Listener) -> tuple[str, bool]:
        answer = ""
        for text in self.model.answer(history, self._limit):
            answer += text
            if on_text(text):
                break
        return answer, self.model.ended()

    def _read_config(self) -> dict[str, Any]:
        """The part of config.json that the app passes on.

        Raises:
            LoadError: the app may not read it, or it is no JSON object.
        """
        try:
            if not self._engine.paths.readable(self._config_path):
                raise PermissionError
            config = json.loads(Path(self._engine.paths.host(self._config_path)).read_bytes())
        except (OSError, ValueError) as error:
            config = None
            kind = (
                f"java.io.FileNotFoundException: {self._config_path}: open failed: EACCES (Permission denied)"
                if isinstance(error, OSError)
                else "com.google.gson.JsonSyntaxException: com.google.gson.stream.MalformedJsonException"
            )
            log.warning("System.err", kind)
        if not isinstance(config, dict):
            # Its Kotlin takes the missing configuration for granted.
            thrown = f"java.lang.NullPointerException\n\tat {_FRAME}.load(LlmSession.kt:74)"
            raise LoadError("no configuration", thrown, foreseen=False)
        known = {key: value for key, value in config.items() if key in _KNOWN_KEYS}
        if self._backend is not None:
            known["backend_type"] = self._backend
        return {**known, "use_mmap": False}


_FRAME: Final = "com.alibaba.mnnllm.android.llm.LlmSession"


def _address(model: object) -> str:
    """A pointer as bionic prints one: tagged, on arm64."""
    return f"0xb4000070{id(model) & 0xFFFFFFFF:08x}"


def _signed(address: str) -> int:
    """A pointer as Java's long, which has a sign."""
    return int(address, 16) - (1 << 64)


def _speed(tokens: int, seconds: float) -> float:
    return tokens / seconds if seconds > 0 else 0.0


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _without_thoughts(text: str) -> str:
    begin, think, rest = text.partition("<think>")
    if think:
        _, end, after = rest.partition("</think>")
        text = begin + after if end else text
    return text.lstrip()
