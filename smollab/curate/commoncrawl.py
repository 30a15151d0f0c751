"""Fetch single pages out of CommonCrawl: ask an index where they are, read just those bytes.

An address is `cc:INDEX?url=PATTERN&mime=TYPES&language=CODES&data=PLACE`, where INDEX is

- the name of a crawl, `CC-MAIN-2024-10`: asked of index.commoncrawl.org;
- the address of another server that speaks the same protocol (pywb's CDX server), `https://.../CC-MAIN-2024-10-index`;
- a CDXJ file (`cdx-00000.gz`), or a file of the columnar index (`.parquet`), or a folder of such: on this machine or in
  a store. The columnar index is by far the best for much of a crawl; the server is for a few sites.

PATTERN is `example.org/page` (that page), `example.org/news/*` (what begins so) or `*.example.org` (a domain and those
below it). TYPES and CODES are separated by commas; languages are three letters (`eng,fra`). The records are read from
PLACE, by default https://data.commoncrawl.org/; `s3://commoncrawl/` is quicker from inside AWS.

**Source**: https://commoncrawl.org/cdxj-index and https://commoncrawl.org/columnar-index; the parameters of the
server: pywb's documentation, "CDXJ Server API".
"""

import difflib
import io
import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from smollab.curate.compressed import Problems, read_lines
from smollab.curate.errors import CurationError
from smollab.curate.fetch import open_url
from smollab.curate.storage import find_remote_files, is_remote, open_file, open_seekable
from smollab.curate.warc import MAXIMUM_RECORD_BYTES, WebRecord, read_warc
from smollab.recipe import resolve_place

__all__ = ["Capture", "fetch_records", "list_parts", "read_captures"]

INDEX_SERVER = "https://index.commoncrawl.org/{crawl}-index"
DATA = "https://data.commoncrawl.org/"
MIME_TYPES = "text/html,application/xhtml+xml"
"""Pages, as declared or as detected."""
MAXIMUM_LINE_BYTES = 2**20
MAXIMUM_INDEX_BYTES = 2 * 2**30
CONNECTIONS = 4
"""Records fetched at a time by one worker."""
FAILURES = 10
"""In a row, before the place that holds the records is given up."""
_COLUMNS = (
    "url", "fetch_time", "fetch_status", "content_mime_type", "content_mime_detected", "content_languages",
    "content_truncated", "warc_filename", "warc_record_offset", "warc_record_length",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capture:
    """Where one page is."""

    url: str
    file: str
    """WARC file, below the place of the data."""
    offset: int
    length: int
    """Bytes, packed."""
    truncated: str = ""
    """Why the crawler cut the page off; empty if it did not."""


@dataclass(frozen=True, slots=True)
class _Query:
    index: str
    url: str
    mime: frozenset[str]
    languages: frozenset[str]
    data: str
    page: int | None
    """Of a server's answer."""

    def matches(self, url: str, mime: Iterable[str], status: str, languages: str) -> bool:
        return (
            status == "200"
            and not self.mime.isdisjoint(mime)
            and (not self.languages or not self.languages.isdisjoint(languages.split(",")))
            and _matches_pattern(self.url, url)
        )


def list_parts(place: str) -> list[str]:
    """Cut what an address asks for into parts: pages of the server's answer, or files of the index.

    Raises:
        CurationError: an address that cannot be understood, an index that cannot be reached or does not exist.
    """
    query = _parse(place)
    index, _, parameters = place.partition("?")
    if _is_server(query.index):
        with_pages = ((f"{index}?{parameters}&page={page}") for page in range(_count_pages(query)))
        return list(with_pages)
    suffixes = (".gz", ".cdxj", ".parquet")
    if is_remote(index):
        files = find_remote_files(index, suffixes)
    else:
        path = resolve_place(index).resolve()
        if not path.exists():
            raise CurationError(f"{index} is no crawl (CC-MAIN-YYYY-WW), no address and no index file; correct it")
        inside = sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(suffixes))
        files = [str(path)] if path.is_file() else [str(p) for p in inside]
    if not files:
        raise CurationError(f"{index} holds no index file (cdx-*.gz or *.parquet); correct the address")
    return [f"{file}?{parameters}" for file in files]


def read_captures(part: str, problems: Problems) -> Iterator[Capture]:
    """Yield where the pages of a part are.

    Raises:
        OSError: the index cannot be read.
    """
    query = _parse(part)
    if query.index.endswith(".parquet"):
        yield from _read_columns(query, problems)
        return
    if _is_server(query.index):
        with open_url(_ask(query, page=str(query.page or 0)), MAXIMUM_INDEX_BYTES) as stream:
            yield from _read_index_lines(query, stream, problems)
    else:
        with open_file(query.index) as stream:
            yield from _read_index_lines(query, stream, problems)


