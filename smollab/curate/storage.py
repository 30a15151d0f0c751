"""Open files wherever they are: on this machine, behind http(s), or in a store that fsspec knows (s3://, hf://).

Addresses of http(s) go through `fetch`, which refuses private networks. Of fsspec's many protocols only those of
public stores and of files are let through: others (sftp, smb, webhdfs) would reach into the network of whoever runs a
stranger's recipe.
"""

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from smollab.curate.errors import CurationError
from smollab.curate.fetch import FetchError, open_url

__all__ = ["SeekableUrl", "find_remote_files", "is_remote", "open_file", "open_seekable", "open_store", "stamp"]

STORES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "hf": "huggingface_hub",
          "file": "", "local": "", "memory": ""}  # fmt: skip
"""Protocol -> the package that speaks it."""


def is_remote(place: str) -> bool:
    """Tell an address from a path."""
    return "://" in place


@contextmanager
def open_file(file: str) -> Iterator[BinaryIO]:
    """Open a path or an address for reading from the start to the end; one reading may give less than it asks for.

    Raises:
        OSError: it cannot be read or must not be fetched.
    """
    if not is_remote(file):
        with _open_local(file) as local:
            yield local
    elif file.startswith(("http://", "https://")):
        # Not buffered: a buffer would lose what came before an error.
        with open_url(file) as stream:
            yield cast(BinaryIO, stream)
    else:
        with open_seekable(file) as stored:
            yield stored


@contextmanager
def open_seekable(file: str) -> Iterator[BinaryIO]:
    """Open a path or an address for reading from any place.

    Raises:
        OSError: it cannot be read, must not be fetched, or the server gives no parts of files.
    """
    if not is_remote(file):
        with _open_local(file) as local:
            yield local
    elif file.startswith(("http://", "https://")):
        with io.BufferedReader(SeekableUrl(file), 2**20) as stream:
            yield cast(BinaryIO, stream)
    else:
        with _StoredFile(file) as stored, io.BufferedReader(stored, 2**20) as stream:
            yield cast(BinaryIO, stream)


def _open_local(file: str) -> BinaryIO:
    """Open a regular file; a pipe would wait for ever, a device never end."""
    path = Path(file)
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        os.scandir(path).close()  # one that cannot be listed says why
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", file)
    return path.open("rb")


def find_remote_files(place: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return the addresses of a file, of the files in a folder, or that match a pattern; in a stable order.

    Args:
        place: an address; of http(s) it must be that of one file.
        suffixes: endings of the files wanted, in a folder.

    Raises:
        CurationError: another protocol, a package that is not installed, a place that does not exist.
    """
    if place.startswith(("http://", "https://")):
        return [place]
    try:
        store, path = open_store(place)
        if "*" in path:
            found = sorted(store.glob(path))
        elif store.isdir(path):
            found = sorted(name for name in store.find(path) if name.lower().endswith(suffixes))
        elif store.exists(path):
            found = [path]
        else:
            raise CurationError(f"{place} does not exist; correct the address")
    except FetchError as error:
        raise CurationError(str(error)) from None
    except CurationError:
        raise
    except Exception as error:  # stores raise errors of many libraries
        reason = (str(error).splitlines() or [""])[0]
        raise CurationError(f"{place}: {type(error).__name__}: {reason}; check the address and your access") from error
    return [store.unstrip_protocol(name) for name in found]


def stamp(file: str) -> list[str]:
    """Return what changes when a file does: size and time, or the store's tag; empty where it cannot be told."""
    if not is_remote(file):
        try:
            status = Path(file.partition("?")[0]).stat()  # a part of an index carries its query
        except (OSError, ValueError):
            return []
        return [str(status.st_size), str(status.st_mtime_ns)]
    if file.startswith(("http://", "https://")):
        return []
    try:
        store, path = open_store(file)
        facts = store.info(path)
    except Exception:  # stores raise errors of many libraries; reading will say what is wrong
        return []
    return [str(facts[key]) for key in ("size", "ETag", "etag", "mtime", "LastModified", "created") if key in facts]


def open_store(address: str) -> tuple[Any, str]:
    """Return the file system and the path inside it.

    Raises:
        FetchError: a protocol that is not let through, or whose package is missing.
    """
    import fsspec

    protocol = address.partition("://")[0]
    if protocol not in STORES or "::" in address:
        known = ", ".join(f"{name}://" for name in ("http", "https", *STORES))
        raise FetchError(f"{address}: not an address that can be read; known: {known}")
    try:
        return cast(tuple[Any, str], fsspec.core.url_to_fs(address))
    except ImportError:
        package = STORES[protocol]
        raise FetchError(f"{address}: needs the package {package}: pip install {package}") from None


class _StoredFile(io.RawIOBase):
    """A file of a store, whose errors are `FetchError`s."""

    def __init__(self, address: str):
        self._address = address
        store, path = open_store(address)
        try:
            self._file = store.open(path, "rb")
        except Exception as error:  # stores raise errors of many libraries
            raise self._name(error) from error

    def readable(self) -> bool:
        """Can be read."""
        return True

    def seekable(self) -> bool:
        """Can be read from any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        """Return where the next reading starts."""
        return int(self._file.tell())

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as the file reaches."""
        try:
            data = self._file.read(len(buffer))
        except Exception as error:  # stores raise errors of many libraries
            raise self._name(error) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def _name(self, error: Exception) -> FetchError:
        if isinstance(error, FileNotFoundError):
            return FetchError(f"{self._address}: does not exist")
        reason = (str(error).splitlines() or [""])[0]
        return FetchError(f"{self._address}: {type(error).__name__}: {reason}")


class SeekableUrl(io.RawIOBase):
    """A file on a server that can be read from any place, by range requests; for Parquet files.

    Raises:
        FetchError: the server serves no ranges, or the file cannot be fetched.
    """

    def __init__(self, url: str):
        self._url = url
        self._position = 0
        with open_url(url, first=0, length=1) as stream:
            if stream.file_size is None:
                raise FetchError(f"{url}: the server does not say how long the file is")
            self._size = stream.file_size

    def readable(self) -> bool:
        """Can be read."""
        return True

    def seekable(self) -> bool:
        """Can be read from any place."""
        return True

    def tell(self) -> int:
        """Return where the next reading starts."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as the file reaches."""
        length = min(len(buffer), self._size - self._position)
        if length <= 0:
            return 0
        with open_url(self._url, first=self._position, length=length) as stream:
            data = io.BufferedReader(stream).read(length)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
