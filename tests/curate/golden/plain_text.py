"""A crude but unchanging way from the sample pages to texts, for comparing filters: standard library only.

It must not depend on our own extraction, which improves, nor on a library's version: the verdicts on file belong
to exactly these texts.
"""

import gzip
import zlib
from html.parser import HTMLParser
from pathlib import Path

SAMPLES = Path(__file__).parents[3] / "data_samples" / "web"
BREAKS = {"p", "div", "li", "h1", "h2", "h3", "h4", "pre", "tr", "dt", "dd", "br", "td", "title"}


class _Lines(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = [""]
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.hidden += tag in ("script", "style")
        if tag in BREAKS:
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")
        if tag in BREAKS:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.lines[-1] += data


def read_texts(name: str, every: int) -> dict[str, str]:
    """Return the texts of one in so many pages of a sample WARC file, by URL; chosen by a hash of the URL."""
    texts = {}
    records = gzip.decompress((SAMPLES / f"{name}.warc.gz").read_bytes()).split(b"WARC/1.")
    for record in records[1:]:
        headers, _, rest = record.partition(b"\r\n\r\n")
        http, _, body = rest.partition(b"\r\n\r\n")
        if b"WARC-Type: response" not in headers or b"text/html" not in http.lower() or b" 200 " not in http[:20]:
            continue
        url = headers.partition(b"WARC-Target-URI:")[2].partition(b"\r\n")[0].strip().decode()
        if zlib.crc32(url.encode()) % every:
            continue
        parser = _Lines()
        parser.feed(body.decode("utf-8", "replace"))
        lines = (" ".join(line.split()) for line in parser.lines)
        texts[url] = "\n".join(line for line in lines if line)
    return dict(sorted(texts.items()))
