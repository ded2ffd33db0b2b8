"""Commands at a hub on another host: what is there is shown; paths of this host mean nothing there."""

from __future__ import annotations

import json
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from devicehub.api.server import Listen
from devicehub.settings import Home
from tests.api.certificate import write_certificate
from tests.cli.hub_fixture import hub_in_thread, run
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS = "127.0.0.2"
"""Of this host, and yet none that the hub takes for loopback."""


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The options that lead to a hub elsewhere."""
    monkeypatch.setenv("DEVICEHUB_HOME", str(tmp_path / "home"))
    certificate, key = write_certificate(tmp_path, ADDRESS)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    far = Home(tmp_path / "far")
    with hub_in_thread(far, listen=Listen(ADDRESS, port, context)):
        yield ["--hub", f"wss://{ADDRESS}:{port}", "--ca", str(certificate), "--token-file", str(far.token)]


def test_lists_are_those_of_the_other_host(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["models", "list"], ["engines", "list"], ["runs", "list"], ["devices"]):
        assert run(*command, "--json", *at) == 0
        assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize("command", [["models", "add"], ["engines", "add"], ["app", "install"]])
def test_folder_of_this_host_is_refused_plainly(
    at: list[str], command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command, make_model(tmp_path / "tiny"), *at) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("only a client on the hub's own host may name its paths or programs\n")
    assert captured.err.count("\n") == 1


def test_doctor_tells_nothing_of_the_other_host_but_its_catalogue(
    at: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor", "--json", *at) == 3  # no phone there
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["name"] for row in rows] == ["model"]


def test_place_that_is_not_named_whole_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").touch()
    assert run("devices", "--token-file", tmp_path / "token") == 2
    assert "--ca and --token-file belong to --hub" in capsys.readouterr().err
