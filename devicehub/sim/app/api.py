"""The app's API on port 8080 of the phone, in the style of OpenAI's.

Paths, status codes and JSON are those of api/openai/network in MNN's apps/Android/MnnLlmChat (Routing.kt,
MNNChatService.kt, MNNModelsService.kt, ResponseHandler.kt, ChatResponseFormatter.kt). Its serializer leaves
out what has its default value, so a model's entry has no `object`.
"""

from __future__ import annotations

import asyncio
import functools
import json
import threading
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from devicehub.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.app.http import Request, Response
    from devicehub.sim.app.runtime import Runtime
    from devicehub.sim.app.session import Session
    from devicehub.sim.app.worker import Worker
    from devicehub.sim.engine.wheel import Context

PORT: Final = 8080
_JSON: Final = "application/json"
_HEARTBEAT_S: Final = 3.0
_DONE_DELAY_S: Final = 0.1
_REALM: Final = "Bearer realm=\"Access to the '/' path\""
_PAGE: Final = "<!DOCTYPE html><html><head><title>MNN Chat API</title></head><body></body></html>"


class Api:
    """Answers requests.

    Attributes:
        model_id: the model that the service was started for.
    """

    def __init__(self, runtime: Runtime, worker: Worker, settings: Mapping[str, Any]) -> None:
        self._runtime = runtime
        self._worker = worker
        self._key = str(settings["api_key"])
        self._auth = bool(settings["api_auth"])
        self.model_id: str | None = None

    async def answer(self, request: Request, response: Response) -> None:
        """Answer one request."""
        match (request.method, request.path):
            case ("GET", "/"):
                await response.send(HTTPStatus.OK, _PAGE.encode(), kind="text/html; charset=UTF-8")
            case ("GET", "/v1/models"):
                await self._list_models(response)
            case ("POST", "/v1/chat/completions"):
                await self._complete(request, response)
            case (_, "/" | "/v1/models" | "/v1/chat/completions"):
                await response.send(HTTPStatus.METHOD_NOT_ALLOWED)
            case _:
                await response.send(HTTPStatus.NOT_FOUND)

    async def _list_models(self, response: Response) -> None:
        if self.model_id is None:
            await _send_json(
                response, {"error": "No current model available"}, HTTPStatus.INTERNAL_SERVER_ERROR
            )
            return
        now = int(time.time_ns() / 1e9)
        permission = {"id": f"modelperm-{self.model_id}", "created": now}
        entry = {"id": self.model_id, "created": now, "permission": [permission]}
        await _send_json(response, {"data": [entry]})

    async def _complete(self, request: Request, response: Response) -> None:
        token = request.headers.get("authorization", "")
        if self._auth and token != f"Bearer {self._key}":
            await response.send(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": _REALM})
            return
        asked = _read_request(request.body)
        if asked is None:
            await response.send(HTTPStatus.BAD_REQUEST)
            return
        history, stream = asked
        if not history:
            error = {"error": {"message": "Messages array is empty"}}
            await _send_json(response, error, HTTPStatus.BAD_REQUEST)
            return
        session = self._runtime.active
        if session is None:
            error = {"error": {"message": "Internal server error", "trace_id": str(uuid.uuid4())}}
            await _send_json(response, error, HTTPStatus.INTERNAL_SERVER_ERROR)
        elif stream:
            await self._stream(session, history, response)
        else:
            await self._answer_whole(session, history, response)

    async def _answer_whole(
        self, session: Session, history: list[tuple[str, str]], response: Response
    ) -> None:
        began_ms = time.time_ns() // 1_000_000
        pieces: list[str] = []
        call = functools.partial(session.submit_full_history, history, pieces.append)
        context = await self._worker.do(call)
        message = {"role": "assistant", "content": "".join(pieces)}
        choice = {"message": message, "finish_reason": "stop", "index": 0}
        head = _head(began_ms, "chat.completion")
        await _send_json(response, {**head, "choices": [choice], "usage": _usage(context)})

    async def _stream(self, session: Session, history: list[tuple[str, str]], response: Response) -> None:
        head = _head(time.time_ns() // 1_000_000, "chat.completion.chunk")
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        gone = threading.Event()

        def hand_over(text: str | None) -> bool:
            loop.call_soon_threadsafe(pieces.put_nowait, text)
            return gone.is_set()

        def generate() -> Context:
            try:
                return session.submit_full_history(history, hand_over)
            finally:
                hand_over(None)

        await response.begin_chunks("text/event-stream")
        answering = asyncio.ensure_future(self._worker.do(generate))
        try:
            await _send_pieces(response, head, pieces)
            context = await answering
            # An answer that was cut at its longest gets no last event: the app only sends it at an end.
            if session.loaded and session.model.ended():
                choice = {"delta": {"content": ""}, "finish_reason": "stop"}
                await _send_event(response, {**head, "choices": [choice], "usage": _usage(context)})
                await SystemClock().sleep(_DONE_DELAY_S)
                await response.chunk(b"data: [DONE]\r\n\r\n")
            await response.chunk(b"")
        finally:
            # A client that went away ends the answer.
            gone.set()


async def _send_pieces(
    response: Response, head: Mapping[str, Any], pieces: asyncio.Queue[str | None]
) -> None:
    while True:
        try:
            async with asyncio.timeout(_HEARTBEAT_S):
                text = await pieces.get()
        except TimeoutError:
            await response.chunk(b": keep-alive\r\n\r\n")
            continue
        if text is None:
            return
        await _send_event(response, {**head, "choices": [{"delta": {"content": text}}]})


async def _send_event(response: Response, value: object) -> None:
    await response.chunk(b"data: " + _dump(value) + b"\r\n\r\n")


async def _send_json(response: Response, value: object, status: int = HTTPStatus.OK) -> None:
    await response.send(status, _dump(value), kind=_JSON)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _head(began_ms: int, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{began_ms}", "object": kind, "created": began_ms // 1000, "model": "mnn-local"}


def _usage(context: Context) -> dict[str, int]:
    return {
        "prompt_tokens": context.prompt_len,
        "completion_tokens": context.gen_seq_len,
        "total_tokens": context.prompt_len + context.gen_seq_len,
    }


def _read_request(body: bytes) -> tuple[list[tuple[str, str]], bool] | None:
    """The conversation as (role, text), and whether it is to be streamed; None for what is no request."""
    try:
        asked = json.loads(body)
        messages = asked["messages"]
        history = [(_role(message, first=not at), _text(message)) for at, message in enumerate(messages)]
        return history, asked.get("stream") is True
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _role(message: Mapping[str, Any], *, first: bool) -> str:
    role = message["role"]
    if role == "assistant" or (first and role == "system"):
        return str(role)
    return "user"


def _text(message: Mapping[str, Any]) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content.strip()
    return " ".join(part["text"] for part in content or [] if part["type"] == "text").strip()
