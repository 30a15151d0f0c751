"""Write a PDF that was fetched again as WARC records, with what it replaces.

    warcinfo    once in each file: who fetched, and how
    request     what was asked for
    response    the answer: header and file; what a recipe reads as a `warc:` source
    metadata    about both copies: which record the new one replaces (WARC-Refers-To), how they compare
    revisit     instead of a response, where the server said that an earlier copy of ours is still the one

**Source**: ISO 28500:2017, 5.7 (WARC-Refers-To may stand in metadata and revisit records, not in responses), 6.7.3
(revisits of what was not modified). Where header fields no longer fit the body as stored, they are kept with the prefix
`X-Crawl-`, as CommonCrawl keeps them.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from smollab.curate.pdf.download import Answer
from smollab.curate.pdf.refetch_ledger import Target
from smollab.curate.warc_writer import WarcWriter, new_record_id, payload_digest

__all__ = ["NOT_MODIFIED", "write_copy", "write_revisit"]

NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_OF_THE_TRANSFER = ("content-encoding", "transfer-encoding", "content-length")


def write_copy(writer: WarcWriter, target: Target, answer: Answer, date: str, notes: dict[str, str]) -> tuple[int, str]:
    """Append the records of a new copy.

    Args:
        writer: of the job.
        target: what was fetched again.
        answer: what came.
        date: when; WARC-Date.
        notes: fields for the metadata record.

    Returns:
        Where the response record starts, and its id.
    """
    record_id, request_id = new_record_id(), new_record_id()
    common = [("WARC-Target-URI", answer.url), ("WARC-Date", date), ("WARC-IP-Address", answer.address)]
    start = _write_response(writer, record_id, common, answer)
    _write_request(writer, request_id, record_id, common, answer)
    fields = {"comparison": "", "old-payload-digest": target.digest, "old-length": str(target.bytes), **notes}
    fields |= {"resumed": "yes"} if answer.resumed else {}
    headers = [
        ("WARC-Record-ID", new_record_id()),
        ("WARC-Target-URI", target.url),
        ("WARC-Date", date),
        ("WARC-Concurrent-To", record_id),
        ("WARC-Refers-To-Target-URI", target.url),
        *([("WARC-Refers-To", target.record_id)] if target.record_id else []),
        *([("WARC-Refers-To-Date", target.date)] if target.date else []),
        ("Content-Type", "application/warc-fields"),
    ]
    block = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in fields.items())
    writer.write("metadata", headers, block.encode())
    return start, record_id


def write_revisit(
    writer: WarcWriter, target: Target, answer: Answer, date: str, earlier_id: str, digest: str
) -> tuple[int, str]:
    """Append the record of an answer that our earlier copy is still the one; returns as `write_copy`."""
    record_id = new_record_id()
    block = _http_header(answer, None)
    headers = [
        ("WARC-Record-ID", record_id),
        ("WARC-Target-URI", answer.url),
        ("WARC-Date", date),
        ("WARC-IP-Address", answer.address),
        ("WARC-Profile", NOT_MODIFIED),
        ("WARC-Refers-To", earlier_id),
        ("WARC-Refers-To-Target-URI", target.url),
        ("WARC-Payload-Digest", digest),
        ("WARC-Block-Digest", payload_digest(block)),
        ("Content-Type", "application/http; msgtype=response"),
    ]
    return writer.write("revisit", headers, block), record_id


def _write_response(writer: WarcWriter, record_id: str, common: list[tuple[str, str]], answer: Answer) -> int:
    block = _http_header(answer, len(answer.body)) + answer.body
    headers = [
        ("WARC-Record-ID", record_id),
        *common,
        ("WARC-Payload-Digest", payload_digest(answer.body)),
        ("WARC-Block-Digest", payload_digest(block)),
        ("WARC-Identified-Payload-Type", "application/pdf"),
        ("Content-Type", "application/http; msgtype=response"),
    ]
    return writer.write("response", headers, block)


def _write_request(
    writer: WarcWriter, request_id: str, record_id: str, common: list[tuple[str, str]], answer: Answer
) -> None:
    parts = urlsplit(answer.url)
    lines = [f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in answer.sent]
    block = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")
    headers = [("WARC-Record-ID", request_id), *common, ("WARC-Concurrent-To", record_id)]
    content_type = ("Content-Type", "application/http; msgtype=request")
    writer.write("request", [*headers, ("WARC-Block-Digest", payload_digest(block)), content_type], block)


def _http_header(answer: Answer, length: int | None) -> bytes:
    """The header of the answer as lines; with a length: for the body as it is stored."""
    status = HTTPStatus(answer.status)
    lines = [f"HTTP/1.1 {status.value} {answer.reason or status.phrase}"]
    for name, value in answer.headers:
        moved = length is not None and name.lower() in _OF_THE_TRANSFER
        lines.append(f"{'X-Crawl-' if moved else ''}{name}: {' '.join(value.split())}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")
