"""Speaks as much of the HTTP APIs of Hugging Face and ModelScope as pulling needs, on loopback.

Hugging Face: `/api/models/{repo}`, `/api/models/{repo}/tree/{revision}`, `/{repo}/resolve/{revision}/{path}`.
ModelScope: `/api/v1/models/{repo}/repo/files`, `/api/v1/models/{repo}/repo?FilePath=`.
It answers 404 to everything else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LFS_FROM = 1000
"""Bytes; smaller files stand in the repository itself."""


@dataclass
class StandInHub:
    """What it holds, what it does wrong, and what it was asked.

    Attributes:
        repos: the files of each repository, by `ORG/NAME`.
        private: repositories that only the token `let-me-in` may read.
        cuts: by path, after how many bytes of an answer the connection breaks; each once.
        lies: by path, what is sent in place of the content.
        stalled: paths of which only the first half comes, and then nothing.
        reached: set when that has happened.
        sent: bytes of content that went out, by path.
        ranges: the Range headers that came, by path.
    """

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    lies: dict[str, bytes] = field(default_factory=dict)
    stalled: set[str] = field(default_factory=set)
    reached: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    sent: dict[str, int] = field(default_factory=dict)
    ranges: dict[str, list[str]] = field(default_factory=dict)
    url: str = ""


@contextlib.contextmanager
def stand_in_hub() -> Iterator[StandInHub]:
    hub = StandInHub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = _Server(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: StandInHub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        return

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        asked = urlsplit(self.path)
        parts = unquote(asked.path).strip("/").split("/")
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        match parts:
            case ["api", "v1", "models", org, name, "repo", "files"]:
                self._modelscope_files(f"{org}/{name}", body=body)
            case ["api", "v1", "models", org, name, "repo"]:
                self._file(f"{org}/{name}", query.get("FilePath", ""), body=body, modelscope=True)
            case ["api", "models", org, name, "tree", _]:
                self._hf_tree(f"{org}/{name}", body=body)
            case ["api", "models", org, name, *rest] if not rest or rest[0] == "revision":
                self._hf_info(f"{org}/{name}", rest[1] if rest else "main", body=body)
            case [org, name, "resolve", _, *path]:
                self._file(f"{org}/{name}", "/".join(path), body=body, modelscope=False)
            case _:
                self._reply(404, b"{}", body=body)

    def _may_read(self, repo: str, *, body: bool, modelscope: bool) -> bool:
        if repo not in self.hub.repos:
            more = {} if modelscope else {"X-Error-Code": "RepoNotFound"}
            self._reply(404, b'{"Code": 10010205001, "Success": false}', body=body, **more)
            return False
        if repo in self.hub.private and self.headers.get("Authorization") != "Bearer let-me-in":
            if modelscope:
                self._reply(403, b'{"Code": 10010204003, "Message": "denied", "Success": false}', body=body)
            else:
                self._reply(403, b"{}", body=body, **{"X-Error-Code": "GatedRepo"})
            return False
        return True

    def _hf_info(self, repo: str, revision: str, *, body: bool) -> None:
        if not self._may_read(repo, body=body, modelscope=False):
            return
        if revision not in ("main", COMMIT):
            self._reply(404, b"{}", body=body, **{"X-Error-Code": "RevisionNotFound"})
            return
        self._json({"_id": "1", "id": repo, "sha": COMMIT, "siblings": []}, body=body)

    def _hf_tree(self, repo: str, *, body: bool) -> None:
        if self._may_read(repo, body=body, modelscope=False):
            self._json([_hf_entry(path, data) for path, data in self.hub.repos[repo].items()], body=body)

    def _modelscope_files(self, repo: str, *, body: bool) -> None:
        if self._may_read(repo, body=body, modelscope=True):
            files = [
                {"Path": path, "Name": path, "Size": len(data), "Type": "blob", "Sha256": _sha256(data)}
                for path, data in self.hub.repos[repo].items()
            ]
            self._json({"Code": 200, "Success": True, "Data": {"Files": files}}, body=body)

    def _file(self, repo: str, path: str, *, body: bool, modelscope: bool) -> None:
        if not self._may_read(repo, body=body, modelscope=modelscope):
            return
        data = self.hub.repos[repo].get(path)
        if data is None:
            self._reply(404, b"{}", body=body, **{"X-Error-Code": "EntryNotFound"})
            return
        headers = {"ETag": f'"{_sha256(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        data = self.hub.lies.get(path, data)
        status, first = 200, 0
        if (asked := self.headers.get("Range")) is not None and body:
            self.hub.ranges.setdefault(path, []).append(asked)
            first = int(asked.removeprefix("bytes=").partition("-")[0])
            status = 206
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self._reply(status, data[first:], body=body, path=path, **headers)

    def _json(self, value: Any, *, body: bool) -> None:
        self._reply(200, json.dumps(value).encode(), body=body, **{"Content-Type": "application/json"})

    def _reply(self, status: int, data: bytes, *, body: bool, path: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return
        cuts = self.hub.cuts.get(path, [])
        is_cut = bool(cuts) and cuts[0] < len(data)
        if is_cut:
            data = data[: cuts.pop(0)]
        if path in self.hub.stalled:
            self.wfile.write(data[: len(data) // 2])
            self.hub.reached.set()
            self.hub.over.wait()
            return
        self.wfile.write(data)
        if path:
            self.hub.sent[path] = self.hub.sent.get(path, 0) + len(data)
        if is_cut:
            self.wfile.flush()
            self.close_connection = True


def _hf_entry(path: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": _blob(data)}
    if len(data) >= _LFS_FROM:
        entry["lfs"] = {"oid": _sha256(data), "size": len(data), "pointerSize": 130}
    return entry


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
