"""A run's header and launches, for tests."""

from __future__ import annotations

from typing import Any

from devicehub.device.soc import SocFacts
from devicehub.runs.model import Conditions, DeviceRef, EngineRef, Launch, ModelRef, RunHeader
from devicehub.runs.steps import Step
from devicehub.workloads.record import Record


def header(**changed: Any) -> RunHeader:
    soc = SocFacts(vendor="qualcomm", model="SM8650", name=None, gpu=None, htp=None)
    fields: dict[str, Any] = {
        "id": "r1",
        "workload": "demo",
        "virtual": True,
        "device": DeviceRef(
            serial="S1",
            serialno="SN1",
            boot_id="b1",
            product="Sample One",
            manufacturer=None,
            android="14",
            sdk=34,
            soc=soc,
        ),
        "engine": EngineRef(id="e-1", name="e", abi="virtual", version=None, logcat=False),
        "model": ModelRef(id="m-1", name="m"),
        "profile": "default",
        "config": {"max_new_tokens": 8},
        "config_sha256": "0" * 64,
        "prompts": 1,
        "steps": measured(1),
        "started": 100.0,
    }
    return RunHeader(**fields | changed)


def measured(launches: int) -> list[Step]:
    return [Step(kind="measured")] * launches


def launch(verdict: str = "succeeded", cause: str | None = None, number: int = 1) -> Launch:
    records = [Record(tool="llm_demo", source="stdout", decode_tok_s=9.0)] if verdict == "succeeded" else []
    return Launch(
        number=number, verdict=verdict, cause=cause, text="", records=records, exit_status=0, evidence=["x"]
    )


CONDITIONS = Conditions()
