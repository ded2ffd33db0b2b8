"""A campaign's result as JUnit XML: a test case a cell. Pure.

Passed is a plain case, failed a failure with cause and proof, inconclusive and not comparable an error, not
run is skipped: so CI shows that something was not judged, and does not call it a regression.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from devicehub.report.numbers import variant_words
from devicehub.report.summary import phone_of
from devicehub.report.words import STATE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.campaign.result import CampaignResult, CellResult

_TAGS: Final = {
    "failed": "failure",
    "inconclusive": "error",
    "not_comparable": "error",
    "not_run": "skipped",
}
# XML 1.0 knows no other characters, whatever a phone or a model prints.
_ILLEGAL: Final = re.compile("[^\t\n\r -\ud7ff\ue000-�\U00010000-\U0010ffff]")


def render(result: CampaignResult) -> str:
    """The document, one test suite with a case for each cell."""
    counts = Counter(_TAGS.get(cell.state) for cell in result.cells)
    numbers = {
        "tests": str(len(result.cells)),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
        "skipped": str(counts["skipped"]),
        "time": f"{sum(_took_s(cell) for cell in result.cells):.3f}",
    }
    root = ET.Element("testsuites", {"name": legal(result.plan.name), **numbers})
    begun = datetime.fromtimestamp(result.plan.created, UTC)
    suite = ET.SubElement(
        root,
        "testsuite",
        {"name": legal(result.plan.name), "timestamp": f"{begun:%Y-%m-%dT%H:%M:%S}", **numbers},
    )
    _properties(suite, [("campaign", result.plan.id), ("seed", str(result.plan.seed))])
    for cell in result.cells:
        _case(suite, cell)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ("<?xml version='1.0' encoding='utf-8'?>\n", "\n")
    )


def _case(suite: ET.Element, cell: CellResult) -> None:
    # Of the phone that it was planned for: CI follows a case by its names, and a moved cell keeps its.
    phone = cell.cell.phone
    # Jenkins takes what is before the last dot for a package, and a phone on the network has an address.
    serial = phone.serial.replace(".", "_")
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": legal(f"{phone.soc or 'unknown'}.{serial}"),
            "name": legal(variant_words(cell)),
            "time": f"{_took_s(cell):.3f}",
        },
    )
    _properties(case, list(_facts(cell)))
    tag = _TAGS.get(cell.state)
    if tag is not None:
        reason = cell.reason or cell.state
        end = ET.SubElement(case, tag, {"message": legal(cell.sentence), "type": legal(reason)})
        end.text = legal("\n".join(_told(cell)))


def _told(cell: CellResult) -> Iterator[str]:
    yield f"{STATE_WORDS[cell.state]}: {cell.sentence}"
    yield from cell.proof
    for limit in cell.limits:
        yield f"limit {limit.text}: {STATE_WORDS[limit.state]}; {limit.sentence}"
    if cell.remedy:
        yield f"remedy: {cell.remedy}"


def _facts(cell: CellResult) -> Iterator[tuple[str, str]]:
    phone, variant = phone_of(cell), cell.cell.variant
    yield "cell", str(cell.cell.number)
    yield "phone", phone.serial
    yield "soc", phone.soc or "unknown"
    yield "vendor", phone.vendor
    yield "model", f"{variant.model.name} {variant.model.id}"
    yield "engine", f"{variant.engine.name} {variant.engine.id}" if variant.engine else "app"
    yield "profile", variant.profile
    for name, figure in cell.figures.items():
        yield name, f"{figure.median:.6g}"
        if figure.ratio is not None:
            yield f"{name}_ratio", f"{figure.ratio:.6g}"
    for arm in (cell.outcome.base, cell.outcome.arm) if cell.outcome else ():
        if arm is not None:
            yield from (("run", run) for run in arm.runs or [arm.run])
            yield "config_sha256", arm.config_sha256


def _properties(parent: ET.Element, pairs: list[tuple[str, str]]) -> None:
    holder = ET.SubElement(parent, "properties")
    for name, value in pairs:
        ET.SubElement(holder, "property", {"name": legal(name), "value": legal(value)})


def _took_s(cell: CellResult) -> float:
    """Of both runs together: a comparison's have one list, so their spans overlap."""
    arms = [arm for arm in (cell.outcome.base, cell.outcome.arm) if arm] if cell.outcome else []
    begun = [arm.started for arm in arms if arm.started is not None]
    ended = [arm.ended for arm in arms if arm.ended is not None]
    return max(0.0, max(ended) - min(begun)) if begun and ended else 0.0


def legal(text: str) -> str:
    """The text with what XML cannot hold as question marks."""
    return _ILLEGAL.sub("?", text)
