"""How a judged engine is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.cli.output import print_table, terminal_width
from devicehub.columns import wrap_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOGCAT: Final = {True: "logcat", False: "stdout", None: "stdout or logcat: unknown"}
_OMNI: Final = {True: "yes", False: "no", None: "unknown"}
_INDENT: Final = "  "


def show_check(check: Mapping[str, Any]) -> None:
    """Print what was found out about an engine, and what speaks against it where."""
    width = terminal_width()
    facts = [(name, _printable(text)) for name, text in _facts(check)]
    print_table(("", ""), facts, room=width)
    show_findings(check["findings"], width)
    for phone in check["phones"]:
        print(f"\non {phone['serial']}")
        if phone["pushed"] and not _forbidden(phone["findings"]):
            left = "".join(f"; not {name}: {why}" for name, why in phone["left_out"].items())
            _print_wrapped(f"pushed: {', '.join(phone['pushed'])}{left}", width)
        for probe in phone["probes"]:
            _print_wrapped(f"probe: {_probe(probe)}", width)
        show_findings(phone["findings"], width)
        if not phone["findings"] and not _forbidden(check["findings"]):
            print(f"{_INDENT}nothing speaks against it")


def _forbidden(findings: Sequence[Mapping[str, Any]]) -> bool:
    return any(finding["severity"] == "error" for finding in findings)


def show_findings(findings: Sequence[Mapping[str, Any]], width: int) -> None:
    """Print findings, each under its severity and slug, the way out beneath."""
    for finding in findings:
        print(f"{finding['severity']}: {finding['slug']}")
        _print_wrapped(f"{finding['place']}: {finding['why']}", width)
        if finding["fix"]:
            _print_wrapped(f"-> {finding['fix']}", width)


def _facts(check: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    features = check["features"]
    yield "engine", check["place"]
    if not features.get("abi"):
        return
    libc = f", {features['libc']}" if features["libc"] else ""
    yield "built for", f"{features['abi']}{libc}{_origin(features)}"
    yield "MNN", features["version"] or "version unknown"
    if check["programs"]:
        yield "programs", ", ".join(check["programs"])
    if features["backends"]:
        yield "backends", ", ".join(features["backends"])
    yield "prints to", _LOGCAT[features["logcat"]]
    yield "pictures, sounds", _OMNI[features["omni"]]
    if features["page_align"]:
        yield "pages", f"up to {features['page_align'] // 1024} KiB"
    used = [name for name in ("fp16", "dot", "i8mm") if features[name]]
    if any(features[name] is not None for name in ("fp16", "dot", "i8mm")):
        yield "instructions", ", ".join(used) or "none beyond the baseline"
    npu = [f"{part} {', '.join(features[key])}" for part, key in _NPU if features[key]]
    if npu:
        yield "NPU", "; ".join(npu)
    if features["qnn_builds"]:
        yield "QNN SDK", ", ".join(sorted({build for _name, build in features["qnn_builds"]}))


_NPU: Final = (("QNN stubs", "htp_stubs"), ("QNN skels", "htp_skels"), ("Hexagon skels", "hexagon_skels"))


def _origin(features: Mapping[str, Any]) -> str:
    level = f", Android API {features['min_sdk']} and newer" if features["min_sdk"] else ""
    return level + (f", NDK {features['ndk']}" if features["ndk"] else "")


def _probe(probe: Mapping[str, Any]) -> str:
    if not probe["links"]:
        return f"{probe['backend']}: it does not load"
    opened = {True: "opened", False: "not opened", None: "unclear"}[probe["opened"]]
    writes = f", writes to {probe['prints_to']}" if probe["prints_to"] else ""
    has = [name for name, there in probe["supports"].items() if there]
    supports = f", finds {', '.join(has) or 'no special instructions'}" if probe["supports"] else ""
    return f"{probe['backend']}: it loads, backend {opened}{writes}{supports}"


def _printable(text: str) -> str:
    """Names of files, and what an engine says, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _print_wrapped(text: str, width: int) -> None:
    for line in wrap_text(_printable(text), max(width - len(_INDENT), 20)):
        print(_INDENT + line)
