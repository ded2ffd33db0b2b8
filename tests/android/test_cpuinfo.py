from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.cpuinfo import CpuInfo, parse_cpuinfo
from tests.shared_data import SHARED_DATA, needs_shared_data


def test_hardware_line_of_an_old_kernel() -> None:
    text = (
        b"Processor\t: AArch64 Processor rev 4 (aarch64)\nprocessor\t: 0\nCPU implementer\t: 0x51\n\n"
        b"processor\t: 7\nCPU implementer\t: 0x41\n\nHardware\t: Qualcomm Technologies, Inc MSM8998\n"
        b"MSM Hardware\t: other\n"
    )
    assert parse_cpuinfo(text) == CpuInfo(
        hardware="Qualcomm Technologies, Inc MSM8998", implementers=frozenset({0x41, 0x51}), listed_cores=2
    )


def test_new_kernel_names_no_hardware() -> None:
    info = parse_cpuinfo(b"processor\t: 0\nBogoMIPS\t: 49.15\nCPU implementer\t: 0x41\nCPU part\t: 0xd46\n")
    assert (info.hardware, info.implementers, info.listed_cores) == (None, frozenset({0x41}), 1)


def test_x86_brand_string() -> None:
    info = parse_cpuinfo(
        b"processor\t: 0\r\nvendor_id\t: GenuineIntel\r\nmodel name\t: Intel(R) Atom(TM) CPU Z3580\r\n"
    )
    assert (info.vendor_id, info.model_name) == ("GenuineIntel", "Intel(R) Atom(TM) CPU Z3580")


def test_other_files_are_not_recognised() -> None:
    assert not parse_cpuinfo(b"[ro.board.platform]: [taro]\n").recognised
    assert not parse_cpuinfo(b"CPU implementer : zz\n\xff\xfe\n").recognised


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_raise_nothing(data: bytes) -> None:
    assert parse_cpuinfo(data).listed_cores >= 0


@needs_shared_data
def test_every_real_cpuinfo_is_recognised() -> None:
    assert SHARED_DATA is not None
    files = list((SHARED_DATA / "telemetry" / "proc_cpuinfo").iterdir())
    assert files
    assert all(parse_cpuinfo(path.read_bytes()).recognised for path in files)
