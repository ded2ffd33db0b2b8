"""Backend, threads, attention and caches: what one backend does and another ignores. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.lint.keys import Kind
from devicehub.lint.reading import as_read, shown
from devicehub.lint.subject import error, note, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.findings import Finding
    from devicehub.lint.subject import Settings

_MOST_THREADS: Final = 32
_GPU_BUFFER: Final = 64
_GPU_IMAGE: Final = 128
_TUNINGS: Final = {1: "none", 2: "heavy", 4: "wide", 8: "normal", 16: "fast"}
"""MNNGpuMode in include/MNN/MNNForwardType.h."""
WITHOUT_KV_MODES: Final = frozenset({"opencl", "vulkan", "opengl", "cuda"})
_FLASH: Final = 8
_COARSE: Final = {3: "3 bit keys", 4: "3 bit keys and values", 5: "4 bit keys", 6: "4 bit keys and values"}
"""By attention_mode % 8."""
_SMALL_HEAD: Final = 64
_SMALL_MODEL: Final = 512
"""Width of a model whose heads are small whatever their number."""


def judge_hardware(settings: Settings) -> Iterator[Finding]:
    """What the backend makes of its settings."""
    yield from _threads(settings)
    yield from _attention(settings)
    yield from _chunks(settings)
    yield from _caches(settings)


def _threads(settings: Settings) -> Iterator[Finding]:
    place, threads = settings.place("thread_num"), settings.read("thread_num")
    if settings.backend == "opencl":
        # There it is no count of threads: the engine takes its bits for modes, and adds 64 and 512.
        tunings = [name for bit, name in _TUNINGS.items() if threads & bit]
        fix = "use 68: buffers, wide tuning"
        if not tunings:
            why = f"is {threads}: for OpenCL that is a set of bits, and none of them asks for a tuning"
            yield warning("tuning_none", place, f"{why}; MNN complains in its log and tunes wide", fix)
        elif len(tunings) > 1:
            why = f"is {threads}: for OpenCL that asks for tuning {' and '.join(tunings)} at once"
            yield warning("tuning_conflict", place, f"{why}, which MNN does not permit", fix)
        if threads & _GPU_IMAGE:
            why = f"is {threads}: for OpenCL that asks for images, and MNN adds buffers for language models"
            yield warning("tuning_conflict", place, why, fix)
    elif settings.backend == "cpu" and threads > _MOST_THREADS:
        why = f"is {threads}, and MNN has at most {_MOST_THREADS} threads on the CPU"
        yield warning("threads_too_many", place, why, "use the number of big cores, usually 4")


def _attention(settings: Settings) -> Iterator[Finding]:
    if settings.has("quant_qkv"):
        yield from _quant_qkv(settings)
    if not settings.has("attention_mode"):
        return
    place, mode = settings.place("attention_mode"), settings.read("attention_mode")
    if settings.backend in WITHOUT_KV_MODES:
        if mode != _FLASH:
            why = f"{settings.said('attention_mode')}, and {settings.backend} has one way only: it is ignored"
            yield warning("attention_mode_ignored", place, why, "remove it, or use backend_type cpu")
    elif settings.backend == "cpu":
        yield from _mode(settings, place, mode, settings.said("attention_mode"))


def _quant_qkv(settings: Settings) -> Iterator[Finding]:
    """Since 3.4 the engine takes it for attention_mode where there is none, whatever it meant before."""
    place = settings.place("quant_qkv")
    value = settings.merged["quant_qkv"]
    mode = as_read(Kind.WHOLE, value)
    why = f"is deprecated since MNN 3.4, which reads {shown(value)} as attention_mode {mode}"
    if settings.has("attention_mode"):
        yield warning(
            "key_deprecated", place, "is deprecated, and attention_mode stands there too", "remove it"
        )
    elif settings.backend in WITHOUT_KV_MODES:
        why = f"{why}, and {settings.backend} ignores that"
        yield warning(
            "key_deprecated", place, why, "remove it, or use backend_type cpu and attention_mode 10"
        )
    else:
        fix = "use attention_mode 10 (8 bit keys and values) or 8 (as they are)"
        yield warning("key_deprecated", place, why, fix)
        if settings.backend == "cpu":
            yield from _mode(settings, place, mode, f"is {shown(value)}")


def _mode(settings: Settings, place: str, mode: int, said: str) -> Iterator[Finding]:
    fix = "use attention_mode 10 (8 bit keys and values) or 8 (as they are)"
    if coarse := _COARSE.get(mode % 8):
        head = _head_dim(settings)
        hidden = settings.merged.get("hidden_size")
        is_small = isinstance(hidden, int) and -_SMALL_MODEL <= hidden <= _SMALL_MODEL
        flash = "" if mode // 8 == 1 else ", and FlashAttention off"
        if is_small if head is None else head <= _SMALL_HEAD:
            size = f"heads of {head}" if head is not None else f"a model that is {hidden} wide"
            yield error(
                "kv_mode_garbles", place, f"{said}: {coarse}{flash}; with {size} that is garbage", fix
            )
        else:
            why = f"{said}: {coarse}{flash}; with heads of 32 that was garbage, larger ones were not tried"
            yield warning("kv_mode_coarse", place, why, f"hold its answers against others, or {fix}")
    elif mode % 8 == 7 or mode // 8 > 1 or mode < 0:
        yield warning("attention_mode_unknown", place, f"{said}, which MNN does not know", fix)
    elif mode == 2:
        why = f"{said}: 8 bit values need FlashAttention, so only the keys get 8 bit"
        yield warning("kv_mode_partly", place, why, "use attention_mode 10")
    elif mode == _FLASH + 2 and settings.read("reuse_kv"):
        why = f"{said}, and reuse_kv is true: MNN takes 9, 8 bit for the keys alone"
        yield note("kv_mode_lowered", place, why)


def _head_dim(settings: Settings) -> int | None:
    # [2, 1, 0, 8, 128]: key and value, batch, tokens so far, heads, size of a head.
    shape = settings.merged.get("key_value_shape")
    last = shape[-1] if isinstance(shape, list) and len(shape) >= 2 else None
    return last if isinstance(last, int) and not isinstance(last, bool) and last > 0 else None


def _chunks(settings: Settings) -> Iterator[Finding]:
    if not settings.has("chunk_limits"):
        return
    place, limits = settings.place("chunk_limits"), settings.read("chunk_limits")
    if not isinstance(settings.merged["chunk_limits"], list) or len(limits) < 2:
        fix = "write two sizes or more, as in [128, 1], or remove it"
        yield warning(
            "chunk_limits_ignored", place, f"{settings.said('chunk_limits')}, no list of sizes", fix
        )
        return
    if settings.read("chunk"):
        yield warning("chunk_ignored", settings.place("chunk"), "is ignored: chunk_limits wins", "remove one")
    if settings.backend == "cpu" and not settings.is_for_npu:
        why = "is meant for the NPU; on the CPU it has changed a model's answers"
        yield warning("chunk_limits_cpu", place, why, "use chunk to save memory, or remove it")


def _caches(settings: Settings) -> Iterator[Finding]:
    if settings.has("tmp_path"):
        why = "is ignored by llm_demo and llm_bench, which take a folder of their own"
        yield note("tmp_path_overridden", settings.place("tmp_path"), why)
    place = settings.place("use_mmap")
    if not settings.read("use_mmap"):
        for name in ("mmap_size", "use_cached_mmap"):
            if settings.has(name):
                yield note("mmap_unused", settings.place(name), "does nothing while use_mmap is not true")
        return
    if settings.merged.get("is_visual") or settings.merged.get("is_audio"):
        why = "is true, and models that see or hear fail to load with it (alibaba/MNN#4403)"
        yield warning("mmap_multimodal", place, why, "set it to false")
    if str(settings.merged.get("model_type")).startswith("gemma4") and settings.read("use_cached_mmap"):
        why = "is true, and gemma4 crashes at its second load from such a cache (alibaba/MNN#4432)"
        yield warning("mmap_gemma4", place, why, 'set "use_cached_mmap": false')
    why = "is true: the first load writes all weights to the phone's storage once more, and is slow"
    yield note("mmap_writes", place, why)
