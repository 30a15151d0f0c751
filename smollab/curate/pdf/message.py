"""Messages between the extraction step and its child process: 8 bytes of length, then the body."""

import struct
from typing import IO

_LENGTH = struct.Struct(">Q")


def write_message(stream: IO[bytes], body: bytes) -> None:
    """Write one message at once.

    Raises:
        BrokenPipeError: the other side has ended.
    """
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def read_message(stream: IO[bytes], maximum_bytes: int = 2**62) -> bytes | None:
    """Read one message, or return None when the other side has ended, or sends more than it may."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    if length > maximum_bytes:
        return None
    body = stream.read(length)
    return body if len(body) == length else None
