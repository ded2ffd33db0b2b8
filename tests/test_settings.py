from pathlib import Path

import pytest

from devicehub.errors import ConfigError
from devicehub.settings import find_home, keep_days, lost_after_s, patience_s


def test_home_is_the_folder_that_the_environment_names() -> None:
    home = find_home({"DEVICEHUB_HOME": "/some/where"})
    assert home.root == Path("/some/where")
    assert home.database == Path("/some/where/devicehub.db")


def test_home_under_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/some/one")
    assert find_home({"DEVICEHUB_HOME": "~/hub"}).root == Path("/some/one/hub")


def test_runs_are_kept_for_ever_unless_days_are_named() -> None:
    assert keep_days({}) is None
    assert keep_days({"DEVICEHUB_KEEP_DAYS": "0"}) is None
    assert keep_days({"DEVICEHUB_KEEP_DAYS": " 0.5 "}) == 0.5


def test_patience_is_set_in_seconds() -> None:
    assert patience_s({"DEVICEHUB_PATIENCE_S": "3"}) == 3.0
    assert lost_after_s({"DEVICEHUB_LOST_AFTER_S": ""}) > patience_s({}) > 0


@pytest.mark.parametrize("text", ["-1", "soon", "nan", "inf", "1 day"])
def test_setting_that_is_no_number_is_named_with_its_text(text: str) -> None:
    with pytest.raises(ConfigError, match="DEVICEHUB_KEEP_DAYS") as caught:
        keep_days({"DEVICEHUB_KEEP_DAYS": text})
    assert text in str(caught.value)
