"""Makes WARC files, pages and PDF files for the tests."""

import gzip
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "data_samples"

SENTENCES = (
    "The ferry leaves the island in the morning and comes back with the evening tide.",
    "Most of the people on board have known each other since they went to school.",
    "They talk about the weather, the price of fish and the new road to the harbor.",
    "Nobody looks at the sea, because they have all seen it every day of their lives.",
    "When the fog is thick the captain rings the bell and everyone becomes quiet.",
    "Then you can hear the water against the wood and the gulls that follow the ship.",
)


def prose(seed: int, sentences: int = 12) -> str:
    """Return English prose whose sentences differ from those of another seed."""
    lines = []
    for i in range(sentences):
        sentence = SENTENCES[i % len(SENTENCES)].rstrip(".")
        lines.append(f"{sentence}, as number {seed} and line {i} of the {seed * 7 + i} stories have it.")
    return " ".join(lines)


def page(text: str, title: str = "A page") -> bytes:
    """Return a page with a menu around the text."""
    menu = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in ("Home", "News", "Contact"))
    return (
        f"<html><head><title>{title}</title></head><body><ul class='menu'>{menu}</ul>"
        f"<div id='content'><p>{text}</p></div><div class='footer'>Copyright by us</div></body></html>"
    ).encode()


def record(
    url: str,
    body: bytes,
    *,
    content_type: str = "text/html; charset=utf-8",
    status: str = "200 OK",
    length: int | None = None,
    kind: str = "response",
) -> bytes:
    """Return one WARC record; `length` lies about its Content-Length."""
    http = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n\r\n".encode() + body
    payload = http if kind == "response" else body
    header = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{abs(hash(url))}>\r\n"
        f"WARC-Target-URI: {url}\r\nWARC-Date: 2024-05-01T00:00:00Z\r\n"
        f"Content-Type: {'application/http; msgtype=response' if kind == 'response' else 'text/plain'}\r\n"
        f"Content-Length: {len(payload) if length is None else length}\r\n\r\n"
    )
    return header.encode() + payload + b"\r\n\r\n"


def pack(records: Iterable[bytes]) -> bytes:
    """Return a gzip file with one member per record, as crawlers write it."""
    return b"".join(gzip.compress(r, mtime=0) for r in records)


def write_warc(path: Path, texts: dict[str, str]) -> Path:
    """Write pages (URL -> text) as a WARC file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack(record(url, page(text)) for url, text in texts.items()))
    return path
