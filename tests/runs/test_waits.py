from __future__ import annotations

from devicehub.runs.waits import PhoneSeen, waits_for


def test_phones_that_will_be_free_by_themselves_are_named_first() -> None:
    seen = [
        PhoneSeen("Q", problem="Q is unauthorized (press allow)"),
        PhoneSeen("W", temp_mc=41_200),
        PhoneSeen("B", run="r0"),
    ]
    assert waits_for([("all", seen)], limit_mc=35_000) == (
        "B is busy with run r0, W is 41.2 °C warm, wanted below 35.0 °C, Q is unauthorized (press allow)"
    )


def test_many_phones_are_not_all_named() -> None:
    seen = [PhoneSeen(f"P{n}", run=f"r{n}") for n in range(9)]
    assert waits_for([("all", seen)]).endswith("P2 is busy with run r2, 6 more cannot take it now")


def test_what_keeps_one_phone_of_two_is_said_and_not_that_the_other_is_free() -> None:
    meant = [("P", [PhoneSeen("P")]), ("Q", [PhoneSeen("Q", run="r0")])]
    assert waits_for(meant) == "Q is busy with run r0"
    assert waits_for(meant[:1]) == "P is free; it begins when its turn comes"


def test_phone_without_a_temperature_is_not_warm() -> None:
    assert "is free" in waits_for([("P", [PhoneSeen("P")])], limit_mc=35_000)


def test_words_that_mean_no_phone() -> None:
    assert waits_for([("soc=sm8650", [])]).startswith("no phone that is there is soc=sm8650: ")
