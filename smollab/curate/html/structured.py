"""The text that a page gives to search engines: schema.org's `articleBody` in JSON-LD."""

import json
import re
from typing import Any

from smollab.curate.html.blocks import tidy, unescape

_JSON_LD = re.compile(r"<script[^>]*application/ld\+json[^>]*>(.*?)</script", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
MAXIMUM_DEPTH = 8
"""Objects inside each other that are looked into."""


def find_article_body(html: str) -> str:
    """Return the longest `articleBody` of a page, or an empty string."""
    if '"articleBody"' not in html:
        return ""
    bodies = [""]
    for match in _JSON_LD.finditer(html):
        try:
            data = json.loads(match[1], strict=False)
        except (ValueError, RecursionError):
            continue
        bodies.extend(_bodies(data, MAXIMUM_DEPTH))
    text = unescape(_TAG.sub("\x00", max(bodies, key=len)))
    return "\n".join(line for line in tidy(text.replace("\n", "\x00"), False).split("\n") if line)


def _bodies(data: Any, depth: int) -> list[str]:
    if depth == 0:
        return []
    if isinstance(data, list):
        return [body for item in data for body in _bodies(item, depth - 1)]
    if not isinstance(data, dict):
        return []
    body = data.get("articleBody")
    found = [body] if isinstance(body, str) else []
    return found + [
        body for value in data.values() if isinstance(value, dict | list) for body in _bodies(value, depth - 1)
    ]
