"""Virtual phones with MnnLlmChat and the demo model, and a client that speaks to them."""

from __future__ import annotations

import contextlib
import re
import shutil
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.sim.adbd.transport import Command
from tests.sim.adbd.raw_client import connect_raw, public_half
from tests.sim.conftest import phone_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.sim.phone import PhoneSpec, VirtualPhone

PACKAGE: Final = "com.alibaba.mnnllm.android"
MODELS: Final = "/data/local/tmp/mnn_models"
MODEL_ID: Final = f"local/{MODELS}/X"
CHAT: Final = f"{PACKAGE}/.chat.ChatActivity"
START: Final = (
    f"am start -n {CHAT} --es modelId {MODEL_ID} --es modelName X --es configFilePath {MODELS}/X/config.json"
)
STETHO: Final = f"localabstract:stetho_{PACKAGE}_devtools_remote"
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True)
class Client:
    """Who uses a phone."""

    phone: VirtualPhone
    key: Path

    async def say(self, command: str) -> str:
        """What a command on the phone prints, both outputs together."""
        async with connect_raw(self.phone.address) as client:
            await client.log_in(self.key)
            remote = await client.open_stream(f"shell:{{ {command}; }} 2>&1".encode())
            return (await client.read_all(remote)).decode()

    async def dumpapp(self, *words: str) -> str:
        """What a dumpapp command prints; its exit status must be 0."""
        frames = parse_frames(await self.exchange(STETHO, hello(*words)))
        assert frames[-1] == (b"x", b"\0\0\0\0")
        assert {kind for kind, _ in frames[:-1]} <= {b"1"}
        return b"".join(data for _, data in frames[:-1]).decode()

    async def exchange(self, service: str, data: bytes) -> bytes:
        """What a forwarded service answers to the data, up to its end."""
        async with connect_raw(self.phone.address) as client:
            await client.log_in(self.key)
            remote = await client.open_stream(service.encode())
            await client.send(Command.WRTE, 1, remote, data)
            return await client.read_all(remote)

    async def refuses(self, service: str) -> bool:
        """Whether the phone has nobody behind a service."""
        async with connect_raw(self.phone.address) as client:
            await client.log_in(self.key)
            await client.send(Command.OPEN, 1, 0, service.encode() + b"\0")
            return (await client.receive()).command == Command.CLSE

    async def wait_for_log(self, text: str, *, filters: str = "") -> str:
        """The whole log, once a line of it holds the text."""
        clock = SystemClock()
        deadline = clock.monotonic_s() + _PATIENCE_S
        while text not in (told := await self.say(f"logcat -d -v uid -v threadtime {filters}")):
            assert clock.monotonic_s() < deadline, f"{text!r} never came:\n{told}"
            await clock.sleep(0.05)
        return told

    async def pid(self) -> str:
        """The app's last process; a portable phone's pidof would find other phones' as well."""
        told = await self.say("logcat -d -b system")
        found: list[str] = re.findall(rf"Start proc (\d+):{PACKAGE}/", told)
        return found[-1]

    async def wait_for_service(self, service: str) -> None:
        """Until somebody on the phone is behind a service."""
        clock = SystemClock()
        deadline = clock.monotonic_s() + _PATIENCE_S
        while await self.refuses(service):
            assert clock.monotonic_s() < deadline, f"nobody is behind {service}"
            await clock.sleep(0.05)

    def add_model(self, name: str = "X") -> Path:
        """Put the demo model where the app looks, readable for it; its folder on the host."""
        folder = self.phone.root / MODELS.lstrip("/") / name
        folder.parent.mkdir(exist_ok=True)
        folder.parent.chmod(0o755)
        shutil.copytree(demo_model_dir(), folder)
        folder.chmod(0o755)
        for file in folder.iterdir():
            file.chmod(0o644)
        return folder


@contextlib.asynccontextmanager
async def client_of(spec: PhoneSpec, key: Path) -> AsyncIterator[Client]:
    """A phone and who uses it."""
    async with phone_or_skip(spec, [public_half(key)]) as phone:
        yield Client(phone, key)


def hello(*words: str) -> bytes:
    """The bytes that begin a dumpapp command (stetho's tools: DUMP, version 1, then the enter frame)."""
    data = b"DUMP" + struct.pack(">I", 1) + b"!" + struct.pack(">I", len(words))
    for word in words:
        data += struct.pack(">H", len(word.encode())) + word.encode()
    return data


def parse_frames(data: bytes) -> list[tuple[bytes, bytes]]:
    """The frames of an answer by kind; an exit frame holds its four bytes."""
    frames = []
    while data:
        kind, size = data[:1], int.from_bytes(data[1:5], "big")
        size, begin = (4, 1) if kind == b"x" else (size, 5)
        assert len(data) >= begin + size, "an answer that was cut"
        frames.append((kind, data[begin : begin + size]))
        data = data[begin + size :]
    return frames
