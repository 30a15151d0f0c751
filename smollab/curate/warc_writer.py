"""Write WARC files, one gzip member for each record, that survive a kill: what is not confirmed is cut off again.

**Source**: ISO 28500:2017 (WARC 1.1); payload digests as CommonCrawl writes them, SHA-1 in base 32.
"""

import base64
import gzip
import hashlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from smollab import __version__

__all__ = ["Headers", "WarcWriter", "new_record_id", "payload_digest"]

ROLL_BYTES = 2**30
"""A file that has become larger is followed by a new one, as CommonCrawl's are."""

Headers = Iterable[tuple[str, str]]


def payload_digest(body: bytes) -> str:
    """Return `sha1:` and the digest of a body in base 32.

    Example:
        >>> payload_digest(b"")
        'sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'
    """
    return "sha1:" + base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


def new_record_id() -> str:
    """Return an id that no other record has."""
    return f"<urn:uuid:{uuid.uuid4()}>"


class WarcWriter:
    """Appends records to `NAME-00000.warc.gz`, `NAME-00001.warc.gz`, ... in a folder."""

    def __init__(self, folder: Path, name: str, number: int, end: int, about: Headers):
        """Go on where an earlier process confirmed to be; what it wrote after that is cut off.

        Args:
            folder: of the files.
            name: how they begin.
            number: of the file to go on with.
            end: bytes of it that count.
            about: fields of the warcinfo record at the beginning of each file.
        """
        self._folder, self._name, self._about = folder, name, list(about)
        self.number = number
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(f"{name}-*.warc.gz"):
            if path.name > self.path.name:
                path.unlink()
        if self.path.exists():
            os.truncate(self.path, end)
        self._end = end
        self._file: BinaryIO | None = None

    @property
    def path(self) -> Path:
        """The file that is written now."""
        return self._folder / f"{self._name}-{self.number:05d}.warc.gz"

    @property
    def end(self) -> int:
        """Bytes of the file so far."""
        return self._end

    def write(self, kind: str, headers: Headers, block: bytes) -> int:
        """Append one record and return where it starts.

        Args:
            kind: WARC-Type.
            headers: the others; WARC-Record-ID and WARC-Date must be among them.
            block: what follows the header.
        """
        start = self.end
        lines = [("WARC-Type", kind), *headers, ("Content-Length", str(len(block)))]
        header = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines)
        record = b"WARC/1.1\r\n" + header.encode("utf-8", "replace") + b"\r\n" + block + b"\r\n\r\n"
        if self._file is None:
            self._file = self.path.open("ab")
        self._end += self._file.write(gzip.compress(record, 6, mtime=0))
        return start

    def flush(self) -> None:
        """Hand everything to the system."""
        if self._file is not None:
            self._file.flush()

    def roll(self, date: str) -> None:
        """Begin a new file if this one is large, and a file's first record if it is empty."""
        if self.end > ROLL_BYTES:
            self.close()
            self.number += 1
            self._end = 0
        if not self.end:
            fields = [("software", f"smollab/{__version__}"), ("format", "WARC File Format 1.1"), *self._about]
            block = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in fields).encode()
            headers = [("WARC-Record-ID", new_record_id()), ("WARC-Date", date), ("WARC-Filename", self.path.name)]
            self.write("warcinfo", [*headers, ("Content-Type", "application/warc-fields")], block)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _one_line(value: str) -> str:
    """Strangers' text must not begin new header lines."""
    return " ".join(value.split())