def fetch_records(
    part: str, captures: Iterable[Capture], problems: Problems, journal: Path | None = None
) -> Iterator[tuple[Capture, WebRecord]]:
    """Yield the records of captures, in their order, fetched a few at a time; what is missing is counted.

    Args:
        part: of which the captures are.
        captures: where the records are.
        problems: counts what was wrong.
        journal: file that remembers what was fetched and what failed. A run that is repeated after an interruption
            takes that from here: it is the same again, and nobody's server is asked twice.

    Raises:
        OSError: nothing could be fetched several times in a row.
    """
    data = _parse(part).data
    captures = iter(captures)
    with _Journal(journal) if journal else nullcontext() as kept:
        if kept:
            for (why, raw), capture in kept.entries(captures):
                yield from _to_record(capture, why, raw, problems)
        failures = 0
        for capture, future in _fetch_all(data, captures):
            why, raw = "", b""
            try:
                raw = future.result()
                failures = 0
            except OSError as error:
                failures += 1
                if failures == FAILURES:
                    raise
                why = str(error).replace(data + capture.file, "").removeprefix(": ") or "cannot be read"
            if kept:
                kept.add(capture, why, raw)
            yield from _to_record(capture, why, raw, problems)


class _Journal:
    """What was fetched, in order: a line of JSON, then the bytes, for each capture."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")

    def __enter__(self) -> "_Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def entries(self, captures: Iterator[Capture]) -> Iterator[tuple[tuple[str, bytes], Capture]]:
        """Yield (failure, bytes) of the captures that are noted; forget what a kill has cut off."""
        self._file.seek(0)
        sound = 0
        while header := self._file.readline(2**16):
            try:
                entry = json.loads(header)
                raw = self._file.read(entry["bytes"])
            except (ValueError, KeyError, TypeError):
                break
            if len(raw) < entry["bytes"] or (capture := next(captures, None)) is None:
                break
            sound = self._file.tell()
            yield (entry["failure"], raw), capture
        self._file.truncate(sound)

    def add(self, capture: Capture, failure: str, raw: bytes) -> None:
        """Note one more."""
        header = {"url": capture.url, "failure": failure, "bytes": len(raw)}
        self._file.write(json.dumps(header).encode() + b"\n" + raw)
        self._file.flush()


def _fetch_all(data: str, captures: Iterator[Capture]) -> Iterator[tuple[Capture, Future[bytes]]]:
    waiting: deque[tuple[Capture, Future[bytes]]] = deque()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            while True:
                while len(waiting) < 2 * CONNECTIONS and (capture := next(captures, None)) is not None:
                    waiting.append((capture, pool.submit(_fetch, data, capture)))
                if not waiting:
                    return
                yield waiting.popleft()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _fetch(data: str, capture: Capture) -> bytes:
    place = data + capture.file
    if place.startswith(("http://", "https://")):
        with open_url(place, capture.length, first=capture.offset, length=capture.length) as stream:
            return stream.readall() or b""
    with open_seekable(place) as file:
        file.seek(capture.offset)
        return file.read(capture.length)


def _to_record(capture: Capture, failure: str, raw: bytes, problems: Problems) -> Iterator[tuple[Capture, WebRecord]]:
    if failure:
        problems[f"page not fetched: {failure}"] += 1
        return
    record = next(read_warc(io.BytesIO(raw), problems), None)
    if record is None or record.url != capture.url:
        problems["the index leads to another record"] += 1
    else:
        yield capture, replace(record, offset=capture.offset)


def _parse(place: str) -> _Query:
    index, _, parameters = place.partition("?")
    known = ("url", "mime", "language", "data", "page")
    values: dict[str, str] = {}
    for key, value in parse_qsl(parameters, keep_blank_values=True):
        if key not in known:
            nearest = (difflib.get_close_matches(key, known, n=1) or ["url"])[0]
            raise CurationError(f"cc:{place}: unknown parameter {key!r}; did you mean {nearest!r}?")
        values[key] = value
    remote = _is_server(index) or index.startswith("CC-MAIN-")
    if remote and not values.get("url", "").strip("*./"):
        raise CurationError(f"cc:{place}: say which pages, such as ?url=*.example.org (all of a crawl: use its files)")
    page = values.get("page", "")
    return _Query(
        index=INDEX_SERVER.format(crawl=index) if index.startswith("CC-MAIN-") and "/" not in index else index,
        url=values.get("url", ""),
        mime=frozenset(values.get("mime", MIME_TYPES).lower().split(",")),
        languages=frozenset(filter(None, values.get("language", "").lower().split(","))),
        data=values.get("data", DATA).rstrip("/") + "/",
        page=int(page) if page.isdecimal() else None,
    )


def _is_server(index: str) -> bool:
    return index.startswith(("http://", "https://")) and not index.endswith((".gz", ".cdxj", ".parquet"))


def _ask(query: _Query, **parameters: str) -> str:
    asked = {"url": query.url, "output": "json", "filter": "=status:200", **parameters}
    return f"{query.index}?{urlencode(asked)}"


def _count_pages(query: _Query) -> int:
    try:
        with open_url(_ask(query, showNumPages="true"), 2**16) as stream:
            answer = json.loads(stream.readall() or b"")
        return max(1, int(answer["pages"] if isinstance(answer, dict) else answer))
    except OSError as error:
        way_out = "check the name of the crawl and the network, or name index files instead"
        raise CurationError(f"the index cannot be asked: {error}; {way_out}") from None
    except (ValueError, KeyError, TypeError):
        raise CurationError(f"{query.index} does not answer as an index server does; correct the address") from None


def _read_index_lines(query: _Query, stream: Any, problems: Problems) -> Iterator[Capture]:
    """Read CDXJ lines (`key timestamp {...}`) or bare JSON lines."""
    for line in read_lines(stream, problems, lambda opening: b" {" in opening, MAXIMUM_LINE_BYTES):
        start = line.find(b"{")
        if not line.strip() or (start < 0 and line.startswith(b"!")):  # `!meta` lines open an index
            continue
        try:
            row = json.loads(line[max(start, 0) :])
            url, mime = str(row["url"]), (str(row.get("mime", "")), str(row.get("mime-detected", "")))
            if query.matches(url, mime, str(row.get("status", "")), str(row.get("languages", ""))):
                yield _check(url, row["filename"], int(row["offset"]), int(row["length"]), row.get("truncated"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            problems["index line that cannot be read"] += 1


def _read_columns(query: _Query, problems: Problems) -> Iterator[Capture]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_seekable(query.index) as stream:
            table = pq.ParquetFile(stream)
            columns = [name for name in _COLUMNS if name in table.schema_arrow.names]
            for batch in table.iter_batches(batch_size=4096, columns=columns):
                for row in batch.to_pylist():
                    mime = (str(row.get("content_mime_type")), str(row.get("content_mime_detected")))
                    languages = str(row.get("content_languages") or "")
                    if not query.matches(row["url"], mime, str(row["fetch_status"]), languages):
                        continue
                    place = int(row["warc_record_offset"]), int(row["warc_record_length"])
                    try:
                        yield _check(row["url"], row["warc_filename"], *place, row.get("content_truncated"))
                    except ValueError:
                        problems["index line that cannot be read"] += 1
    except (pa.ArrowException, KeyError, TypeError) as error:
        problems[f"broken index: {(str(error).splitlines() or [''])[0]}"] += 1


def _check(url: str, file: str, offset: int, length: int, truncated: object) -> Capture:
    """Refuse what no honest index says: files outside the place of the data, ranges that are none.

    Raises:
        ValueError: such a row.
    """
    inside = not is_remote(file) and not Path(file).is_absolute() and ".." not in Path(file).parts
    if not inside or "\\" in file or offset < 0 or not 0 < length <= MAXIMUM_RECORD_BYTES:
        raise ValueError(file)
    return Capture(url, file, offset, length, str(truncated or ""))


def _matches_pattern(pattern: str, url: str) -> bool:
    """Compare without scheme, `www.`, case of the host, and final slash, as the index's keys do."""
    if not pattern or pattern == "*":
        return True
    if pattern.startswith("*."):
        domain = pattern[2:].removesuffix("/*").removesuffix("*").rstrip("/").lower()
        try:
            host = (urlsplit(url).hostname or "").lower()
        except ValueError:
            return False
        return host == domain or host.endswith("." + domain)
    wanted, found = _plain(pattern), _plain(url)
    if pattern.endswith("*"):
        return found.startswith(wanted.removesuffix("*"))
    return found.rstrip("/") == wanted.rstrip("/")


def _plain(url: str) -> str:
    host, slash, path = url.partition("://")[2].partition("/") if "://" in url else url.partition("/")
    return host.lower().removeprefix("www.") + slash + path
