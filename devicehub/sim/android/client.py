"""A program of the phone that the simulator answers: dumpsys, logcat, am ... It is a mere pipe to it.

It runs as `python -I -S client.py NAME ARGUMENT...` on the phone, so it imports nothing but the standard
library, and little of that: not even pathlib. The socket carries a length, the process id and the arguments
with zero bytes between them, then frames back: one letter, u32 length, payload. `o` and `e` are output, `x`
the exit status, `f` a file that output goes to from then on: `PATH zero SIZE IN KIB zero COUNT`.
"""

from __future__ import annotations

import os
import socket
import struct
import sys

SOCKET_NAME = "sim"
HEADER = struct.Struct("<cI")


class RotatingFile:
    """logcat -f: appends to a file and moves it to .1, .2 ... when it is long."""

    def __init__(self, path: str, kib: int, count: int) -> None:
        self.path = path
        self.limit = kib * 1024
        self.count = count
        self.fd = self.open()

    def open(self) -> int:
        """Open the file for appending."""
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, data: bytes) -> None:
        """Append whole lines."""
        write_all(self.fd, data)
        if self.limit and os.fstat(self.fd).st_size > self.limit:
            os.close(self.fd)
            for number in range(self.count, 0, -1):
                older = f"{self.path}.{number}"
                newer = f"{self.path}.{number - 1}" if number > 1 else self.path
                if os.path.exists(newer):  # noqa: PTH110
                    os.replace(newer, older)  # noqa: PTH105
            self.fd = self.open()


def write_all(fd: int, data: bytes) -> None:
    """Write every byte."""
    while data:
        data = data[os.write(fd, data) :]


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """Read that many bytes; EOFError when the simulator ends."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def main(argv: list[str]) -> int:
    """Ask the simulator; the exit status that it tells."""
    folder = os.environ.get("DEVICEHUB_SIM_SOCKETS", "/dev/socket")
    out: RotatingFile | None = None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            # Led through the open folder: its path may be longer than a socket's address.
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            connection.connect(f"/proc/self/fd/{number}/{SOCKET_NAME}")
            os.close(number)
            words = b"\0".join(os.fsencode(word) for word in (str(os.getpid()), *argv))
            connection.sendall(struct.pack("<I", len(words)) + words)
            while True:
                kind, size = HEADER.unpack(read_exactly(connection, HEADER.size))
                payload = read_exactly(connection, size)
                if kind == b"x":
                    return payload[0]
                if kind == b"f":
                    path, kib, count = payload.split(b"\0")
                    out = RotatingFile(os.fsdecode(path), int(kib), int(count))
                elif kind == b"o" and out is not None:
                    out.write(payload)
                else:
                    write_all(1 if kind == b"o" else 2, payload)
    except BrokenPipeError:
        return 141
    except (OSError, EOFError) as error:
        write_all(2, f"{argv[0]}: {error}\n".encode())
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
