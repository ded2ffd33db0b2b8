"""The MNN wheel's language model, driven step by step as llm_demo drives it.

The wheel's Python methods cannot do that: `response` prints lines of its own to stdout and generates in one
go, and there is no tuning. The C++ methods beneath are exported by the wheel's shared library, so they are
called by their (Itanium ABI) names; none of them takes a string, whose layout depends on the compiler.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import SimError
from devicehub.sim.engine.profile import Profiler

if TYPE_CHECKING:
    from collections.abc import Sequence

_LLM: Final = "_ZN3MNN11Transformer3Llm"
_TUNING: Final = _LLM + "6tuningENS0_8TuneTypeESt6vectorIiSaIiEE"
_RESPONSE: Final = _LLM + "8responseERKSt6vectorIiSaIiEEPSoPKci"
_GENERATE: Final = _LLM + "8generateEi"
_SWITCH_MODE: Final = _LLM + "10switchModeENS1_5StageE"
_SET_CALLBACK: Final = (
    _LLM + "16setDebugCallbackEOSt8functionIFbRKSt6vectorIPNS_6TensorESaIS5_EEPKNS_12OperatorInfoEEESF_"
)
_OPERATOR: Final = (
    "_ZNK3MNN12OperatorInfo4nameEv",
    "_ZNK3MNN12OperatorInfo4typeEv",
    "_ZNK3MNN12OperatorInfo5flopsEv",
)
_NEW_EXECUTOR: Final = "_ZN3MNN7Express8Executor11newExecutorE14MNNForwardTypeRKNS_13BackendConfigEi"
_COUT: Final = "_ZSt4cout"
_OP_ENCODER_NUMBER: Final = 0
_TUNING_CANDIDATES: Final = (1, 5, 10, 20, 30, 50, 100)
_PREFILL, _DECODE = 0, 1
_SHARED_POINTER_BYTES: Final = 16
_BACKEND_CONFIG_BYTES: Final = 64


class Status(IntEnum):
    """MNN's LlmStatus."""

    NOT_LOADED = -1
    RUNNING = 0
    NORMAL_FINISHED = 1
    MAX_TOKENS_FINISHED = 2
    USER_CANCEL = 3
    INTERNAL_ERROR = 4
    TIMEOUT = 5


BROKEN: Final = frozenset({Status.NOT_LOADED, Status.USER_CANCEL, Status.INTERNAL_ERROR, Status.TIMEOUT})
"""States in which MNN refuses every call."""


@dataclass(frozen=True)
class Context:
    """What MNN counted since the last prompt began; times in microseconds."""

    status: int
    prompt_len: int
    gen_seq_len: int
    prefill_us: int
    decode_us: int
    sample_us: int
    vision_us: int
    audio_us: int
    pixels_mp: float
    audio_input_s: float
    output_tokens: Sequence[int]


class _IntVector(ctypes.Structure):
    """std::vector<int> in both C++ libraries: begin, end, end of storage."""

    _fields_ = (("begin", ctypes.c_void_p), ("end", ctypes.c_void_p), ("storage_end", ctypes.c_void_p))

    def __init__(self, values: Sequence[int]) -> None:
        self._storage = (ctypes.c_int * len(values))(*values)
        begin = ctypes.addressof(self._storage)
        end = begin + ctypes.sizeof(self._storage)
        super().__init__(begin, end, end)


def make_executor(forward_type: int) -> None:
    """Make what MNN runs models with on a backend; it says so where the engine lacks that backend.

    Raises:
        SimError: the MNN wheel cannot be used.
    """
    _, library = _load_wheel()
    (new_executor,) = _functions(library, _NEW_EXECUTOR)
    new_executor.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    # What it returns, a shared pointer, is written to the place that its first argument names.
    place = ctypes.create_string_buffer(_SHARED_POINTER_BYTES)
    new_executor(place, forward_type, ctypes.create_string_buffer(_BACKEND_CONFIG_BYTES), 1)


def make_profiler() -> Profiler:
    """A profiler of this wheel's operators.

    Raises:
        SimError: the MNN wheel cannot be used.
    """
    return Profiler(*_functions(_load_wheel()[1], *_OPERATOR))


def _load_wheel() -> tuple[Any, ctypes.CDLL]:
    try:
        wheel = importlib.import_module("_mnncengine")
    except ImportError as error:
        raise SimError(f"the MNN wheel cannot be loaded ({error}); install devicehub again") from error
    return wheel, ctypes.CDLL(wheel.__file__)


def _functions(library: ctypes.CDLL, *names: str) -> list[Any]:
    try:
        functions = [library[name] for name in names]
    except AttributeError as error:
        raise SimError(f"this MNN wheel cannot be driven by the virtual engine ({error})") from error
    for function in functions:
        function.restype = None
    return functions


