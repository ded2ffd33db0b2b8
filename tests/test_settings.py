from pathlib import Path

import pytest

from devicehub.errors import ConfigError
from devicehub.settings import (
    SETTINGS,
    Home,
    Origin,
    find_home,
    keep_days,
    load_settings,
    lost_after_s,
    patience_s,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_home_is_the_folder_that_the_environment_names() -> None:
    home = find_home({"DEVICEHUB_HOME": "/some/where"})
    assert home.root == Path("/some/where")
    assert home.database == Path("/some/where/devicehub.db")


def test_home_under_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/some/one")
    assert find_home({"DEVICEHUB_HOME": "~/hub"}).root == Path("/some/one/hub")


def test_runs_are_kept_for_ever_unless_days_are_named(home: Home) -> None:
    environ = {"DEVICEHUB_HOME": str(home.root)}
    assert keep_days(environ) is None
    assert keep_days({**environ, "DEVICEHUB_KEEP_DAYS": "0"}) is None
    assert keep_days({**environ, "DEVICEHUB_KEEP_DAYS": " 0.5 "}) == 0.5


def test_patience_is_set_in_seconds(home: Home) -> None:
    environ = {"DEVICEHUB_HOME": str(home.root)}
    assert patience_s({**environ, "DEVICEHUB_PATIENCE_S": "3"}) == 3.0
    assert lost_after_s({**environ, "DEVICEHUB_LOST_AFTER_S": ""}) > patience_s(environ) > 0


@pytest.mark.parametrize("text", ["-1", "soon", "nan", "inf", "1 day"])
def test_setting_that_is_no_number_is_named_with_its_text(home: Home, text: str) -> None:
    with pytest.raises(ConfigError, match="DEVICEHUB_KEEP_DAYS") as caught:
        keep_days({"DEVICEHUB_HOME": str(home.root), "DEVICEHUB_KEEP_DAYS": text})
    assert text in str(caught.value)


def test_values_and_where_they_come_from(home: Home) -> None:
    file = home.root / "settings.toml"
    file.write_text('patience_s = 5\nkeep_days = 30\nlog_format = "json"\n')
    environ = {"DEVICEHUB_KEEP_DAYS": "31", "DEVICEHUB_LOG_FORMAT": "human", "DEVICEHUB_LISTEN": " "}
    found = load_settings(home, environ, {"log_format": "json", "tls_cert": None})
    shown = {value.setting.name: (value.value, value.origin, value.place) for value in found.values}
    assert shown["patience_s"] == (5.0, Origin.FILE, f"{file} [patience_s]")
    assert shown["keep_days"] == (31.0, Origin.ENVIRONMENT, "DEVICEHUB_KEEP_DAYS")
    assert shown["log_format"] == ("json", Origin.COMMAND_LINE, "--log-format")
    assert shown["listen"] == shown["tls_cert"] == (None, Origin.DEFAULT, None)
    assert list(shown) == [setting.name for setting in SETTINGS]


def test_file_is_read_by_what_asks_for_one_setting(home: Home) -> None:
    (home.root / "settings.toml").write_text("patience_s = 5")
    assert patience_s({"DEVICEHUB_HOME": str(home.root)}) == 5.0


def test_unknown_key_is_named_with_the_nearest(home: Home) -> None:
    (home.root / "settings.toml").write_text("patience = 5")
    with pytest.raises(ConfigError, match="did you mean 'patience_s'") as caught:
        load_settings(home, {})
    assert str(caught.value).startswith(f"{home.root / 'settings.toml'} [patience]: is no setting")


def test_all_problems_are_listed_at_once(home: Home) -> None:
    (home.root / "settings.toml").write_text('colour = 1\nkeep_days = true\nlisten = 3\nlog_level = "loud"\n')
    with pytest.raises(ConfigError, match="5 settings are wrong") as caught:
        load_settings(home, {"DEVICEHUB_PATIENCE_S": "soon"})
    text = str(caught.value)
    for piece in ("[colour]", "[keep_days]: is True", "[listen]: is 3", "'loud'", "environment [DEVICEHUB_P"):
        assert piece in text


def test_value_of_the_file_that_is_overruled_is_not_judged(home: Home) -> None:
    (home.root / "settings.toml").write_text('keep_days = "many"')
    assert keep_days({"DEVICEHUB_HOME": str(home.root), "DEVICEHUB_KEEP_DAYS": "2"}) == 2.0


@pytest.mark.parametrize("content", [b"patience_s = ", b"\xff\xfe", b"a.b\n"])
def test_file_that_is_no_toml(home: Home, content: bytes) -> None:
    (home.root / "settings.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"settings\.toml: is no "):
        load_settings(home, {})


def test_folder_in_place_of_the_file(home: Home) -> None:
    (home.root / "settings.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(home, {})
