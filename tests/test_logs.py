import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from devicehub.logs import about, start_logging

log = logging.getLogger("devicehub.test_logs")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A log's file; the root logger is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield tmp_path / "logs" / "hub.log"
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    for name in ("websockets", "asyncio"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def read_json(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_phone_and_run_are_on_each_line_and_on_those_of_tasks(file: Path) -> None:
    start_logging("json", "info", file=file)

    async def work() -> None:
        log.info("pushed %d files", 3, extra={"action": "pushed", "files": 3})

    with about(serial="A1"):
        with about(run="r1"):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(work())
        log.info("free")
    log.warning("bye")
    first, second, third = read_json(file)
    assert (first["serial"], first["run"], first["action"], first["files"]) == ("A1", "r1", "pushed", 3)
    assert first["text"] == "pushed 3 files"
    assert first["level"] == "info"
    assert str(first["time"]).endswith("+00:00")
    assert (second["serial"], second["run"]) == ("A1", None)
    assert (third["serial"], third["level"]) == (None, "warning")


def test_own_words_of_a_record_win(file: Path) -> None:
    start_logging("json", "info", file=file)
    with about(serial="A1"):
        log.info("other", extra={"serial": "B2"})
    assert read_json(file)[0]["serial"] == "B2"


def test_line_end_in_a_text_makes_no_second_record(file: Path) -> None:
    start_logging("human", "info", file=file)
    with about(serial="A1", run="r1"):
        log.info("model said %s", "x\n2026-01-01 00:00:00: forged\x1b[2J")
        log.error("bad")
    first, second = file.read_text().splitlines()
    assert first.endswith(r" A1 r1: model said x\n2026-01-01 00:00:00: forged\x1b[2J")
    assert second.endswith(" error A1 r1: bad")


def test_traceback_is_kept_in_both_forms(file: Path) -> None:
    for style in ("json", "human"):
        start_logging("json" if style == "json" else "human", "info", file=file)
        try:
            int("this one")
        except ValueError:
            log.exception("failed")
    text = file.read_text()
    assert "'this one'" in json.loads(text.splitlines()[0])["traceback"]
    assert text.rstrip().endswith("'this one'")


def test_level_is_heeded(file: Path) -> None:
    start_logging("json", "warning", file=file)
    log.info("unheard")
    log.warning("heard")
    assert [line["text"] for line in read_json(file)] == ["heard"]
