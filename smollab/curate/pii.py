"""Mask personal data: e-mail addresses, and IPv4 addresses that are public.

A model should not learn to recite anyone's address. FineWeb replaces rather than drops, with addresses that
belong to nobody, taken in turn; private addresses such as 192.168.0.1 stay, because they identify no one and
technical prose is full of them.

**Source**: Penedo et al. 2024, section 3.7; datatrove's `PIIFormatter` (Apache-2.0).

**Deviation**: the turn starts anew in each document, so that the result does not depend on the documents
before it (and hence not on the number of workers); the masks for IPv4 are from the ranges which RFC 5737
reserves for documentation; letters with accents may stand before the @.
"""

import ipaddress
import re
from collections.abc import Callable
from itertools import cycle

from smollab.documents import Document, replace

EMAIL_MASKS = ("email@example.com", "firstname.lastname@example.org")
IP_MASKS = ("192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.2", "203.0.113.1", "203.0.113.2")

# Every repetition is bounded (RFC 5321: 64 characters before the @, 63 in a label), so that a megabyte of base64
# costs no more than prose.
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL_PART = rf"\w{_ATOM}{{0,63}}(?:\.{_ATOM}{{1,64}}){{0,8}}"
_EMAIL = re.compile(rf"(?<![\w.+-]){_LOCAL_PART}@(?:{_LABEL}\.){{1,8}}{_LABEL}")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IP = re.compile(rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d]|\.\d)", re.ASCII)


def mask_pii(document: Document) -> Document:
    """Replace e-mail addresses and public IPv4 addresses; count them in the metadata."""
    text = document.text
    emails = ips = 0
    if "@" in text:
        text, emails = mask_emails(text)
    text, ips = mask_ips(text)
    if not emails and not ips:
        return document
    return replace(document, text=text, metadata={**document.metadata, "pii_masked": emails + ips})


def mask_emails(text: str) -> tuple[str, int]:
    """Replace e-mail addresses; return the text and how many were replaced."""
    return _substitute(_EMAIL, EMAIL_MASKS, text, lambda found: found not in EMAIL_MASKS)


def mask_ips(text: str) -> tuple[str, int]:
    """Replace public IPv4 addresses; return the text and how many were replaced."""
    return _substitute(_IP, IP_MASKS, text, lambda found: ipaddress.ip_address(found).is_global)


def _substitute(
    pattern: re.Pattern[str], masks: tuple[str, ...], text: str, is_personal: Callable[[str], bool]
) -> tuple[str, int]:
    turn, count = cycle(masks), 0

    def mask(match: re.Match[str]) -> str:
        nonlocal count
        if not is_personal(match[0]):
            return match[0]
        count += 1
        return next(turn)

    return pattern.sub(mask, text), count
