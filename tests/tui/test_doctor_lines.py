"""What doctor found, as lines of a screen."""

from devicehub.api.contract import Report, Row, Standing
from devicehub_tui import doctor_lines
from devicehub_tui.run_lines import Lines

ROWS = [
    Row(subject="host", name="adb", state=Standing.OK, says="36.0.0"),
    Row(subject="A1", name="state", state=Standing.OK, says="ready"),
    Row(
        subject="A1",
        name="battery",
        state=Standing.WARNING,
        says="the battery is at 9 %: many phones hold their processor back",
        remedy="charge it",
    ),
    Row(subject="A1", name="storage", state=Standing.PROBLEM, says="full", remedy="remove models"),
]
REPORT = Report(
    rows=ROWS, phones=["A1"], titles={"A1": "Phone 1, Android 14"}, model="tiny", profile="default"
)


def plain(lines: Lines) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_the_worst_of_each_stands_first_with_its_remedy_beneath() -> None:
    assert plain(doctor_lines.rows(REPORT, 80)) == [
        "host",
        "✓ ok      adb           36.0.0",
        "",
        "A1  Phone 1, Android 14",
        "✗ problem storage       full",
        "                        -> remove models",
        "! warning battery       the battery is at 9 %: many phones hold their processor",
        "                        back",
        "                        -> charge it",
        "✓ ok      state         ready",
    ]


def test_every_line_fits_eighty_columns() -> None:
    assert max(len(line) for line in plain(doctor_lines.rows(REPORT, 80))) <= 80


def test_the_head_counts_and_says_what_was_held_against_the_phones() -> None:
    [line] = plain(doctor_lines.head(REPORT))
    assert line == "1 problem  1 warning  model tiny, profile default  d looks again"
    [line] = plain(doctor_lines.head(Report(rows=ROWS[:1])))
    assert line == "nothing stands in the way  no model chosen  d looks again"


def test_no_phone_at_all_is_said() -> None:
    assert "no phone is connected" in plain(doctor_lines.rows(Report(rows=ROWS[:1]), 80))[-1]
