from devicehub.device.probe import split_answer

BOOT_ID = "4b6b5a5e-0d8b-4d59-9d2c-2f5a1e1c7a10"
BETWEEN = "\n--devicehub-5d3f0c--\n"


def test_answer_of_a_phone() -> None:
    text = f"[ro.serialno]: [R5]\n{BETWEEN}processor\t: 0\nHardware\t: MT6771\n{BETWEEN}{BOOT_ID}\n"
    found = split_answer(text.encode())
    assert (found.props, found.cpuinfo.hardware, found.boot_id) == ({"ro.serialno": "R5"}, "MT6771", BOOT_ID)


def test_answer_over_a_pty_has_carriage_returns() -> None:
    text = f"[ro.serialno]: [R5]\n{BETWEEN}{BETWEEN}{BOOT_ID}\n".replace("\n", "\r\n")
    found = split_answer(text.encode())
    assert (found.props, found.boot_id) == ({"ro.serialno": "R5"}, BOOT_ID)


def test_unreadable_files_leave_gaps() -> None:
    found = split_answer(b"")
    assert (found.props, found.cpuinfo.recognised, found.boot_id) == ({}, False, None)
    assert split_answer(f"{BETWEEN}{BETWEEN}cat: Permission denied\n".encode()).boot_id is None
