"""One connection to the hub: requests and their answers, and events as they come."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from devicehub.api.campaign_model import CampaignView
from devicehub.api.contract import (
    HELLO,
    SUBSCRIBE,
    Gone,
    Hello,
    Params,
    Subscribe,
    Subscribed,
    Welcome,
)
from devicehub.api.limits import MOST_REQUESTS_S, Rate
from devicehub.api.model import (
    TOPICS,
    DeviceView,
    Event,
    JobView,
    LogLines,
    ModelView,
    Noted,
    ProgressMade,
    RunView,
    SampleView,
    TokensSaid,
)
from devicehub.api.rpc import MOST_REPLY_BYTES, CloseCode, RequestId
from devicehub.clock import SystemClock
from devicehub.errors import ApiError, HubUnreachable, InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from websockets.asyncio.client import ClientConnection

    from devicehub.api.contract import After, Method
    from devicehub.runs.ask import CompareAsk, RunAsk

P = TypeVar("P", bound="Params | RunAsk | CompareAsk")
R = TypeVar("R")

_OPEN_S: Final = 10.0
_REQUESTS_S: Final = 0.8 * MOST_REQUESTS_S
"""Fewer than the hub takes: it ends a connection that asks more."""
_MOST_FRAME: Final = MOST_REPLY_BYTES + 64 * 1024
_MOST_UNREAD: Final = 50_000
"""Events that wait to be taken; a program that takes none must not fill its memory."""

SNAPSHOTS: Final[dict[str, Any]] = {
    "campaigns": list[CampaignView],
    "devices": list[DeviceView],
    "samples": list[SampleView],
    "runs": list[RunView],
    "tokens": list[TokensSaid],
    "progress": list[ProgressMade],
    "notes": list[Noted],
    "log": list[LogLines],
    "jobs": list[JobView],
    "models": list[ModelView],
}
"""What the snapshot of a topic is."""


class _Error(msgspec.Struct):
    message: str = "the hub refused it"
    code: int = 0
    data: Any = None


class _EventParams(msgspec.Struct):
    topic: str = ""
    epoch: str = ""
    seq: int = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    """What the hub may send: an event, a result or an error."""

    id: RequestId = None
    params: _EventParams | None = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: _Error | None = None


_ONE: Final = msgspec.json.Decoder(_Message)
_MANY: Final = msgspec.json.Decoder(list[_Message])
_ENCODER: Final = msgspec.json.Encoder()
_EVENTS: Final = {topic: msgspec.json.Decoder(kind) for topic, kind in TOPICS.items()}
HUB_ENDED: Final = "the hub has ended"
"""Why the connection is at its end where the hub was told to end."""
_CLOSES: Final[dict[int, str]] = {
    CloseCode.GOING_AWAY: HUB_ENDED,
    CloseCode.TOO_LARGE: "the hub takes no request as large as that",
    CloseCode.FELL_BEHIND: "the hub closed the connection: events were not read fast enough",
    CloseCode.NOT_AUTHENTICATED: "the hub does not know this token; is it the token file of that hub?",
    CloseCode.TOO_MANY_REQUESTS: "the hub closed the connection: too many requests in a second",
    CloseCode.TOO_MANY_CONNECTIONS: "the hub has as many connections as it takes; close one and try again",
    CloseCode.TOO_DEEP: "the hub takes no request that nests as deep as that",
}


class Client:
    """A hub that has answered; see `open_client`.

    Attributes:
        welcome: what it said of itself.
        url: where it is.
    """

    welcome: Welcome

    def __init__(self, socket: ClientConnection, url: str) -> None:
        self.url = url
        self._socket = socket
        self._clock = SystemClock()
        self._rate = Rate(_REQUESTS_S, now=self._clock.monotonic_s())
        self._pacing = asyncio.Lock()
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._subscribing: set[int] = set()
        self._unread: deque[Event | Subscribed] = deque()
        self._news: asyncio.Future[None] | None = None
        self._end: HubUnreachable | None = None

    async def call(self, method: Method[P, R], params: P | None = None, *, timeout_s: float = 30.0) -> R:
        """Ask the hub.

        Raises:
            ApiError: it refused, with its reason.
            HubUnreachable: it went away, or gave no answer in time; whether it was done is then not known.
        """
        answer = await self._ask(method.name, params if params is not None else Params(), timeout_s)
        return _decode(answer, method.result)

    async def subscribe(
        self,
        *topics: str,
        only: Mapping[str, Sequence[str]] | None = None,
        after: Mapping[str, After] | None = None,
    ) -> Subscribed:
        """Have events of these topics pushed, and of no others; raises as `call` does.

        Args:
            topics: names of `api.model.TOPICS`.
            only: devices' or runs' ids to hear of, by topic.
            after: the last event seen, by topic. One that the hub does not know, such as `After(epoch="",
                seq=0)`, is answered by a snapshot among `gone`.
        """
        params = Subscribe(
            topics=list(topics),
            only={topic: list(keys) for topic, keys in (only or {}).items()},
            after=dict(after or {}),
        )
        return _read_subscribed(await self._ask(SUBSCRIBE.name, params, 30.0))

    async def events(self) -> AsyncIterator[Event]:
        """The events as they come, with their data decoded.

        Raises:
            HubUnreachable: the connection is at its end.
        """
        async for piece in self.incoming():
            if isinstance(piece, Event):
                yield piece

    async def incoming(self) -> AsyncIterator[Event | Subscribed]:
        """Events, and answers to `subscribe`, in the order in which the hub sent them; raises as `events`."""
        while True:
            while self._unread:
                yield self._unread.popleft()
            if self._end is not None:
                raise self._end
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None

    async def hello(self, token: str, name: str, version: str) -> None:
        """Say who one is; the first thing on a connection."""
        answer = await self._ask(HELLO.name, Hello(token=token, client=name, version=version), _OPEN_S)
        self.welcome = _decode(answer, Welcome)

    async def _pace(self) -> None:
        """Wait until the hub takes one more request; the requests keep their order."""
        async with self._pacing:
            while not self._rate.allows(self._clock.monotonic_s()):
                await self._clock.sleep(1 / _REQUESTS_S)

    async def _ask(self, name: str, params: Any, timeout_s: float) -> bytes:
        await self._pace()
        if self._end is not None:
            raise self._end
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": name, "params": params}
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        if name == SUBSCRIBE.name:
            self._subscribing.add(number)
        try:
            async with asyncio.timeout(timeout_s):
                with contextlib.suppress(ConnectionClosed):  # the reader then says why
                    await self._socket.send(_encode(request), text=True)
                return await answer
        except TimeoutError:
            raise HubUnreachable(f"the hub gave no answer to {name} within {timeout_s:g} s") from None
        finally:
            self._waiting.pop(number, None)
            self._subscribing.discard(number)

    async def read(self) -> None:
        """Take what the hub sends until the connection ends; whoever waits is then told why."""
        try:
            while len(self._unread) <= _MOST_UNREAD:
                self._take(await self._socket.recv(decode=False))
            self._unread.clear()
            self._finish(_CLOSES[CloseCode.FELL_BEHIND])
        except ConnectionClosed as closed:
            self._finish(_describe_close(closed))
        except msgspec.DecodeError as error:
            self._finish(
                f"the hub says what this client does not understand ({error}); upgrade the older one"
            )

    def _take(self, frame: bytes) -> None:
        messages = _MANY.decode(frame) if frame[:1] == b"[" else (_ONE.decode(frame),)
        unread = self._unread
        for message in messages:
            if (event := message.params) is not None:
                decoder = _EVENTS.get(event.topic)
                if decoder is not None:  # a newer hub may have more topics
                    data = decoder.decode(event.data)
                    unread.append(Event(topic=event.topic, epoch=event.epoch, seq=event.seq, data=data))
            else:
                self._take_reply(message)
        if unread and self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _take_reply(self, message: _Message) -> None:
        error = _describe_error(message.error) if message.error is not None else None
        answer = self._waiting.get(message.id) if isinstance(message.id, int) else None
        if answer is None or answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        elif isinstance(message.result, msgspec.Raw):
            result = bytes(message.result)
            if message.id in self._subscribing:
                self._unread.append(_read_subscribed(result))
            answer.set_result(result)

    def _finish(self, text: str) -> None:
        self._end = HubUnreachable(text)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(HubUnreachable(text))
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


@contextlib.asynccontextmanager
async def open_client(
    url: str, *, token: str, name: str, version: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Client]:
    """A connection on which hello was said, for the time of the block.

    Raises:
        HubUnreachable: nobody answers there, or not as a hub.
        ApiError: the hub does not let this client in.
    """
    try:
        # No proxy: the token is for the hub alone.
        socket = await connect_websocket(
            url, ssl=tls, proxy=None, compression=None, max_size=_MOST_FRAME, open_timeout=_OPEN_S,
            ping_timeout=60.0, close_timeout=2.0,
        )  # fmt: skip
    except ssl.SSLCertVerificationError as error:
        problem = f"the certificate of {url} is not trusted ({error.verify_message}); name its CA by --ca"
        raise HubUnreachable(problem) from None
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError) as error:
        raise HubUnreachable(f"no hub answers at {url} ({str(error) or 'no answer in time'})") from None
    client = Client(socket, url)
    reading = asyncio.ensure_future(client.read())
    try:
        await client.hello(token, name, version)
        yield client
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        await socket.close()


def _encode(request: dict[str, Any]) -> bytes:
    try:
        return _ENCODER.encode(request)
    except UnicodeEncodeError:
        raise InputError("the request", "holds bytes that are no text; use names in UTF-8") from None


def _decode(answer: bytes, kind: type[R]) -> R:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        text = f"the hub's answer is not understood ({error}); upgrade the older of hub and client"
        raise ApiError(text, code=0) from None


def _read_subscribed(answer: bytes) -> Subscribed:
    said = _decode(answer, Subscribed)
    gone = [
        Gone(topic=gone.topic, seq=gone.seq, snapshot=_read_snapshot(gone))
        for gone in said.gone
        if gone.topic in SNAPSHOTS
    ]
    return Subscribed(epoch=said.epoch, seqs=said.seqs, gone=gone)


def _read_snapshot(gone: Gone) -> Any:
    try:
        return msgspec.convert(gone.snapshot, SNAPSHOTS[gone.topic])
    except msgspec.ValidationError as error:
        raise ApiError(f"the hub's snapshot of {gone.topic} is not understood ({error})", code=0) from None


def _describe_error(error: _Error) -> ApiError:
    data = error.data if isinstance(error.data, dict) else {}
    return ApiError(
        error.message,
        code=error.code,
        kind=str(data.get("kind", "")),
        again=data.get("transient") is True,
    )


def _describe_close(closed: ConnectionClosed) -> str:
    code = closed.rcvd.code if closed.rcvd is not None else None
    return _CLOSES.get(code or 0, "the connection to the hub broke off")
