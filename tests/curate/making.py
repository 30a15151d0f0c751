"""Makes WARC files, pages and PDF files for the tests."""

import gzip
import random
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "data_samples"

SUBJECTS = "the captain|an old teacher|my neighbor|the baker|a tired nurse|the mayor|her brother|the gardener"
VERBS = "carried|forgot|painted|sold|found|repaired|borrowed|described|hid|measured|admired|lost"
OBJECTS = "a wooden boat|the blue door|some letters|the last bridge|a small garden|the broken clock|a heavy chair"
ENDS = "before the rain came|in the early morning|because nobody had asked|with great care|during the long winter"


def prose(seed: int, sentences: int = 12) -> str:
    """Return English prose that shares hardly a line with that of another seed."""
    rng = random.Random(seed)
    parts = [part.split("|") for part in (SUBJECTS, VERBS, OBJECTS, ENDS, SUBJECTS, VERBS, OBJECTS)]
    lines = []
    for _ in range(sentences):
        a, b, c, d, e, f, g = map(rng.choice, parts)
        lines.append(f"{a.capitalize()} {b} {c} {d}, and {e} {f} {g}.")
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


def is_running(pid: int) -> bool:
    """Tell whether a process is alive and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
