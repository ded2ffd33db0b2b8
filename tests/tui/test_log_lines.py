from devicehub_tui.log_lines import KEPT, Log, cells, next_level, read_line

WARNING = "11-23 09:41:07.123  1234  5678 W MNN     : low memory"
VERBOSE = "11-23 09:41:07.124  1234  5678 V Audio   : tick"
MARK = "--------- beginning of main"


def log_of(**lines: list[str]) -> Log:
    log = Log()
    for device, said in lines.items():
        log.add(device, said)
    return log


def shown(log: Log) -> list[str]:
    return [line.text for line in log.shown]


def test_the_level_stands_after_the_thread() -> None:
    assert read_line("a", WARNING).level == "W"
    assert read_line("a", MARK).level == ""
    assert read_line("a", "11-23 09:41:07.123456  1  2 E X: y").level == "E"


def test_lines_below_the_level_are_not_shown_and_those_without_one_are() -> None:
    log = log_of(a=[WARNING, VERBOSE, MARK])
    log.choose(level="I")
    assert shown(log) == [WARNING, MARK]
    log.add("a", [VERBOSE])
    assert shown(log) == [WARNING, MARK]
    log.choose(level="V")
    assert len(shown(log)) == 4


def test_a_search_finds_words_and_phones() -> None:
    log = log_of(pixel=[WARNING], galaxy=[VERBOSE])
    log.choose(words="MNN low")
    assert shown(log) == [WARNING]
    log.choose(words="galaxy")
    assert shown(log) == [VERBOSE]
    log.choose(words="")
    assert len(shown(log)) == 2


def test_phones_are_merged_in_the_order_in_which_they_spoke() -> None:
    log = log_of(b=["1"], a=["2"])
    log.add("b", ["3"])
    assert shown(log) == ["1", "2", "3"]


def test_a_flood_is_bounded_and_keeps_the_newest() -> None:
    log = log_of(a=[str(number) for number in range(KEPT * 3)])
    assert len(log) == KEPT
    assert KEPT <= len(log.shown) <= KEPT * 5 // 4
    assert shown(log)[-1] == str(KEPT * 3 - 1)


def test_a_line_without_end_is_cut() -> None:
    assert len(read_line("a", "x" * 1_000_000).text) == 2000


def test_after_the_last_level_comes_the_first() -> None:
    assert next_level("V") == "D"
    assert next_level("F") == "V"


def test_a_phone_is_named_where_there_are_several() -> None:
    line = read_line("serial", WARNING)
    assert cells(line, {}, label=0) == [(WARNING, "warn")]
    assert cells(line, {"serial": "Galaxy S24 Ultra"}, label=8)[0] == ("Galaxy … ", "busy")
