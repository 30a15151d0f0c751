"""E-mail addresses, and IP addresses that are public.

FineWeb replaces rather than drops, with addresses that belong to nobody, taken in turn; private addresses such as
192.168.0.1 stay, because they identify no one and technical prose is full of them.

**Source**: Penedo et al. 2024, section 3.7; datatrove's `PIIFormatter` (Apache-2.0), which masks no IPv6.

**Deviation**: the turn starts anew in each document, so that the result does not depend on the documents
before it (and hence not on the number of workers); the masks for IPv4 are from the ranges which RFC 5737
reserves for documentation; letters with accents may stand before the @.
"""

import ipaddress
import re
from collections.abc import Callable
from itertools import cycle

__all__ = ["EMAIL_MASKS", "IPV4_MASKS", "IPV6_MASKS", "mask_emails", "mask_ipv4", "mask_ipv6", "substitute"]

EMAIL_MASKS = ("email@example.com", "firstname.lastname@example.org")
IPV4_MASKS = ("192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.2", "203.0.113.1", "203.0.113.2")
IPV6_MASKS = ("2001:db8::1", "2001:db8::2")
"""RFC 3849."""

# Every repetition is bounded (RFC 5321: 64 characters before the @, 63 in a label), so that a megabyte of base64
# costs no more than prose.
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL_PART = rf"\w{_ATOM}{{0,63}}(?:\.{_ATOM}{{1,64}}){{0,8}}"
_EMAIL = re.compile(rf"(?<![\w.+-]){_LOCAL_PART}@(?:{_LABEL}\.){{1,8}}{_LABEL}")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = re.compile(rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d]|\.\d)", re.ASCII)
# Begins with a literal, which `re` finds much faster than a digit: most texts are done with it.
_DOTTED = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d", re.ASCII)
# Global unicast is 2000::/3, so the first group begins with 2 or 3 and has four digits.
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)", re.ASCII)


def mask_emails(text: str) -> tuple[str, int]:
    """Replace e-mail addresses; return the text and how many were replaced."""
    if "@" not in text:
        return text, 0
    return substitute(_EMAIL, EMAIL_MASKS, text, lambda match: match[0] not in EMAIL_MASKS)


def mask_ipv4(text: str) -> tuple[str, int]:
    """Replace public IPv4 addresses; return the text and how many were replaced."""
    if not _DOTTED.search(text):
        return text, 0
    return substitute(_IPV4, IPV4_MASKS, text, lambda match: ipaddress.ip_address(match[0]).is_global)


def mask_ipv6(text: str) -> tuple[str, int]:
    """Replace public IPv6 addresses; return the text and how many were replaced."""
    if ":" not in text:
        return text, 0
    return substitute(_IPV6, IPV6_MASKS, text, lambda match: _is_public_ipv6(match[0]))


def substitute(
    pattern: re.Pattern[str], masks: tuple[str, ...], text: str, is_personal: Callable[[re.Match[str]], bool]
) -> tuple[str, int]:
    """Replace the matches that are personal by the masks in turn; return the text and how many were replaced."""
    turn, count = cycle(masks), 0

    def mask(match: re.Match[str]) -> str:
        nonlocal count
        if not is_personal(match):
            return match[0]
        count += 1
        return next(turn)

    return pattern.sub(mask, text), count


def _is_public_ipv6(found: str) -> bool:
    try:
        return ipaddress.IPv6Address(found).is_global
    except ValueError:  # too few groups: a time, a MAC address, a name in C++
        return False
