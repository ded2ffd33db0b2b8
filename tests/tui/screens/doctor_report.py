"""What doctor found on three phones, for the pictures."""

from typing import Final

from devicehub.api.contract import Report, Row, Standing


def _row(subject: str, name: str, state: Standing, says: str, remedy: str | None = None) -> Row:
    return Row(subject=subject, name=name, state=state, says=says, remedy=remedy)


REPORT: Final = Report(
    rows=[
        _row("host", "adb", Standing.OK, "36.0.0, /opt/devicehub/adb; on PATH 35.0.2"),
        _row("host", "adb server", Standing.OK, "at 127.0.0.1:5037: protocol 41, started by DeviceHub"),
        _row(
            "host",
            "disk",
            Standing.WARNING,
            "3221.2 MB free for /srv/hub: a large model or an export may not fit",
            "`devicehub models gc` shows what nothing needs",
        ),
        _row("R5CT0002", "state", Standing.OK, "ready"),
        _row("R5CT0002", "battery saver", Standing.OK, "off"),
        _row(
            "R5CT0002",
            "config",
            Standing.PROBLEM,
            "profile extreme-speed-cpu: top_k: is 0, with which the engine crashes",
            "give 40, or leave it out",
        ),
        _row("R5CT0004", "state", Standing.PROBLEM, "unauthorized", "unlock it and press Allow"),
        _row("小米0008", "battery", Standing.WARNING, "the battery is at 9 %", "charge it to more than 20 %"),
    ],
    phones=["R5CT0002", "R5CT0004", "小米0008"],
    titles={"R5CT0002": "Xiaomi 14, SM8650 Snapdragon 8 Gen 3, Android 14", "小米0008": "小米手机 13"},
    model="Qwen2.5-1.5B-Instruct-MNN",
    profile="extreme-speed-cpu",
)
