"""The MNN wheel inside the app's process: loads a model, answers a conversation, and hands over the text.

std::cout of the C library is a pipe of this process's own, MNN's own rows go to the log as in every build of
the app (tag MNNJNI).
"""

from __future__ import annotations

import codecs
import contextlib
import os
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.android import logd
from devicehub.sim.engine.log import ENGINE_TAG, HUB_TAG, RowForwarder
from devicehub.sim.engine.paths import host_config
from devicehub.sim.engine.scenario import APP, Opener
from devicehub.sim.engine.stdio import Stdio
from devicehub.sim.engine.wheel import BROKEN, Context, WheelModel
from devicehub.sim.process.pipes import wide_pipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devicehub.sim.app.files import PhonePaths

_REQUIRED: Final = (
    ("tokenizer_file", "tokenizer.txt", "tokenizer file"),
    ("llm_model", "llm.mnn", "LLM model file"),
    ("llm_weight", "llm.mnn.weight", "LLM weight file"),
)
"""Keys of a configuration, their defaults, and how MNN names the file (llm.cpp, Llm::load)."""
_MAX_READ: Final = 1 << 16


class TextPipe:
    """What the engine writes to std::cout, as whole characters.

    What was stdout stays open beside it: whoever reads that sees the end of the process.
    """

    def __init__(self) -> None:
        self.former_stdout = os.dup(1)
        self._reader, writer = wide_pipe()
        os.set_blocking(self._reader, False)
        os.dup2(writer, 1)
        os.close(writer)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self) -> str:
        """The characters written since the last call."""
        text = ""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._reader, _MAX_READ):
                text += self._decoder.decode(data)
        return text


def start_row_forwarder(root: str) -> int:
    """Start what logs MNN's rows in this process's name, without `root` in their paths; where it reads them.

    It forks: call it before there is a thread.
    """

    def write(*, priority: str, tag: str, pid: int, message: bytes) -> None:
        logd.write(priority=priority, tag=tag, pid=pid, message=message.replace(os.fsencode(root), b""))

    return RowForwarder(write).fd


class Engine:
    """The C side of the process.

    Args:
        paths: the phone's files.
        threads: the most that a model may use.
        rows: where MNN's own rows go, from `start_row_forwarder`.
    """

    def __init__(self, paths: PhonePaths, *, threads: int, rows: int) -> None:
        self.paths = paths
        self.threads = threads
        self.text = TextPipe()
        self._stdio = Stdio()
        self._stdio.divert_engine(rows)

    def open_model(self, config_path: str) -> WheelModel:
        """A model of the wheel, to which happens what the phone wants.

        Raises:
            SimError: the wheel or the script cannot be used.
        """
        return Opener(self._stdio, _note, tool=APP)(config_path)

    def row(self, text: str) -> None:
        """A row that MNN prints at once with others of its own."""
        logd.write(priority="E", tag=ENGINE_TAG, message=text)


def _note(text: str) -> None:
    logd.write(priority="I", tag=HUB_TAG, message=text)


class Model:
    """One model in the engine.

    Raises:
        SimError: the wheel cannot be used.
    """

    def __init__(self, engine: Engine, config_path: str) -> None:
        self._engine = engine
        self._config_path = config_path
        self._ended = False
        with host_config(engine.paths.host(config_path)) as path:
            self._wheel = engine.open_model(path)

    def set_config(self, values: Mapping[str, Any]) -> None:
        """Merge values over the configuration; threads are granted as far as the phone's host can bear."""
        self._wheel.set_config(dict(values))
        asked = self._wheel.config().get("thread_num", 4)
        used = min(asked, self._engine.threads) if isinstance(asked, int) else self._engine.threads
        if used != asked:
            self._wheel.set_config({"thread_num": used})

    def config(self) -> dict[str, Any]:
        """The merged configuration."""
        return self._wheel.config()

    def load(self) -> bool:
        """Load tokenizer and weights; false where a file is missing, broken or not for the app to read."""
        config = self._wheel.config()
        folder = self._config_path[: self._config_path.rfind("/") + 1]
        base = str(config.get("base_dir", folder))
        for key, default, name in _REQUIRED:
            path = self._engine.paths.phone(f"{base}{config.get(key, default)}")
            if not self._engine.paths.exists(path):
                self._engine.row(f"[Error]: {name} not found: {path}")
                return False
            if not self._engine.paths.readable(path):
                self._engine.row(f"[Error]: Failed to open {name} (permission denied?): {path}")
                return False
        return self._wheel.load()

    def answer(self, messages: Sequence[tuple[str, str]], limit: int) -> Iterator[str]:
        """Answer a conversation of (role, text); yields the text as it comes, up to `limit` tokens."""
        self._engine.text.take()
        self._ended = False
        ids = self._wheel.encode_chat([{"role": role, "content": text} for role, text in messages])
        if self.broken() or not ids:
            return
        self._wheel.respond(ids, 0)
        for _ in range(limit):
            self._wheel.step()
            text = self._engine.text.take()
            broken = self.broken()
            self._ended = not broken and self._wheel.stopped()
            # The wheel ends an answer with a line end of its own, where the app sets another mark.
            text = text.removesuffix("\n") if self._ended else text
            if text:
                yield text
            if broken or self._ended:
                return

    def ended(self) -> bool:
        """Whether the last answer ended by itself, and was not cut at its longest."""
        return self._ended

    def run_tokens(self, tokens: Sequence[int], limit: int) -> Context:
        """Prefill tokens and decode `limit` more, for a benchmark; what came of it."""
        self._wheel.respond_silently(tokens, limit)
        return self._wheel.context()

    def broken(self) -> bool:
        """Whether MNN refuses every call."""
        return self._wheel.context().status in BROKEN

    def context(self) -> Context:
        """MNN's counters now."""
        return self._wheel.context()
