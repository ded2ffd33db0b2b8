"""The pytest plugin: tests that run once on each phone that they ask for.

It is loaded into every session of pytest on a computer with DeviceHub: what is not needed until a test asks
for a phone is imported then, and no hub is asked or started before.
"""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from devicehub.testing.desk import Desk
    from devicehub.testing.keeper import Keeper
    from devicehub.testing.model_run import ModelRun
    from devicehub.testing.phones import Fleet, Phone
    from devicehub.testing.session import PhoneSession

_MARKER: Final = "phone"
_FIXTURES: Final = frozenset({"devicehub_phone", "fleet"})
_MOST_VIRTUAL: Final = 64
_WORKER_INPUT: Final = "devicehub"
_TIMEOUT_S: Final = "1800"

_SESSION: Final = pytest.StashKey["PhoneSession"]()
_KEEPER: Final = pytest.StashKey["Keeper"]()
_MAKING: Final = threading.Lock()
"""Workers ask in threads of their own."""
_DESK: Final = pytest.StashKey["Desk"]()
_ITEM: Final = pytest.StashKey[pytest.Item]()
_OWN_MARKER: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and the setting of the plugin."""
    parser.getgroup("devicehub", "DeviceHub: tests on Android phones").addoption(
        "--devicehub-virtual",
        type=_phone_count,
        metavar="N",
        help="run on N virtual phones of a private hub, which has the model `demo-model`, and on no others",
    )
    parser.addini(
        "devicehub_timeout_s",
        "how long a run of a test may take, its wait for the phone included, in seconds",
        default=_TIMEOUT_S,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    declared = {line.partition(":")[0].partition("(")[0].strip() for line in config.getini("markers")}
    config.stash[_OWN_MARKER] = _MARKER not in declared
    config.addinivalue_line(
        "markers",
        "phone(*selectors): DeviceHub runs the test once on each phone that a selector means, such as "
        '"vendor=mediatek,android>=14"; without one on each that is ready.',
    )
    _timeout_s(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the session's one fleet can be had."""
    desk = _desk(node.config)
    node.workerinput[_WORKER_INPUT] = [desk.port, desk.key]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each phone that is meant; one that is skipped with the reason where there is none."""
    markers = list(metafunc.definition.iter_markers(_MARKER))
    names = _FIXTURES.intersection(metafunc.fixturenames)
    is_ours: bool = metafunc.config.stash[_OWN_MARKER]
    if "devicehub_phone" not in names and not (markers and (names or is_ours)):
        return
    from devicehub.errors import HubError
    from devicehub.testing.collecting import parameters, read_markers

    try:
        demands = read_markers(metafunc.definition.nodeid, markers)
    except HubError as error:
        pytest.fail(str(error), pytrace=False)
    if "devicehub_phone" not in names:
        metafunc.fixturenames.append("devicehub_phone")
    metafunc.parametrize("devicehub_phone", parameters(_session(metafunc.config), demands), indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Know which test runs belong to."""
    item.config.stash[_ITEM] = item


@pytest.hookimpl(hookwrapper=True)  # the newer way would stop every session of pytest 7
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show the runs of a test in its report."""
    made = yield
    session = item.config.stash.get(_SESSION, None)
    if session is not None:
        report: pytest.TestReport = made.get_result()
        report.sections.extend(("devicehub run", text) for text in session.texts_of(item))


@pytest.fixture(scope="session")
def fleet(pytestconfig: pytest.Config) -> Fleet:
    """The phones that were there when the tests were collected, and their hub."""
    return _session(pytestconfig).fleet()


@pytest.fixture
def devicehub_phone(request: pytest.FixtureRequest) -> Phone:
    """The one phone that this test is for; `phone` is it, unless the project has a fixture of that name."""
    name = getattr(request, "param", None)
    if name is None:
        pytest.fail(
            "take `phone` or `run_model` as an argument of the test: phones are chosen when it is collected"
        )
    return _session(request.config).phone(name)


@pytest.fixture
def phone(devicehub_phone: Phone) -> Phone:
    """The one phone that this test is for."""
    return devicehub_phone


@pytest.fixture
def run_model(devicehub_phone: Phone) -> Callable[..., ModelRun]:
    """Runs a model on the test's phone and waits for the end: `run_model("qwen", prompt="hello").verdict`."""
    return devicehub_phone.run


def _session(config: pytest.Config) -> PhoneSession:
    """What this process knows of phones, from the first time that it is asked."""
    found = config.stash.get(_SESSION, None)
    if found is None:
        from devicehub.testing.keeper import FarKeeper
        from devicehub.testing.session import PhoneSession

        worker = getattr(config, "workerinput", {}).get(_WORKER_INPUT)
        keeper = FarKeeper(*worker) if worker else _keeper(config)
        found = PhoneSession(keeper, _timeout_s(config), lambda: config.stash.get(_ITEM, None))
        config.stash[_SESSION] = found
    return found


def _desk(config: pytest.Config) -> Desk:
    """Where workers ask."""
    from devicehub.testing.desk import Desk

    if _DESK not in config.stash:
        config.stash[_DESK] = desk = Desk(lambda question, run_id: _keeper(config).answer(question, run_id))
        config.add_cleanup(desk.close)
    return config.stash[_DESK]


def _keeper(config: pytest.Config) -> Keeper:
    """What a session has once, in a process that no other controls."""
    from devicehub.testing.keeper import Keeper

    with _MAKING:
        if _KEEPER not in config.stash:
            config.stash[_KEEPER] = keeper = Keeper(config.getoption("devicehub_virtual"))
            config.add_cleanup(keeper.close)
    return config.stash[_KEEPER]


def _timeout_s(config: pytest.Config) -> float:
    text = str(config.getini("devicehub_timeout_s"))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise pytest.UsageError(f"devicehub_timeout_s = {text}: is no number of seconds; write one above 0")
    return seconds


def _phone_count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= _MOST_VIRTUAL):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of phones from 1 to {_MOST_VIRTUAL}")
    return int(text)
