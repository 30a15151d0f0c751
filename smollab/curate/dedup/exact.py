"""Exact deduplication of whole documents: by raw bytes, by text and by address.

**Source**: FinePDFs drops files of equal bytes before any work, and later documents whose text without white space is
equal (run_finepdfs_pipeline.py); RefinedWeb
drops addresses that an earlier snapshot already gave (Penedo et al. 2023, section 3.3). The hash is XXH3 with 128 bits
(Collet): among a billion documents two share one by chance with a probability of 10^-21.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import xxhash
from numpy.typing import NDArray

from smollab.curate.dedup.whole import WholeDedup
from smollab.documents import Document

__all__ = ["byte_dedup", "exact_dedup", "normalize_url", "url_dedup"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_INDEX_FILES = ("index.html", "index.htm", "index.php", "default.aspx")
_TRACKING = ("utm_", "fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid", "jsessionid", "phpsessid", "sid")
"""Parameters that say how a visitor came, or who it is, not what the page holds; as a whole or, with `_`, a prefix."""


def byte_dedup() -> WholeDedup:
    """Build the global step that keeps the first of all documents with the same bytes, before anything is extracted."""
    return WholeDedup(name="byte_dedup", reason="equal bytes", keys=_byte_keys, columns=2, columns_per_key=2)


def exact_dedup() -> WholeDedup:
    """Build the global step that keeps the first of all documents with the same text; case and white space aside."""
    return WholeDedup(name="exact_dedup", reason="duplicate", keys=_text_keys, columns=2, columns_per_key=2)


def url_dedup() -> WholeDedup:
    """Build the global step that keeps the first of all documents with the same address."""
    return WholeDedup(name="url_dedup", reason="same address", keys=_url_keys, columns=2, columns_per_key=2)


def normalize_url(url: str) -> str:
    """Return an address without what does not change the page; empty if it is no address.

    Scheme, `www.`, default port, fragment, an index file and a slash at the end go, as do tracking parameters; the host
    is lower case, and the other parameters are sorted (RFC 3986, section 6.2, and then some). Paths keep their case.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        parameters = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return ""
    if not host:
        return ""
    if port and port != _DEFAULT_PORTS.get(parts.scheme):
        host += f":{port}"
    folders = parts.path.rstrip("/ ").split("/")
    while folders and folders[-1].lower() in ("", *_INDEX_FILES):
        folders.pop()
    kept = sorted((name, value) for name, value in parameters if not _is_tracking(name.lower()))
    query = f"?{urlencode(kept)}" if kept else ""
    return f"{host.removeprefix('www.')}{'/'.join(folders)}{query}"


def _is_tracking(name: str) -> bool:
    return any(name.startswith(known) if known.endswith("_") else name == known for known in _TRACKING)


def _byte_keys(documents: Sequence[Document]) -> NDArray[np.uint64]:
    keys = _pack(xxhash.xxh3_128_digest(document.raw) for document in documents)
    keys[[not document.raw for document in documents]] = 0
    return keys


def _text_keys(documents: Sequence[Document]) -> NDArray[np.uint64]:
    return _hash(["".join(document.text.lower().split()) for document in documents])


def _url_keys(documents: Sequence[Document]) -> NDArray[np.uint64]:
    urls = [normalize_url(str(document.metadata.get("url") or "")) for document in documents]
    keys = _hash(urls)
    keys[[not url for url in urls]] = 0
    return keys


def _hash(texts: Sequence[str]) -> NDArray[np.uint64]:
    return _pack(xxhash.xxh3_128_digest(text.encode("utf-8", "replace")) for text in texts)


def _pack(digests: Iterable[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64).reshape(-1, 2)
