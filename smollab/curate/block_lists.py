"""Lists of domains, addresses and words to refuse, read from files that other people maintain.

Domains come in three forms, which may be mixed: plain (`example.com`), hosts files (`0.0.0.0 example.com`) and the
host rules of ad blockers (`||example.com^`). Lines that are none of these are counted, not raised. A list of millions
is held as a sorted array of 64-bit hashes: 8 bytes a domain, where a set of strings would take about 100. The chance
that some other domain is refused by mistake is the length of the list divided by 2^64.
"""

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Literal

import numpy as np
import xxhash

from smollab.curate.compressed import Problems, read_lines
from smollab.curate.errors import CurationError
from smollab.recipe import resolve_place

__all__ = ["BlockList", "hash_file", "load_list", "normalize_url", "problems_of", "split_words"]

MAXIMUM_LINE_BYTES = 16 * 2**10
Kind = Literal["domains", "urls", "words", "strings"]

_BLANKS = bytes(code if code > 127 or chr(code).isalnum() else 32 for code in range(256))
_DOMAIN = re.compile(rb"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)+")
_SINKS = (b"0.0.0.0", b"127.0.0.1", b"::", b"::1")
"""Where hosts files send what they block."""
_OWN_NAMES = {b"localhost", b"localhost.localdomain", b"local", b"broadcasthost", b"ip6-localhost", b"ip6-loopback",
              b"0.0.0.0"}  # fmt: skip


@dataclass(frozen=True)
class BlockList:
    """Entries, as sorted hashes."""

    hashes: array
    problems: Problems
    """Lines that could not be used."""

    def __contains__(self, entry: bytes) -> bool:
        value = xxhash.xxh3_64_intdigest(entry)
        place = bisect_left(self.hashes, value)
        return place < len(self.hashes) and self.hashes[place] == value

    def __len__(self) -> int:
        return len(self.hashes)

    @classmethod
    def of(cls, entries: Iterable[bytes], problems: Problems | None = None) -> "BlockList":
        """Build a list; entries may repeat."""
        hashes = array("Q", map(xxhash.xxh3_64_intdigest, entries))
        np.frombuffer(hashes, dtype=np.uint64).sort()  # in place
        return cls(hashes, problems if problems is not None else Counter())


def hash_file(file: str) -> str:
    """Hash a list's bytes.

    Raises:
        CurationError: the file cannot be read.
    """
    path = resolve_place(file)
    try:
        status = path.stat()
        if path.is_char_device() or path.is_fifo():
            raise CurationError(f"curate.url: the list {file} is a device, not a file; correct the path")
        return _hash(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise CurationError(f"curate.url: the list {file} cannot be read: {error.strerror or error}") from None


def load_list(file: str, kind: Kind) -> "BlockList | tuple[bytes, ...]":
    """Read a list, plain, gzip or zstd; comments begin with `#` or `!`.

    Args:
        file: its path.
        kind: `domains` and `urls` become a `BlockList`; `words` (split as addresses are) and `strings` (without
            separators) are returned as they are, for they are few.

    Raises:
        CurationError: the file cannot be read.
    """
    return _load(resolve_place(file), kind, hash_file(file))


def problems_of(file: str, kind: Kind) -> Problems:
    """Return what was wrong with a list: reason -> lines."""
    problems: Problems = Counter()
    for _ in _entries(resolve_place(file), kind, problems):
        pass
    return problems


@lru_cache(maxsize=16)
def _hash(path: Path, size: int, time: int) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=16)
def _load(path: Path, kind: Kind, digest: str) -> "BlockList | tuple[bytes, ...]":
    problems: Problems = Counter()
    entries = _entries(path, kind, problems)
    if kind in ("domains", "urls"):
        return BlockList.of(entries, problems)
    return tuple(sorted(set(entries)))


def _entries(path: Path, kind: str, problems: Problems) -> Iterator[bytes]:
    parse: Callable[[bytes], Iterable[bytes]] = {
        "domains": _parse_domains, "urls": _parse_url, "words": _parse_words, "strings": _parse_string,
    }[kind]  # fmt: skip
    with path.open("rb") as stream:
        for line in read_lines(stream, problems, lambda opening: True, MAXIMUM_LINE_BYTES):
            line = line.strip()
            if not line or line[0] in b"#!":
                continue
            try:
                yield from parse(line)
            except ValueError:
                problems[f"line that is no entry of a list of {kind}"] += 1


def split_words(address: str) -> list[bytes]:
    """Split an address into its words, in UTF-8 and lower case: at every ASCII character but letters and digits."""
    return address.lower().encode("utf-8", "replace").translate(_BLANKS).split()


def _parse_domains(line: bytes) -> Iterable[bytes]:
    """Return the domains of a line.

    Raises:
        ValueError: it has none.
    """
    line = line.lower()
    if _DOMAIN.fullmatch(line):  # nearly all lines of nearly all lists
        return (line.removeprefix(b"www."),) if line not in _SINKS else ()
    if line.startswith(b"||"):
        domain, caret, options = line[2:].partition(b"^")
        if not caret or options:
            raise ValueError
        names = [domain]
    else:
        names = line.partition(b"#")[0].split()
        if len(names) > 1:
            if names[0] not in _SINKS:
                raise ValueError
            names = [name for name in names[1:] if name not in _OWN_NAMES]
    return [_to_domain(name) for name in names]


def _to_domain(name: bytes) -> bytes:
    name = name.removeprefix(b"*").removeprefix(b".").removesuffix(b".")
    if not name.isascii():
        name = name.decode("utf-8").encode("idna")
    if not _DOMAIN.fullmatch(name):
        raise ValueError
    return name.removeprefix(b"www.")


def _parse_url(line: bytes) -> Iterable[bytes]:
    if b"." not in line or b" " in line:
        raise ValueError
    return (normalize_url(line.decode("utf-8")).encode(),)


def _parse_words(line: bytes) -> Iterable[bytes]:
    words = split_words(line.decode("utf-8"))
    if len(words) != 1:
        raise ValueError
    return words


def _parse_string(line: bytes) -> Iterable[bytes]:
    string = b"".join(split_words(line.decode("utf-8")))
    if len(string) < 3:
        raise ValueError
    return (string,)


def normalize_url(url: str) -> str:
    """Write an address without scheme, `www.`, fragment and final slash, its host in lower case."""
    rest = url.partition("#")[0].partition("://")[2] or url.partition("#")[0]
    host, slash, path = rest.partition("/")
    return (host.lower().removeprefix("www.") + slash + path).rstrip("/")
