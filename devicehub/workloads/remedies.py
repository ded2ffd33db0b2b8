"""What a person can do about a cause, with the thing named where a line names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.workloads.failures import BY_SLUG

if TYPE_CHECKING:
    from collections.abc import Sequence

_BACKENDS: Final = {
    "1": "Metal", "2": "CUDA", "3": "OpenCL", "5": "NN (NPU)", "6": "OpenGL", "7": "Vulkan", "10": "Hexagon",
}  # fmt: skip
"""MNNForwardType: what `Can't Find type=N backend` counts."""

_LIBRARY: Final = r"(?P<name>[\w.+-]+\.so(?:\.\d+)*)"
_PATH: Final = r"(?P<name>/?[^\s:'\"]+)"

_NAMED: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "link_error": (
        (rf'library "{_LIBRARY}" not found', "push {name} beside the program: it is missing"),
        (
            rf"{_LIBRARY}: cannot open shared object file",
            "push {name} beside the program: it is missing",
        ),
        (
            r'cannot locate symbol "(?P<name>[^"]+)" referenced by "(?P<by>[^"]+)"',
            "push all files of one build: {by} needs {name}, which no library there has",
        ),
    ),
    "dlopen_error": (
        (
            rf'library "{_LIBRARY}" (?:not found|.*not accessible)',
            "push {name}, or take a backend without it; an app may open public libraries and its own only",
        ),
        (
            rf'"[^"]*?{_LIBRARY}" (?:is \d+-bit|has unexpected e_machine)',
            "push {name} for the program's own ABI",
        ),
    ),
    "qnn_error": (
        (
            r"(?P<name>lib\w*[Ss]kel\w*\.so)",
            "push the {name} of this chip, of one SDK with all other libQnn*.so, and set ADSP_LIBRARY_PATH",
        ),
        (rf'library "{_LIBRARY}" not found', "push {name} and all other libQnn*.so, of one SDK"),
    ),
    "hexagon_error": (
        (
            r"(?P<name>lib\w*[Ss]kel\w*\.so)",
            "push the {name} that was built for this chip's DSP, and set ADSP_LIBRARY_PATH to its folder",
        ),
        (r"(?P<name>libMNN_htpops\.so)", "push {name} beside the program"),
        (r"(?P<name>libcdsprpc\.so)", "this phone gives programs no {name}: take another backend"),
    ),
    "backend_fallback": (
        (
            r"Can't Find type=(?P<backend>\d+) backend",
            "take an engine built with {name}, push its library beside it, or ask for backend_type cpu",
        ),
    ),
    "model_missing": ((rf"not found: {_PATH}", "push the model again: {name} is missing"),),
    "weight_missing": ((rf"(?:not found|not exist): {_PATH}", "push the model again: {name} is missing"),),
    "tokenizer_missing": (
        (
            rf"not found: {_PATH}",
            "push {name} or name another tokenizer_file; config.json may have no comments or trailing commas",
        ),
    ),
    "config_missing": (
        (rf"config file: {_PATH}", "give the full path of a config.json: {name} is not there"),
    ),
    "llm_config_missing": ((rf"config file: {_PATH}", "push {name} beside config.json"),),
    "file_unreadable": ((rf"\?\): {_PATH}", "chmod 644 {name} and 755 its folder"),),
    "file_missing": ((rf"open file: ?{_PATH}", "push the model again: {name} is missing"),),
    "embedding_missing": ((rf"open file: ?{_PATH}", "push the model again: {name} is missing"),),
    "speculative_load_failed": (
        (
            r"(?:load \w+ model|Can't open file:) ?(?P<name>\S+\.mnn)",
            "push {name}, or leave speculative_type out",
        ),
    ),
    "input_missing": ((rf"Can't open \w+:? ?{_PATH}", "push {name} and name it by its path on the phone"),),
    "prompt_missing": (
        (rf"prompt file is {_PATH}", "{name} is missing or empty: give a prompt file with at least one line"),
    ),
    "log_loss": (
        (
            r"log reached its bound",
            "make fewer launches in one run, or stop what floods the phone's log",
        ),
        (
            r"capture of the phone's log ended",
            "repeat; the file `agent` in the run's folder on the phone has logcat's last words",
        ),
    ),
    "usage_error": (
        (
            r"argument: (?P<name>\S+)",
            "leave out or correct {name}: this version of the tool does not take it so",
        ),
    ),
}
"""By cause: what a line of the evidence looks like, and the remedy with what it names."""


def find_remedy(cause: str | None, evidence: Sequence[str]) -> str | None:
    """The remedy of a cause; it names the file, library, backend or option at fault where a line does."""
    failure = BY_SLUG.get(cause or "")
    if failure is None:
        return None
    for pattern, template in _NAMED.get(failure.slug, ()):
        for line in evidence:
            match = re.search(pattern, line)
            if match:
                return template.format_map(_words(match))
    return failure.remedy


def _words(match: re.Match[str]) -> dict[str, str]:
    found = match.groupdict()
    if "backend" in found:
        return {"name": _BACKENDS.get(found["backend"], f"backend {found['backend']}")}
    return {name: value.rstrip(".,;") for name, value in found.items() if value is not None}


def where_figures_went(pid: int | None, *, was_captured: bool) -> str:
    """Where to look for the counters of an engine that prints to the log, when none were read."""
    process = f"process {pid}" if pid is not None else "the engine"
    if was_captured:
        return (
            f"this engine prints its counters to logcat (tag MNNJNI), and the log has none of {process}: "
            "see the lines it does have, or build the engine with -DMNN_USE_LOGCAT=OFF"
        )
    return (
        "this engine was built with MNN_USE_LOGCAT: its counters are in the phone's log (tag MNNJNI); "
        "give the log as well, or build the engine with -DMNN_USE_LOGCAT=OFF"
    )
