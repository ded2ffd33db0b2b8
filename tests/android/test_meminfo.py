from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.meminfo import Memory, parse_meminfo
from tests.shared_data import SHARED_DATA, needs_shared_data


def test_available() -> None:
    text = "MemTotal:       7803664 kB\r\nMemFree:         201240 kB\r\nMemAvailable:    3301240 kB\r\n"
    assert parse_meminfo(text) == Memory(7803664, 3301240)


@needs_shared_data
def test_kernel_without_memavailable() -> None:
    assert SHARED_DATA is not None
    text = (SHARED_DATA / "telemetry/proc/meminfo_2gb_no_memavailable.txt").read_text()
    assert parse_meminfo(text) == Memory(1913920, 121732 + 682536 + 78712 - 9500)


def test_unreadable() -> None:
    assert parse_meminfo("cat: /proc/meminfo: Permission denied\n") == Memory()


@given(st.text())
def test_any_text(text: str) -> None:
    memory = parse_meminfo(text)
    assert memory.available_kib is None or memory.available_kib >= 0
