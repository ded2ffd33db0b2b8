import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.usb import Usb, parse_functions, parse_speeds, parse_usb

MTP = frozenset({"mtp"})

SINCE_9 = """USB MANAGER STATE (dumpsys usb):
{
  device_manager={
    handler={
      current_functions=4
      current_functions_applied=true
      screen_unlocked_functions=36
      screen_locked=false
      connected=true
      configured=true
      host_connected=false
      kernel_state=CONFIGURED
      kernel_function_list=mtp,adb
    }
  }
}
"""
ANDROID_8 = """USB Manager State:
  USB Device State:
    mCurrentFunctions: rndis,adb
    mCurrentFunctionsApplied: true
    mConnected: false
"""


@pytest.mark.parametrize(
    ("text", "functions"),
    [
        ("mtp,adb\n", {"mtp"}),
        ("adb\n", set()),
        ("none\n", set()),
        ("0", set()),
        ("1028", {"mtp", "ncm"}),
        ("diag,serial_cdev,rmnet,dpl,adb", {"diag", "serial_cdev", "rmnet", "dpl"}),
        ("\n\nptp, adb\r\n", {"ptp"}),
    ],
)
def test_lists_of_functions(text: str, functions: set[str]) -> None:
    assert parse_functions(text) == frozenset(functions)


def test_usage_of_an_older_svc_is_no_list() -> None:
    usage = "usage: svc usb setFunction [function]\n  Set the current usb function\n"
    assert parse_functions(usage) is None


def test_state_counts_before_config() -> None:
    usb = parse_usb(state="adb\n", config="mtp,adb\n", svc="", dumpsys="")
    assert usb == Usb(functions=frozenset())


def test_bits_of_dumpsys() -> None:
    assert parse_usb(state="", config="", svc="", dumpsys=SINCE_9) == Usb(
        functions=MTP, unlocked_functions=frozenset({"mtp", "rndis"}), connected=True
    )


def test_words_of_android_8() -> None:
    usb = parse_usb(state="", config="", svc="", dumpsys=ANDROID_8)
    assert usb == Usb(functions=frozenset({"rndis"}), connected=False)


def test_names_in_brackets() -> None:
    usb = parse_usb(state="", config="", svc="", dumpsys="current_functions=[\n        MTP\n      ]\n")
    assert usb.functions == MTP


def test_svc_tells_where_nothing_else_does() -> None:
    assert parse_usb(state="\n", config="\n", svc="mtp\n", dumpsys="Can't find service: usb").functions == MTP


def test_nothing_is_known_of_a_silent_phone() -> None:
    assert parse_usb(state="", config="", svc="svc: not found", dumpsys="") == Usb()


@given(st.text(), st.text(), st.text(), st.text())
def test_any_text(state: str, config: str, svc: str, dumpsys: str) -> None:
    usb = parse_usb(state=state, config=config, svc=svc, dumpsys=dumpsys)
    assert usb.functions is None or "adb" not in usb.functions


@pytest.mark.parametrize(
    ("text", "speeds"),
    [
        ("current_speed=high-speed\nmaximum_speed=super-speed-plus\n", (480, 10_000)),
        ("current_speed=super-speed\r\n", (5000, None)),
        ("current_speed=UNKNOWN\nmaximum_speed=super-speed\n", (None, None)),
        ("current_speed=UNKNOWN\nmaximum_speed=high-speed\ncurrent_speed=full-speed\n", (12, 480)),
        ("sh: /sys/class/udc/a600000.dwc3/current_speed: Permission denied\n", (None, None)),
        ("", (None, None)),
    ],
)
def test_speed_of_the_port(text: str, speeds: tuple[int | None, int | None]) -> None:
    assert parse_speeds(text) == speeds
