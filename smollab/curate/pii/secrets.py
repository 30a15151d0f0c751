"""Keys and secrets: what services issue has a prefix that gives it away; what people assign has a name before it.

Prefixes are public, so that scanners can find keys that leaked. A value assigned to a name such as `password` is
taken only if it looks random: letters and digits mixed, with an entropy that words do not have.

**Source**: the services' documentation of their formats; entropy as in truffleHog and detect-secrets.

**Cost**: one pass for each of two regular expressions whose repetitions are bounded.

**Fails when**: a key has no known prefix and no name before it. Passwords that are words stay.
"""

import math
import re
from collections import Counter

from smollab.curate.pii.addresses import substitute

__all__ = ["KEY_MASK", "mask_secrets"]

KEY_MASK = "<KEY>"
MINIMUM_ENTROPY = 3.0
"""Bits per character: English words have less, random hexadecimal digits of 20 characters about 3.4."""

_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----[^-]{20,10000}-----END [A-Z ]{5,40}-----"
    r"|(?<![A-Za-z0-9_/+-])(?:"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{60,100}"
    r"|glpat-[A-Za-z0-9_-]{20,50}"  # GitLab
    r"|xox[abeprs]-[A-Za-z0-9-]{10,200}"  # Slack
    r"|AIza[A-Za-z0-9_-]{35}"  # Google
    r"|[sr]k_live_[A-Za-z0-9]{20,120}"  # Stripe
    r"|hf_[A-Za-z]{34}"  # Hugging Face
    r"|sk-(?:[a-z0-9]{2,8}-)?[A-Za-z0-9_-]{32,180}"
    r"|eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,1000}"  # JSON web token, RFC 7519
    r")(?![A-Za-z0-9_])"
)
_ASSIGNMENT = re.compile(
    r"(?P<name>(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|client[_-]?secret)"
    r"[\"']?\s{0,3}(?::|=>?)\s{0,3}[\"']?)(?P<value>[A-Za-z0-9+/=_!@#$%^&*.~-]{12,200}+)(?![^\s\"',;)}\]])",
    re.IGNORECASE,
)
_NAMES = re.compile(r"passw|passphrase|secret|token|key", re.IGNORECASE)


def mask_secrets(text: str) -> tuple[str, int]:
    """Replace keys and secrets; return the text and how many were replaced."""
    text, keys = substitute(_KEY, (KEY_MASK,), text, lambda match: True)
    if not _NAMES.search(text):
        return text, keys
    count = 0

    def mask(match: re.Match[str]) -> str:
        nonlocal count
        if not is_random(match["value"]):
            return match[0]
        count += 1
        return match["name"] + KEY_MASK

    return _ASSIGNMENT.sub(mask, text), keys + count


def is_random(value: str) -> bool:
    """Say whether a value mixes letters and digits and has the entropy of a random string."""
    if not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    counts = Counter(value).values()
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return entropy >= MINIMUM_ENTROPY