class WheelModel:
    """One model of the wheel; what MNN itself prints goes to the C library's stdout, as in llm_demo.

    Raises:
        SimError: no MNN wheel is installed, it lacks what this needs, or the path is not UTF-8.
    """

    def __init__(self, config_path: str) -> None:
        wheel, library = _load_wheel()
        self._tuning, self._response, self._generate, self._switch_mode = _functions(
            library, _TUNING, _RESPONSE, _GENERATE, _SWITCH_MODE
        )
        try:
            self._cout = ctypes.addressof(ctypes.c_char.in_dll(library, _COUT))
        except ValueError as error:
            raise SimError(f"this MNN wheel cannot be driven by the virtual engine ({error})") from error
        self._tuning.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
        self._response.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int,
        ]
        self._generate.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._switch_mode.argtypes = [ctypes.c_void_p, ctypes.c_int]
        try:
            self._model: Any = wheel.llm.create(config_path, False)
        except UnicodeEncodeError as error:
            raise SimError(f"the MNN wheel takes no path that is not UTF-8: {config_path!r}") from error
        # The wheel's object is a Python object header and the pointer to the C++ object.
        self._this = ctypes.c_void_p.from_address(id(self._model) + object.__basicsize__).value

    def config(self) -> dict[str, Any]:
        """The merged configuration; empty where MNN could not read it."""
        try:
            config = json.loads(self._model.dump_config())
        except ValueError:
            return {}
        return config if isinstance(config, dict) else {}

    def set_config(self, values: dict[str, Any]) -> None:
        """Merge values over the configuration."""
        self._model.set_config(json.dumps(values))

    def load(self) -> bool:
        """Load tokenizer and weights; MNN has printed the reason where it fails."""
        return bool(self._model.load())

    def tune(self) -> None:
        """Run llm_demo's tuning: a few decode steps."""
        self._tuning(self._this, _OP_ENCODER_NUMBER, ctypes.byref(_IntVector(_TUNING_CANDIDATES)))

    def encode(self, prompt: bytes) -> list[int]:
        """The token ids of a prompt in the model's chat template."""
        # The wheel hands text back as UTF-8 only.
        text = prompt.decode(errors="replace")
        if self.config().get("use_template", True):
            text = self._model.apply_chat_template(text) or text
        return list(self._model.tokenizer_encode(text))

    def encode_chat(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """The token ids of a conversation in the model's chat template."""
        return list(self._model.tokenizer_encode(self._model.apply_chat_template(list(messages))))

    def respond(self, ids: Sequence[int], max_new_tokens: int) -> None:
        """Begin an answer and stream it to std::cout; a negative maximum is the configuration's own."""
        self._response(self._this, ctypes.byref(_IntVector(ids)), self._cout, None, max_new_tokens)

    def respond_silently(self, ids: Sequence[int], max_new_tokens: int) -> int:
        """Answer without a word; how long it took, in microseconds."""
        tokens = ctypes.byref(_IntVector(ids))
        began_ns = time.perf_counter_ns()
        self._response(self._this, tokens, None, None, max_new_tokens)
        return (time.perf_counter_ns() - began_ns) // 1000

    def surprise(self, ids: Sequence[int], *, shift: int = 0) -> list[float]:
        """The negative logarithm of the probability of each token but the first, given those before it.

        The configuration must ask for the logits of all tokens, before the model is loaded.

        Args:
            ids: what is read, without what was read before.
            shift: by so many places each token's probability is moved, which makes them wrong.
        """
        # Only here: it costs each start of an engine a tenth of a second.
        import numpy

        self._model.reset()
        value = self._model.forward(list(ids))
        logits = numpy.array(value.read(), dtype=numpy.float32, copy=True).reshape(len(ids), -1)
        # The process crashes at its end while a result of the engine is alive.
        del value
        logits = numpy.roll(logits[:-1], shift, axis=1)
        top = logits.max(axis=1, keepdims=True)
        norm = top[:, 0] + numpy.log(numpy.exp(logits - top).sum(axis=1))
        losses = norm - logits[numpy.arange(len(ids) - 1), list(ids[1:])]
        return [float(loss) for loss in losses]

    def profile(self, profiler: Profiler) -> None:
        """Tell a profiler of each operator that runs; it must outlive the model."""
        self.set_config({"enable_debug": True})
        (set_callback,) = _functions(_load_wheel()[1], _SET_CALLBACK)
        set_callback.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        set_callback(self._this, ctypes.byref(profiler.before), ctypes.byref(profiler.after))

    def begin_prefill(self) -> None:
        """Prepare a GPU for a prompt."""
        self._switch_mode(self._this, _PREFILL)

    def begin_decode(self) -> None:
        """Prepare a GPU for an answer."""
        self._switch_mode(self._this, _DECODE)

    def step(self) -> None:
        """Generate one more token."""
        self._generate(self._this, 1)

    def stopped(self) -> bool:
        """Whether the last token ends the answer; MNN prints an error line in a broken state."""
        return bool(self._model.stoped())

    def fail(self) -> None:
        """Put the model into the state of an internal error."""
        self._model.set_context({"status": int(Status.INTERNAL_ERROR)})

    def context(self) -> Context:
        """MNN's counters now."""
        # get_context crashes where the answer so far ends amid a UTF-8 character; nothing reads it back.
        self._model.set_context({"generate_str": ""})
        values = self._model.get_context()
        return Context(**{name: values[name] for name in Context.__dataclass_fields__})

    def text_of(self, tokens: Sequence[int]) -> str:
        """The text of tokens; pieces of characters are lost."""
        pieces: list[str] = []
        for token in tokens:
            try:
                pieces.append(self._model.tokenizer_decode(token))
            except UnicodeDecodeError:
                pieces.append("\N{REPLACEMENT CHARACTER}")
        return "".join(pieces)
