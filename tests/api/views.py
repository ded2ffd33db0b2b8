"""Views as a hub sends them."""

from __future__ import annotations

from devicehub.api.model import DeviceView, RunView


def device_view(name: str) -> DeviceView:
    return DeviceView(
        id=name,
        serial=name,
        transport_id=1,
        state="ready",
        adb_state="device",
        product="Acme One",
        manufacturer="acme",
        soc="SM8650",
        soc_name="Snapdragon 8 Gen 3",
        vendor="qualcomm",
        android="14",
        sdk=34,
        battery=80,
        temp_c=31.5,
        run=None,
        quarantine=None,
        virtual=True,
        serialno=name,
        boot_id="b",
        transports=[name],
    )


def run_view(run_id: str, state: str = "running") -> RunView:
    return RunView(
        id=run_id,
        state=state,
        verdict=None,
        cause=None,
        trusted=None,
        serial="A",
        serialno="A",
        product="Acme One",
        model="demo-model",
        engine="virtual",
        profile=None,
        workload="demo",
        virtual=True,
        prefill_tok_s=None,
        decode_tok_s=None,
        fidelity=None,
        fidelity_reason=None,
        protocol=None,
        launches=None,
        attempt=1,
        created=1.0,
        started=None,
        updated=1.0,
        ended=None,
        stop_requested=None,
        left=False,
    )
