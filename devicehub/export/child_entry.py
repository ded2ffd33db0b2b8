"""Child process: llmexport's own main, kept from the network, its end told by a file.

Usage: python -P -m devicehub.export.child_entry RESULT [LLMEXPORT'S OPTIONS], in the folder where it may
write. Standard library only until the exporter is imported; what it prints goes to stdout in one stream.
RESULT appears by rename when it has ended, a `devicehub.export.result.ChildResult`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import resource
import sys
import time
import traceback
import types
from pathlib import Path
from typing import Any, Final

from devicehub.guard import be_expendable, end_with_parent

_LIBRARIES: Final = ("llmexport", "MNN", "torch", "transformers", "onnx", "numpy")


def main() -> None:
    """Export, publish the result and leave without Python's own clean-up."""
    # One stream, so that the log keeps the order in which things were said.
    os.dup2(1, 2)
    end_with_parent()
    be_expendable()
    result_file, *options = sys.argv[1:]
    began_s = time.monotonic()
    error = _export(options)
    told = {
        "error": error,
        "seconds": round(time.monotonic() - began_s, 3),
        "peak_bytes": _peak_bytes(),
        "versions": _versions(),
        "options": options,
    }
    sys.stdout.flush()
    _publish(Path(result_file), json.dumps(told))
    # torch and the wheel may crash or hang in their clean-up after good work.
    os._exit(1 if error else 0)


def _export(options: list[str]) -> str:
    """Run the exporter; what went wrong, empty where nothing did."""
    try:
        exporter = import_exporter()
        _mend(exporter, options)
        sys.argv = ["llmexport", *options]
        exporter.main()
    except SystemExit as leaving:
        if leaving.code in (None, 0):
            return ""
        # A stage that fails prints the error and leaves from within its handler.
        return (
            _describe(leaving.__context__) if leaving.__context__ else f"llmexport left with {leaving.code}"
        )
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
        traceback.print_exc()
        return _describe(error)
    return ""


def _mend(exporter: Any, options: list[str]) -> None:
    """Put right what llmexport lacks for this export; each part says what."""
    from devicehub.export import audio, awq, omni

    if "--awq" in options:
        awq.mend(importlib.import_module("utils.awq_quantizer").AwqQuantizer)
    if "--omni" in options:
        omni.mend(exporter.LlmExporter)
    if _model_type(options) == audio.MODEL_TYPE:
        mapper = importlib.import_module("utils.model_mapper").ModelMapper
        audio.mend(mapper, importlib.import_module("utils.audio").Qwen2Audio)


def _model_type(options: list[str]) -> object:
    source = Path(options[options.index("--path") + 1]) if "--path" in options else Path()
    try:
        config = json.loads((source / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    return config.get("model_type") if isinstance(config, dict) else None


def _describe(error: BaseException) -> str:
    if str(error):
        return f"{type(error).__name__}: {error}"
    # An assertion has no words but its own line.
    where = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{type(error).__name__}" + "".join(f" at `{frame.line}`" for frame in where)


def import_exporter() -> Any:
    """The module llmexport, with the wheel's telemetry replaced by nothing.

    Raises:
        ModuleNotFoundError: the extra is not installed.
    """
    # On import this module calls pip and asks for credentials on the network; then it reports conversions.
    stub = types.ModuleType("MNN.tools.utils.log")
    stub.__dict__["mnn_logger"] = None
    sys.modules["MNN.tools.utils.log"] = stub
    found = importlib.util.find_spec("llmexport")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("llmexport is not installed")
    # The package cannot be imported as one: its modules name each other as top-level ones.
    sys.path.insert(0, str(Path(found.origin).parent))
    return importlib.import_module("llmexport")


def _peak_bytes() -> int:
    # getrusage also counts what the parent had before this program was started in its place.
    with contextlib.suppress(OSError, StopIteration, ValueError, IndexError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _publish(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8")
    part.rename(file)


if __name__ == "__main__":
    main()
