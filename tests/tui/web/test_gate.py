"""Who is let in: decided from headers and codes alone."""

import pytest

from devicehub_tui.web.gate import Gate

HOST = {"Host": "127.0.0.1:8123"}
OWN = HOST | {"Origin": "http://127.0.0.1:8123"}


def code_of(link: str) -> str:
    before, _, code = link.partition("?code=")
    assert before == "http://127.0.0.1:8123/"
    return code


def test_code_opens_once() -> None:
    gate = Gate(8123)
    code = code_of(gate.new_link())
    cookie = gate.redeem(code)
    assert cookie is not None
    assert gate.refuse_cookie(cookie) is None
    assert gate.redeem(code) is None


def test_new_link_ends_the_one_before_it() -> None:
    gate = Gate(8123)
    old = code_of(gate.new_link())
    new = code_of(gate.new_link())
    assert gate.redeem(old) is None
    assert gate.redeem(new) is not None


@pytest.mark.parametrize("code", ["", "x", "é\udcff"])
def test_wrong_code_opens_nothing_and_ends_nothing(code: str) -> None:
    gate = Gate(8123)
    assert gate.redeem(code) is None
    right = code_of(gate.new_link())
    assert gate.redeem(code) is None
    assert gate.redeem(right) is not None


@pytest.mark.parametrize("cookie", [None, "", "x", "é\udcff"])
def test_wrong_cookie_is_refused(cookie: str | None) -> None:
    refusal = Gate(8123).refuse_cookie(cookie)
    assert refusal is not None
    assert refusal.status == 403


def test_cookies_of_two_servers_differ_in_name_and_value() -> None:
    first, second = Gate(8123), Gate(8124)
    assert first.cookie_name != second.cookie_name
    cookie = first.redeem(code_of(first.new_link()))
    assert second.refuse_cookie(cookie) is not None


@pytest.mark.parametrize("headers", [HOST, OWN, HOST | {"Sec-Fetch-Site": "none"}])
def test_request_of_a_person_or_of_our_page_passes(headers: dict[str, str]) -> None:
    assert Gate(8123).refuse_place(headers, websocket=False) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "evil.example:8123"},  # a name that was made to resolve to 127.0.0.1
        {"Host": "localhost:8123"},
        HOST | {"Origin": "http://evil.example"},
        HOST | {"Origin": "null"},
        HOST | {"Origin": "http://127.0.0.1:9999"},
        HOST | {"Origin": "https://127.0.0.1:8123"},
        HOST | {"Sec-Fetch-Site": "cross-site"},
        HOST | {"Sec-Fetch-Site": "same-site"},  # another port of this host
    ],
)
def test_request_to_another_name_or_from_another_page_is_refused(headers: dict[str, str]) -> None:
    assert Gate(8123).refuse_place(headers, websocket=False) is not None


def test_websocket_without_origin_is_no_browsers() -> None:
    assert Gate(8123).refuse_place(HOST, websocket=True) is not None
    assert Gate(8123).refuse_place(OWN, websocket=True) is None
