import pytest

from devicehub.api.model import Event, JobChanged, JobView, ProgressMade, RunChanged
from devicehub_tui import fleet_rows
from devicehub_tui import format as show
from devicehub_tui.columns import MARGIN
from devicehub_tui.state import State, apply
from tests.tui.scripted import changed, device, figures, run, sample


def state_of(*data: tuple[str, object]) -> State:
    state = State()
    for seq, (topic, item) in enumerate(data):
        apply(state, Event(topic=topic, epoch="e", seq=seq, data=item))
    return state


def texts(state: State, name: str, width: int = 80) -> dict[str, str]:
    columns = fleet_rows.columns_for(width)
    cells = fleet_rows.cells(state, name, columns)
    return {column.name: text.strip() for column, (text, _) in zip(columns, cells, strict=True)}


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 160, 200, 300, 1000])
def test_columns_fit_the_window(width: int) -> None:
    columns = fleet_rows.columns_for(width)
    used = MARGIN + sum(column.width + 1 for column in columns)
    assert used <= width or len(columns) == 5


def test_a_narrow_window_keeps_speed_fidelity_and_the_virtual_badge() -> None:
    names = [column.name for column in fleet_rows.columns_for(80)]
    assert names == ["state", "product", "virtual", "battery", "temperature", "work", "decode", "fidelity"]


def test_a_wide_window_has_all_columns() -> None:
    assert len(fleet_rows.columns_for(220)) == 19


def test_wider_windows_lose_no_column() -> None:
    before: set[str] = set()
    for width in range(20, 300):
        names = {column.name for column in fleet_rows.columns_for(width)}
        assert before <= names
        before = names


def test_a_phone_that_nobody_knows_is_a_row_of_blanks() -> None:
    assert set(texts(State(), "a").values()) == {""}


def test_the_speed_of_the_run_under_way_stands_in_place_of_the_last_one() -> None:
    phone = device("a", state="busy", run="r", phase="running", model="qwen", last=figures("old"))
    state = state_of(("devices", changed(phone)))
    assert texts(state, "a")["decode"] == "21.4"
    apply(state, Event(topic="samples", epoch="e", seq=9, data=sample("a", decode_tok_s=9.5)))
    assert texts(state, "a")["decode"] == "9.5▸"
    assert texts(state, "a")["work"] == "qwen"


def test_how_far_a_run_is_stands_before_its_model_in_a_narrow_window() -> None:
    state = state_of(
        ("devices", changed(device("a", state="busy", run="r", phase="deploying", model="qwen"))),
        ("runs", RunChanged(run=run("r", state="deploying"))),
        ("progress", ProgressMade(run="r", job=None, label="push", done=1, total=4)),
    )
    assert texts(state, "a")["work"] == "25% qwen"
    wide = texts(state, "a", 200)
    assert wide["work"] == "qwen"
    assert wide["progress"].endswith("25%")


def test_a_push_shows_on_its_phone() -> None:
    state = state_of(
        ("devices", changed(device("a"))),
        ("jobs", JobChanged(job=JobView(id="j", kind="push", state="running", label="push m", serial="a"))),
        ("progress", ProgressMade(run=None, job="j", label="push m", done=3, total=4, serial="a")),
    )
    assert texts(state, "a")["work"] == "75% ▲ push m"


def test_a_phone_that_cannot_be_used_says_why() -> None:
    phone = device("a", state="unauthorized", problem="allow it on the phone")
    state = state_of(("devices", changed(phone)))
    assert texts(state, "a")["work"] == "allow it on the phone"


def keys(state: State, order: str, *, grouped: bool = False) -> list[str]:
    rows = fleet_rows.rows(state, lambda _: True, order=order, grouped=grouped)
    return [row.heading or row.key for row in rows]


def test_what_is_not_known_comes_last_in_every_order() -> None:
    state = state_of(
        ("devices", changed(device("none", product="A", temp_c=None, battery=None, soc=None))),
        ("devices", changed(device("warm", product="B", last=figures("r", decode_tok_s=5.0)))),
        ("devices", changed(device("cool", product="C", last=figures("r", decode_tok_s=9.0)))),
        ("samples", sample("warm", temp_mc=44_000, cpu_percent=10.0, battery_percent=90)),
        ("samples", sample("cool", temp_mc=24_000, cpu_percent=90.0, battery_percent=10)),
    )
    assert keys(state, "product") == ["none", "warm", "cool"]
    assert keys(state, "temperature") == ["warm", "cool", "none"]
    assert keys(state, "decode") == ["cool", "warm", "none"]
    assert keys(state, "cpu") == ["cool", "warm", "none"]
    assert keys(state, "battery") == ["cool", "warm", "none"]
    assert keys(state, "soc")[-1] == "none"


@pytest.mark.parametrize("order", fleet_rows.ORDERS)
def test_every_order_has_a_column_and_takes_any_phone(order: str) -> None:
    state = state_of(*(("devices", changed(device(name, state=name))) for name in ("ready", "odd", "busy")))
    assert len(keys(state, order)) == 3
    assert order in {column.name for column in fleet_rows.columns_for(300)}
    assert fleet_rows.order_name(order)


def test_groups_stand_under_their_headings_and_the_unknown_one_last() -> None:
    state = state_of(
        ("devices", changed(device("x", soc=None, soc_name=None))),
        ("devices", changed(device("a"))),
        ("devices", changed(device("b", state="busy"))),
        ("devices", changed(device("m", soc="MT6989", soc_name="Dimensity 9300"))),
    )
    assert keys(state, "product", grouped=True) == [
        "MT6989 Dimensity 9300 · 1 phone",
        "m",
        "SM8650 Snapdragon 8 Gen 3 · 2 phones · 1 busy",
        "a",
        "b",
        "unknown SoC · 1 phone",
        "x",
    ]


def test_this_computer_stands_last_and_is_no_phone() -> None:
    state = state_of(
        (
            "devices",
            changed(device("local", product="A CPU", soc=None, soc_name=None, state="ready", kind="host")),
        ),
        ("devices", changed(device("P1", product="Zeta", soc="SM8650", state="ready"))),
    )
    assert keys(state, "product") == ["P1", "local"]
    grouped = fleet_rows.rows(state, lambda _: True, order="product", grouped=True)
    assert [row.heading for row in grouped if row.heading] == [
        "SM8650 Snapdragon 8 Gen 3 · 1 phone",
        "this computer",
    ]
    assert texts(state, "local", width=200)["virtual"].strip() == "host"
    assert ("1 phone", "") in show.counts(state)
