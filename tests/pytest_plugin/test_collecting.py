"""Which phones a test is repeated for, and what it says where there are none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pytest_plugin.fakes import INI, FakeHub, phones, view

__all__ = ["phones"]


def collected(pytester: pytest.Pytester, source: str) -> list[str]:
    """The ids of the tests of a module, without its name."""
    items, _ = pytester.inline_genitems(pytester.makepyfile(source))
    return [item.nodeid.partition("::")[2] for item in items]


def test_a_test_that_takes_phone_runs_once_on_each_that_is_ready(
    pytester: pytest.Pytester, phones: FakeHub
) -> None:
    phones.devices = [*(phones.devices or ()), view("AWAY", state="offline", problem="AWAY is offline")]
    pytester.makepyfile("""
        seen = []
        def test_on(phone):
            seen.append((phone.serial, phone.vendor, phone.android))
        def test_saw(fleet):
            assert seen == [("DIM1", "mediatek", "15"), ("SNAP1", "qualcomm", "14")]
            assert [phone.serial for phone in fleet] == ["AWAY", "DIM1", "SNAP1"]
            assert [phone.name for phone in fleet.matching("vendor=mediatek", "SNAP1")] == ["DIM1", "SNAP1"]
    """)
    result = pytester.runpytest_inprocess("-v")
    result.stdout.fnmatch_lines(
        ["*::test_on?DIM1? PASSED*", "*::test_on?SNAP1? PASSED*", "*::test_saw PASSED*"]
    )
    result.assert_outcomes(passed=3)
    assert phones.asked == 1


def test_a_marker_chooses_by_the_grammar_of_on(pytester: pytest.Pytester, phones: FakeHub) -> None:
    phones.devices = [
        *(phones.devices or ()),
        view("local", kind="host", transports=["local"], virtual=False),
    ]
    ids = collected(
        pytester,
        """
        import pytest
        @pytest.mark.phone("vendor=mediatek,android>=14")
        def test_terms(phone): pass
        @pytest.mark.phone("SNAP1", "android>=15")
        def test_any_of_two(run_model): pass
        @pytest.mark.phone
        def test_any(phone): pass
        @pytest.mark.phone("all")
        def test_marker_alone(): pass
        @pytest.mark.phone("local")
        def test_this_computer(phone): pass
        @pytest.mark.phone("android>=14")
        class TestBoth:
            @pytest.mark.phone("android<15")
            def test_each_marker_holds(self, phone): pass
        """,
    )
    assert ids == [
        "test_terms[DIM1]",
        "test_any_of_two[DIM1]",
        "test_any_of_two[SNAP1]",
        "test_any[DIM1]",
        "test_any[SNAP1]",
        "test_marker_alone[DIM1]",
        "test_marker_alone[SNAP1]",
        "test_this_computer[local]",
        "TestBoth::test_each_marker_holds[SNAP1]",
    ]


def test_phones_on_a_network_are_named_by_what_stays(pytester: pytest.Pytester, phones: FakeHub) -> None:
    twin: dict[str, Any] = {"serialno": "SAME", "soc": None}
    phones.devices = [
        view("10.0.0.7:5555", serialno="NET1"),
        view("10.0.0.8:5555", **twin),
        view("10.0.0.9:5555", **twin),
    ]
    ids = collected(pytester, "def test_on(phone): pass")
    assert ids == ["test_on[10.0.0.8:5555]", "test_on[10.0.0.9:5555]", "test_on[NET1]"]


@pytest.mark.parametrize(
    ("marker", "there", "reason"),
    [
        (
            '@pytest.mark.phone("vendor=google,android>=14")',
            ["SNAP1"],
            "no phone matches vendor=google,android>=14: there are SNAP1 (a qualcomm, qualcomm, Android 14)",
        ),
        (
            '@pytest.mark.phone("NOBODY", "sdk>50")',
            ["SNAP1"],
            "no phone matches NOBODY or sdk>50: there are SNAP1*",
        ),
        ('@pytest.mark.phone("vendor=qualcomm")', [], "no phone matches vendor=qualcomm: none is connected"),
        ("", [], "no phone is ready: none is connected"),
        ('@pytest.mark.phone("AWAY")', ["AWAY"], "no phone that matches AWAY is ready: AWAY is offline"),
        ("", ["AWAY"], "no phone is ready: AWAY is offline"),
    ],
)
def test_where_no_phone_is_meant_the_test_skips_with_the_reason(
    marker: str, there: list[str], reason: str, pytester: pytest.Pytester, phones: FakeHub
) -> None:
    known = {"SNAP1": view("SNAP1"), "AWAY": view("AWAY", state="offline", problem="AWAY is offline")}
    phones.devices = [known[name] for name in there]
    pytester.makepyfile(f"import pytest\n{marker}\ndef test_on(phone): raise AssertionError")
    result = pytester.runpytest_inprocess("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED*{reason.replace('[', '[[]')}"])


@pytest.mark.parametrize(
    ("marker", "problem"),
    [
        (
            '"vendr=mediatek"',
            "phone('vendr=mediatek'): vendr=mediatek: `vendr=mediatek` is no term; write KEY=VALUE*",
        ),
        ('"vendor=mediatek", "android>=14,"', "phone(*): android>=14,: `` is no term*"),
        ('vendor="mediatek"', "phone(vendor='mediatek'): takes selectors as texts alone; write phone(*"),
        ("14", "phone(14): takes selectors as texts alone; write phone(*"),
        ('""', "phone(''): takes selectors as texts alone; write phone(*"),
    ],
)
def test_a_bad_marker_is_told_with_its_test_whatever_phones_there_are(
    marker: str, problem: str, pytester: pytest.Pytester, phones: FakeHub
) -> None:
    phones.devices = []
    pytester.makepyfile(f"import pytest\n@pytest.mark.phone({marker})\ndef test_on(phone): pass")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*.py::test_on: {problem}"])
    assert "Traceback" not in result.stdout.str()
    assert phones.asked == 0


def test_without_a_hub_only_tests_that_want_a_phone_fail(pytester: pytest.Pytester, phones: FakeHub) -> None:
    phones.devices = None
    pytester.makepyfile("""
        import pytest
        def test_plain(): pass
        def test_on(phone): raise AssertionError
        @pytest.mark.phone("vendor=mediatek")
        def test_run(run_model): raise AssertionError
        def test_fleet(fleet): raise AssertionError
    """)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=3)
    result.stdout.fnmatch_lines(["DeviceHub: no hub runs"])
    assert phones.asked == 1


def test_a_project_with_a_fixture_or_marker_of_that_name_keeps_it(
    pytester: pytest.Pytester, phones: FakeHub
) -> None:
    pytester.makeini(f"{INI}markers =\n    phone: about phone numbers\n")
    pytester.makepyfile("""
        import pytest
        @pytest.fixture
        def phone(): return "555-1234"
        @pytest.mark.phone("home")
        def test_number(phone): assert phone == "555-1234"
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    assert phones.asked == 0


def test_a_fixture_may_build_upon_phone(pytester: pytest.Pytester, phones: FakeHub) -> None:
    pytester.makepyfile("""
        import pytest
        @pytest.fixture
        def phone(phone): return phone.serial.lower()
        @pytest.fixture
        def warm(phone): return f"warm {phone}"
        @pytest.mark.phone("DIM1")
        def test_on(warm): assert warm == "warm dim1"
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_phone_asked_for_too_late_is_told(pytester: pytest.Pytester, phones: FakeHub) -> None:
    pytester.makepyfile("def test_on(request): request.getfixturevalue('phone')")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*take `phone` or `run_model` as an argument of the test*"])


def test_option_and_setting_are_checked_before_anything_is_collected(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    for value in ("0", "65", "two"):
        result = pytester.runpytest_inprocess(f"--devicehub-virtual={value}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*'{value}' is no number of phones from 1 to 64*"])
    for value in ("0", "nan", "soon"):
        result = pytester.runpytest_inprocess("-o", f"devicehub_timeout_s={value}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: devicehub_timeout_s = {value}: is no number of seconds*"])
